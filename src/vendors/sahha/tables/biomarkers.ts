import { sql } from 'drizzle-orm'
import { index, numeric, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import {
  moving,
  movingComments,
  provenance,
  provenanceComments,
  pulled,
  pulledComments,
} from '../../../tables/columns.ts'
import { target } from '../../../tables/target.ts'
import {
  middleDay,
  newestRevision,
  period,
  periodComments,
  profile,
  profileComments,
  revision,
  revisionComments,
} from './columns.ts'

/** The user's day on which the middle of the period is: a sleep from the evening on belongs to the day of waking. */
const localDay = sql`(((start_date_time at time zone 'UTC') + coalesce(end_date_time - start_date_time, '0') / 2 + coalesce(utc_offset_minutes, 0) * interval '1 minute')::date)`

/** The same of a row with an alias; NULL if the biomarker is not of one day. */
const dayOf = (b: string) => `case when ${b}.periodicity = 'daily' then
    ((${b}.start_date_time at time zone 'UTC') + coalesce(${b}.end_date_time - ${b}.start_date_time, '0') / 2
      + coalesce(${b}.utc_offset_minutes, 0) * interval '1 minute')::date end`
const isOfOneDay = sql`periodicity = 'daily'`

export const biomarkersTable = pgTable(
  'biomarkers',
  {
    ...profile,
    category: text(),
    type: text().notNull(),
    periodicity: text(),
    aggregation: text(),
    value: text(),
    value_number: numeric(),
    unit: text(),
    value_type: text(),
    ...period,
    ...revision,
    ...provenance,
    ...pulled,
    ...moving,
  },
  (t) => [
    primaryKey({ columns: [t.profile_id, t.id] }),
    // For all profiles on one day, and for the days of one profile. The day is that of daily_biomarkers.
    index('biomarkers_day_idx').on(localDay, t.profile_id).where(isOfOneDay),
    index('biomarkers_profile_day_idx').on(t.profile_id, localDay).where(isOfOneDay),
    index('biomarkers_moved_idx').on(t.profile_id).where(sql`has_moved`),
  ],
)

export const biomarkers = target(biomarkersTable, {
  about: 'Sahha biomarkers (BiomarkerCreatedIntegrationEvent), newest revision of each.',
  newest: newestRevision,
  day: { of: (row) => (row.periodicity === 'daily' ? middleDay(row) : null), sql: dayOf },
  comments: {
    ...profileComments,
    category: 'category: activity, sleep, body, vitals, engagement, or a later addition.',
    type: 'type: for example steps, heart_rate_resting, sleep_duration.',
    periodicity: 'periodicity: daily, weekly, monthly, none, intraday, quarterly.',
    aggregation: 'aggregation: total, average, maximum, minimum, none.',
    value: 'value: exactly as sent, in unit; NULL where it was no text, as a JSON number is not.',
    value_number: 'value as a number, to its last digit; NULL where the text is no number.',
    unit: 'unit: of value; differs by platform for one type, so never assume it.',
    value_type: 'valueType: integer, float, boolean, string, double, datetime.',
    ...periodComments,
    ...revisionComments,
    ...provenanceComments,
    ...pulledComments,
    ...movingComments,
  },
})
