/** A kind of delivery. In the template, `@` stands for digits of the delivery's number, `#` for digits of its owner. */
export interface Workload {
  readonly name: string
  readonly vendor: 'asleep' | 'sahha'
  readonly eventType: string
  /** Rows that a delivery has in the normalised tables. */
  readonly rows: number
  readonly template: string
  /** A query for the numbers of the deliveries that are stored with all their rows. */
  readonly stored: string
}

const NUMBER = '@@@@@@@@@@'
const OWNER = '#####'
const profile = {
  profileId: `c9bf9e57-1685-4c89-bafb-ff5af83${OWNER}`,
  accountId: 'a3c1e8d2-4f6b-4a9c-8e7d-2b5f1c3a9e6b',
  externalId: `user_${OWNER}`,
}
const revision = { createdAtUtc: '2025-01-22T18:30:00Z', version: 1.1 }
const day = { startDateTime: '2025-01-22T00:00:00+00:00', endDateTime: '2025-01-22T23:59:59+00:00' }

const biomarker: Workload = {
  name: 'biomarker',
  vendor: 'sahha',
  eventType: 'BiomarkerCreatedIntegrationEvent',
  rows: 1,
  template: JSON.stringify({
    id: `b2c3d4e5-f6a7-8901-bcde-f2${NUMBER}`,
    ...profile,
    category: 'activity',
    type: 'steps',
    periodicity: 'daily',
    aggregation: 'total',
    value: '8547',
    unit: 'count',
    valueType: 'integer',
    ...day,
    ...revision,
  }),
  stored: 'select right(id, 10) as number from biomarkers',
}

const factor = (name: string) => ({
  id: name,
  name,
  value: 7.5,
  goal: 8,
  score: 0.94,
  state: 'high',
  unit: 'hour',
})

const score: Workload = {
  name: 'score, 6 factors',
  vendor: 'sahha',
  eventType: 'ScoreCreatedIntegrationEvent',
  rows: 7,
  template: JSON.stringify({
    id: `f47ac10b-58cc-4372-a567-0e${NUMBER}`,
    ...profile,
    type: 'sleep',
    state: 'high',
    score: 0.85,
    factors: ['duration', 'regularity', 'continuity', 'debt', 'circadian', 'recovery'].map((name) =>
      factor(`sleep_${name}`),
    ),
    dataSources: ['age', 'sleep'],
    scoreDateTime: '2025-01-22T00:00:00+00:00',
    ...revision,
  }),
  stored: `select right(id, 10) as number from scores s
    where 6 = (select count(*) from score_factors f where f.profile_id = s.profile_id and f.score_id = s.id)`,
}

const archetype: Workload = {
  name: 'archetype',
  vendor: 'sahha',
  eventType: 'ArchetypeCreatedIntegrationEvent',
  rows: 1,
  template: JSON.stringify({
    id: `d4e5f6a7-b8c9-0123-def4-56${NUMBER}`,
    ...profile,
    name: 'chronotype',
    value: 'early_bird',
    dataType: 'string',
    periodicity: 'weekly',
    ordinality: 0,
    ...day,
    ...revision,
  }),
  stored: 'select right(id, 10) as number from archetypes',
}

const dataLog = (samples: number): Workload => ({
  name: `data log, ${samples} samples`,
  vendor: 'sahha',
  eventType: 'DataLogReceivedIntegrationEvent',
  rows: samples,
  template: JSON.stringify({
    logType: 'activity',
    dataType: 'steps',
    ...profile,
    receivedAtUtc: '2025-01-22T14:30:00Z',
    dataLogs: Array.from({ length: samples }, (_, at) => ({
      id: `e5f6a7b8-c9d0-12${String(at).padStart(6, '0')}${NUMBER}`,
      parentId: null,
      value: 1250 + at,
      unit: 'count',
      source: 'iPhone 15 Pro',
      recordingMethod: 'RECORDING_METHOD_AUTOMATICALLY_RECORDED',
      deviceType: 'iPhone16,1',
      startDateTime: '2025-01-22T09:00:00+00:00',
      endDateTime: '2025-01-22T10:00:00+00:00',
      additionalProperties: {},
    })),
  }),
  stored: `select right(id, 10) as number from data_logs group by 1 having count(*) = ${samples}`,
})

