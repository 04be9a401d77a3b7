import { foreignKey, integer, pgTable, primaryKey, smallint, text } from 'drizzle-orm/pg-core'
import { provenance, provenanceComments } from '../../../tables/columns.ts'
import { type Target, target } from '../../../tables/target.ts'
import { key, keyComments, seriesComment } from './columns.ts'
import { sessions, sleepSessions } from './sessions.ts'

export const sleepStageSeries = pgTable(
  'sleep_stage_series',
  {
    ...key,
    series: text().notNull(),
    stages: smallint().array().notNull(),
    ...provenance,
  },
  (t) => [
    primaryKey({ columns: [t.user_id, t.session_id, t.series] }),
    foreignKey({
      columns: [t.user_id, t.session_id],
      foreignColumns: [sleepSessions.user_id, sleepSessions.session_id],
    }).onDelete('cascade'),
  ],
)

export const series = target(sleepStageSeries, {
  about: 'The final stage arrays of a session (SESSION_COMPLETE): one value for each 30-second epoch.',
  partOf: sessions,
  comments: {
    ...keyComments,
    series: seriesComment,
    stages: 'One value per 30-second epoch; the first epoch starts at sleep_sessions.start_time.',
    ...provenanceComments,
  },
})

export const sleepStageWindows = pgTable(
  'sleep_stage_windows',
  {
    ...key,
    series: text().notNull(),
    inference_seq_num: integer().notNull(),
    seq_num: integer(),
    stages: smallint().array().notNull(),
    callback_version: text(),
    ...provenance,
  },
  (t) => [primaryKey({ columns: [t.user_id, t.session_id, t.series, t.inference_seq_num] })],
)

export const windows = target(sleepStageWindows, {
  provisional: { until: sessions as unknown as Target, isFinal: "state = 'COMPLETE'" },
  about: 'The provisional stage arrays that INFERENCE_COMPLETE sends during a session, as they came.',
  comments: {
    ...keyComments,
    series: seriesComment,
    inference_seq_num:
      'inference_seq_num k: the array ends with epoch 10k + 9, counted from 0. Kept as it came, also below 0; no view shows an epoch before 0.',
    seq_num: 'seq_num: number of the audio upload that led to it, one per 30 seconds, counted from 0.',
    stages:
      'One value per 30-second epoch; L values cover epochs 10(k + 1) - L to 10k + 9 of the session, k = inference_seq_num.',
    callback_version: 'version or callback_version of the envelope; NULL where it names none (V1 does not).',
    ...provenanceComments,
  },
})
