import { type Static, Type } from '@sinclair/typebox'
import { instant, localDate, utcOffsetMinutes } from '../../contract/instant.ts'
import type { Issue } from '../../contract/problem.ts'
import { Decimal, Id, Instant, Maybe, MaybeKey, OpenEnum, Text } from '../../contract/schema.ts'
import { rowsFor, type TargetRows } from '../../tables/target.ts'
import { inBothEnvelopes } from './envelope.ts'
import { sessionExamples } from './examples.ts'
import { sleepDate } from './sleep-date.ts'
import { seriesOf, stageArrays } from './stages.ts'
import { Stat, statRow } from './stat.ts'
import { sessions } from './tables/sessions.ts'
import { series } from './tables/stages.ts'
import { stats } from './tables/stats.ts'

const PECULIARITIES = [
  'IN_PROGRESS',
  'NEVER_SLEPT',
  'TOO_SHORT_FOR_ANALYSIS',
  'TOO_LONG_FOR_ANALYSIS',
  'TOO_MANY_DEFECTS_IN_SLEEP_STAGES',
  'NO_BREATHING_STABILITY',
  'NO_REALTIME_POLLING',
]

const session = Type.Object({
  id: MaybeKey(Id({ description: 'Required unless the data name a session_id' })),
  state: Maybe(OpenEnum(['OPEN', 'CLOSED', 'COMPLETE'])),
  start_time: Maybe(Instant()),
  end_time: Maybe(Instant()),
  unexpected_end_time: Maybe(Instant()),
  created_timezone: Maybe(Text({ description: 'IANA time zone name' })),
  ...stageArrays,
})

/** The result of Asleep's Get Session API, with the fields of all versions. */
const result = {
  timezone: Maybe(Text({ description: 'IANA time zone name' })),
  peculiarities: Maybe(Type.Array(OpenEnum(PECULIARITIES))),
  validity: Maybe(Text({ description: 'VALID, IN_PROGRESS, INVALID: …; before peculiarities existed' })),
  missing_data_ratio: Maybe(Decimal({ description: '0 to 1' })),
  session: MaybeKey(session),
  stat: Maybe(Stat),
}

const data = Type.Object({
  user_id: Id(),
  session_id: MaybeKey(Id({ description: 'V1 and V2' })),
  sleep_data: MaybeKey(Type.Object(result, { description: 'V1 and V2: holds what V3 has in data itself' })),
  ...result,
})

type Data = Static<typeof data>

/** The analysis of a whole session. It replaces the session's earlier rows. */
export const sessionComplete = inBothEnvelopes({
  name: 'SESSION_COMPLETE',
  data,
  examples: sessionExamples,
  check,
  normalise,
})

function check(data: Data, path: string): Issue[] {
  if (sessionId(data)) return []
  const at = isNested(data) ? `${path}/sleep_data` : path
  return [{ path: resultOf(data).session ? `${at}/session/id` : `${at}/session`, message: 'Required' }]
}

/** V1 and V2 nest the result in `sleep_data`; V3 does not. */
function isNested({ session, sleep_data }: Data): boolean {
  return !session && !!sleep_data
}

function resultOf(data: Data) {
  return isNested(data) && data.sleep_data ? data.sleep_data : data
}

function sessionId(data: Data): string | null | undefined {
  return resultOf(data).session?.id ?? data.session_id
}

function normalise(data: Data, callback_version: string | null): TargetRows[] {
  const { timezone, peculiarities, validity, missing_data_ratio, session, stat } = resultOf(data)
  const key = { user_id: data.user_id, session_id: sessionId(data) as string }
  const end = instant(stat?.wake_time ?? session?.end_time ?? session?.unexpected_end_time)
  const row = {
    user_id: key.user_id,
    session_id: key.session_id,
    state: session?.state ?? null,
    timezone: timezone ?? null,
    created_timezone: session?.created_timezone ?? null,
    start_time: instant(session?.start_time),
    end_time: instant(session?.end_time),
    unexpected_end_time: instant(session?.unexpected_end_time),
    utc_offset_minutes: utcOffsetMinutes(session?.start_time),
    local_date: localDate(session?.start_time),
    sleep_date: sleepDate(end, session?.created_timezone, timezone),
    peculiarities: peculiarities ?? null,
    validity: validity ?? null,
    missing_data_ratio: missing_data_ratio ?? null,
    callback_version,
  }
  return [
    rowsFor(sessions, [row]),
    rowsFor(stats, stat ? [statRow(key, stat)] : []),
    rowsFor(
      series,
      seriesOf(session ?? {}).map(({ series, stages }) => ({
        user_id: key.user_id,
        session_id: key.session_id,
        series,
        stages,
      })),
    ),
  ]
}