/** A night of 8 hours in cycles of 90 minutes, with deep sleep early and REM sleep late. */
const EPOCHS = 960
const CYCLE = 180
const stages = Array.from({ length: EPOCHS }, (_, epoch) => {
  const cycle = Math.floor(epoch / CYCLE)
  const phase = (epoch % CYCLE) / CYCLE
  if (epoch < 30) return 0
  if (phase < 0.15) return 1
  if (phase < 0.55 - cycle * 0.08) return 2
  if (phase < 0.75 - cycle * 0.05) return 1
  return 3
})
const snoring = Array.from({ length: EPOCHS }, (_, epoch) => (epoch % 90 < 12 ? 1 : 0))

const user = { user_id: `G-20250115025029-vLErWBfQNtnfvgDc${OWNER}` }

const session: Workload = {
  name: 'night, 960 epochs × 2',
  vendor: 'asleep',
  eventType: '',
  rows: 4,
  template: JSON.stringify({
    event: 'SESSION_COMPLETE',
    version: 'V3',
    data: {
      timezone: 'UTC',
      peculiarities: ['NO_BREATHING_STABILITY'],
      missing_data_ratio: 0,
      ...user,
      session: {
        id: `20250115_${NUMBER}`,
        state: 'COMPLETE',
        start_time: '2025-01-15T22:50:29+00:00',
        end_time: '2025-01-16T06:50:29+00:00',
        unexpected_end_time: null,
        created_timezone: 'UTC',
        sleep_stages: stages,
        breath_stages: null,
        snoring_stages: snoring,
      },
      stat: {
        sleep_time: '2025-01-15T23:05:29+00:00',
        wake_time: '2025-01-16T06:26:29+00:00',
        sleep_index: 81,
        sleep_latency: 900,
        wakeup_latency: 1440,
        light_latency: 0,
        deep_latency: 810,
        rem_latency: 4050,
        time_in_bed: 28800,
        time_in_sleep_period: 26460,
        time_in_sleep: 26280,
        time_in_wake: 180,
        time_in_light: 9000,
        time_in_deep: 9000,
        time_in_rem: 8280,
        time_in_stable_breath: null,
        time_in_unstable_breath: null,
        time_in_snoring: 3960,
        time_in_no_snoring: 22500,
        sleep_efficiency: 0.913,
        sleep_ratio: 0.993,
        wake_ratio: 0.007,
        light_ratio: 0.34,
        deep_ratio: 0.34,
        rem_ratio: 0.313,
        stable_breath_ratio: null,
        unstable_breath_ratio: null,
        snoring_ratio: 0.15,
        no_snoring_ratio: 0.85,
        breathing_index: null,
        breathing_pattern: null,
        waso_count: 1,
        longest_waso: 180,
        sleep_cycle_count: 5,
        sleep_cycle: 5292,
        sleep_cycle_time: ['2025-01-15T23:05:29+00:00', '2025-01-16T00:35:29+00:00'],
        unstable_breath_count: null,
        snoring_count: 11,
      },
    },
  }),
  stored: `select right(session_id, 10) as number from sleep_sessions s
    where 2 = (select count(*) from sleep_stage_series x where x.user_id = s.user_id and x.session_id = s.session_id)
      and exists (select from sleep_stats x where x.user_id = s.user_id and x.session_id = s.session_id)`,
}

const inference: Workload = {
  name: 'inference',
  vendor: 'asleep',
  eventType: '',
  rows: 2,
  template: JSON.stringify({
    event: 'INFERENCE_COMPLETE',
    version: 'V3',
    data: {
      ...user,
      session_id: `20250115_${NUMBER}`,
      seq_num: 39,
      inference_seq_num: 3,
      sleep_stages: stages.slice(40, 50),
      breath_stages: null,
      snoring_stages: snoring.slice(40, 50),
    },
  }),
  stored: 'select right(session_id, 10) as number from sleep_stage_windows group by 1 having count(*) = 2',
}

export const workloads = {
  biomarker,
  score,
  archetype,
  session,
  inference,
  log10: dataLog(10),
  log1000: dataLog(1000),
}

/** Kinds of delivery and their shares in percent, from one public report of real Sahha traffic. */
export const mixture: ReadonlyArray<readonly [Workload, number]> = [
  [biomarker, 58],
  [score, 33],
  [workloads.log10, 7],
  [archetype, 2],
]
