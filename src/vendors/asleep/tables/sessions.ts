import { sql } from 'drizzle-orm'
import { date, index, pgTable, primaryKey, smallint, text } from 'drizzle-orm/pg-core'
import {
  decimal,
  instant,
  moving,
  movingComments,
  provenance,
  provenanceComments,
  pulled,
  pulledComments,
} from '../../../tables/columns.ts'
import { target } from '../../../tables/target.ts'
import { key, keyComments } from './columns.ts'

export const sleepSessions = pgTable(
  'sleep_sessions',
  {
    ...key,
    state: text(),
    timezone: text(),
    created_timezone: text(),
    start_time: instant(),
    end_time: instant(),
    unexpected_end_time: instant(),
    utc_offset_minutes: smallint(),
    local_date: date({ mode: 'string' }),
    peculiarities: text().array(),
    validity: text(),
    missing_data_ratio: decimal(),
    callback_version: text(),
    ...provenance,
    sleep_date: date({ mode: 'string' }),
    ...pulled,
    ...moving,
  },
  (t) => [
    primaryKey({ columns: [t.user_id, t.session_id] }),
    // For all users on one day.
    index('sleep_sessions_sleep_date_idx').on(t.sleep_date, t.user_id),
    index('sleep_sessions_moved_idx').on(t.user_id).where(sql`has_moved`),
  ],
)

export const sessions = target(sleepSessions, {
  about: 'One sleep session, as its latest SESSION_COMPLETE callback describes it.',
  day: { of: ({ sleep_date }) => sleep_date, sql: (session) => `${session}.sleep_date` },
  comments: {
    ...keyComments,
    state: 'session.state: OPEN, CLOSED, COMPLETE, or a later addition.',
    timezone: 'timezone: IANA name of the zone in which the vendor expressed the times.',
    created_timezone: 'session.created_timezone: IANA name of the zone in which the session was created.',
    start_time: 'session.start_time: start of the recording and of epoch 0.',
    end_time: 'session.end_time: end of the recording; NULL while open or unknown.',
    unexpected_end_time: 'session.unexpected_end_time: when the recording broke off; NULL where it did not.',
    utc_offset_minutes: 'UTC offset that start_time was sent with, in minutes; NULL where it had none.',
    local_date:
      'Calendar date of start_time as it was sent, in its own offset. It is not the day of the night: that is sleep_date.',
    peculiarities: 'peculiarities: labels that limit the analysis (NEVER_SLEPT, NO_BREATHING_STABILITY, …).',
    validity: 'validity: VALID, IN_PROGRESS or INVALID: …; sent by older versions in place of peculiarities.',
    missing_data_ratio: 'missing_data_ratio: share of the session without usable audio, 0 to 1.',
    callback_version: 'version or callback_version of the envelope; NULL where it names none (V1 does not).',
    ...provenanceComments,
    sleep_date:
      'The day of the night: local calendar date of wake_time, or else of end_time or unexpected_end_time, in created_timezone, or else timezone, or else UTC.',
    ...pulledComments,
    ...movingComments,
  },
})
