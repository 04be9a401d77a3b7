import {
  bigint,
  boolean,
  date,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'
import { target } from './target.ts'

const local = () => timestamp({ mode: 'string' })

/** The rows of `computed_days`, with the same columns in the same order. The view `user_days` reads them while they are current. */
export const storedDays = pgTable(
  'stored_days',
  {
    person_id: text().notNull(),
    local_date: date({ mode: 'string' }).notNull(),
    local_weekday: smallint(),
    user_id: text(),
    session_id: text(),
    time_zone: text(),
    local_bed_time: local(),
    local_sleep_time: local(),
    local_wake_time: local(),
    local_end_time: local(),
    bed_minutes: doublePrecision(),
    wake_minutes: doublePrecision(),
    midpoint_minutes: doublePrecision(),
    in_bed_minutes: doublePrecision(),
    sleep_period_minutes: doublePrecision(),
    asleep_minutes: doublePrecision(),
    light_minutes: doublePrecision(),
    deep_minutes: doublePrecision(),
    rem_minutes: doublePrecision(),
    waso_minutes: doublePrecision(),
    waso_count: integer(),
    longest_waso_minutes: doublePrecision(),
    sleep_latency_minutes: doublePrecision(),
    deep_latency_minutes: doublePrecision(),
    rem_latency_minutes: doublePrecision(),
    sleep_efficiency: doublePrecision(),
    sleep_index: integer(),
    sleep_cycle_count: integer(),
    snoring_minutes: doublePrecision(),
    snoring_count: integer(),
    unstable_breath_minutes: doublePrecision(),
    breathing_index: doublePrecision(),
    missing_data_ratio: doublePrecision(),
    nap_count: bigint({ mode: 'number' }),
    nap_minutes: doublePrecision(),
    session_count: bigint({ mode: 'number' }),
    is_provisional: boolean(),
    received_after_minutes: doublePrecision(),
    is_late: boolean(),
    profile_id: text(),
    sleep_score: doublePrecision(),
    activity_score: doublePrecision(),
    readiness_score: doublePrecision(),
    wellbeing_score: doublePrecision(),
    mental_wellbeing_score: doublePrecision(),
    steps: doublePrecision(),
    floors_climbed: doublePrecision(),
    active_hours: doublePrecision(),
    activity_low_minutes: doublePrecision(),
    activity_medium_minutes: doublePrecision(),
    activity_high_minutes: doublePrecision(),
    active_energy_kcal: doublePrecision(),
    total_energy_kcal: doublePrecision(),
    resting_heart_rate_bpm: doublePrecision(),
    sleep_heart_rate_bpm: doublePrecision(),
    hrv_rmssd_ms: doublePrecision(),
    hrv_sdnn_ms: doublePrecision(),
    respiratory_rate_bpm: doublePrecision(),
    oxygen_saturation_percent: doublePrecision(),
    sleep_oxygen_saturation_percent: doublePrecision(),
    vo2_max: doublePrecision(),
    weight_kg: doublePrecision(),
    body_mass_index: doublePrecision(),
    systolic_mmhg: doublePrecision(),
    diastolic_mmhg: doublePrecision(),
    device_asleep_minutes: doublePrecision(),
    device_deep_minutes: doublePrecision(),
    device_rem_minutes: doublePrecision(),
    device_in_bed_minutes: doublePrecision(),
    received_at: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.person_id, t.local_date] }),
    // For all persons on one day.
    index('stored_days_local_date_idx').on(t.local_date),
  ],
)

/** Up to where in the ledger `stored_days` has everything: one row. */
export const storedDaysState = pgTable('stored_days_state', {
  id: smallint().primaryKey(),
  change_position: bigint({ mode: 'bigint' }),
  epoch: text(),
  time_zone_rules: text(),
  began_at: bigint({ mode: 'bigint' }),
  began_until: text(),
  computed_at: instant(),
})

/** The columns are those of the view, which says what they mean. */
const comments = Object.fromEntries(
  [...new Set(Object.values(storedDays).map(({ name }) => name))].map((name) => [
    name,
    `As user_days.${name}.`,
  ]),
) as { [K in keyof typeof storedDays.$inferSelect]: string }

export const days = target(storedDays, {
  about:
    'The days of user_days as they were last computed. Read user_days, which computes the days that changed since.',
  comments,
})

export const daysState = target(storedDaysState, {
  about: 'Up to where stored_days has everything, one row.',
  comments: {
    id: 'Always 1.',
    change_position:
      'stored_days has every change with a smaller deliveries.change_position; NULL while it is not complete: user_days then computes every day.',
    epoch: 'change_feed.epoch to which the positions belong.',
    time_zone_rules: 'A hash of the rules of all time zones by which the days were computed.',
    began_at: 'The position at which the computation of all days began; NULL if none is going on.',
    began_until: 'The person up to whom it has come.',
    computed_at: 'When days were last computed.',
  },
})
