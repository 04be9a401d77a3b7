import type pg from 'pg'

/** A session as `nightpost hypnogram --json` prints it. Names are those of the views. */
export interface SessionData {
  readonly user_id?: string
  readonly session_id?: string
  /** The figures of SESSION_COMPLETE; null until it is stored. Local times have the zone `time_zone`. */
  readonly summary: Record<string, unknown> | null
  readonly intervals: Array<Record<string, unknown>>
}

const local = (time: string) => `to_char(${time} at time zone zone, 'YYYY-MM-DD"T"HH24:MI:SS.US')`
/** Tells apart the two hours of the same name when the clocks go back. */
const offset = (time: string) =>
  `(extract(epoch from (${time} at time zone zone) - (${time} at time zone 'UTC')) / 60)::int`

/** Columns of sleep_nights that are not shown: keys, and instants, of which the local times stand beside. */
const LEFT_OUT = `array['user_id', 'session_id', 'delivery_id', 'received_at', 'start_time', 'sleep_time', 'wake_time', 'end_time']`

/** Reads the intervals and the figures of sessions of one user. Without `ids`, nothing names the user or the session. */
export async function readSessionData(
  client: pg.Client,
  userId: string,
  sessionIds: string[],
  ids: boolean,
): Promise<SessionData[]> {
  const nights = await client.query(
    `select session_id, to_jsonb(n) - ${LEFT_OUT} as summary from sleep_nights n
     where user_id = $1 and session_id = any($2)`,
    [userId, sessionIds],
  )
  const intervals = await client.query(
    `select i.session_id, json_build_object('series', series, 'stage', coalesce(stage_name, stage::text),
         'first_epoch', first_epoch, 'epochs', epochs, 'seconds', duration_seconds,
         'local_starts_at', ${local('starts_at')}, 'local_ends_at', ${local('ends_at')},
         'starts_utc_offset_minutes', ${offset('starts_at')}, 'ends_utc_offset_minutes', ${offset('ends_at')},
         'provisional', provisional) as interval
     from sleep_stage_intervals i
     left join lateral (
       select time_zone as zone from sleep_nights n where n.user_id = i.user_id and n.session_id = i.session_id
     ) as night on true
     where i.user_id = $1 and i.session_id = any($2)
     order by i.session_id, series, first_epoch`,
    [userId, sessionIds],
  )
  return sessionIds.map((sessionId) => ({
    ...(ids && { user_id: userId, session_id: sessionId }),
    summary: nights.rows.find((row) => row.session_id === sessionId)?.summary ?? null,
    intervals: intervals.rows.filter((row) => row.session_id === sessionId).map(({ interval }) => interval),
  }))
}
