import type pg from 'pg'
import type { Day, Days } from './hypnogram.ts'
import { readSessions } from './read.ts'

/**
 * Reads the `count` local days up to the last one on which a session of the user ended. Without `userId`, the user
 * is the one whose session ended last. Returns null if no session with local times is stored.
 */
export async function readDays(
  client: pg.Client,
  userId: string | undefined,
  count: number,
): Promise<Days | null> {
  const user = userId ?? (await lastUser(client))
  if (user === undefined) return null
  const found = await findSessions(client, user, count)
  const last = found[0]?.date
  if (last === undefined) return null
  const sessions = await readSessions(
    client,
    user,
    found.map(({ sessionId }) => sessionId),
    { ticks: false },
  )
  const days: Day[] = Array.from({ length: count }, (_, daysAgo) => dateBefore(last, daysAgo))
    .reverse()
    .map((date) => ({
      date,
      sessions: sessions
        .map((session, at) => ({ ...session, firstMinute: found[at]?.firstMinute ?? null }))
        .filter((_, at) => found[at]?.date === date)
        .reverse(),
    }))
  const zones = found.map(({ timeZone }) => timeZone).reverse()
  return { userId: user, days, timeZones: [...new Set(zones)], undated: await undatedSessions(client, user) }
}

async function lastUser(client: pg.Client): Promise<string | undefined> {
  const { rows } = await client.query(
    'select user_id from sleep_nights order by coalesce(end_time, start_time) desc nulls last, session_id desc limit 1',
  )
  return rows[0]?.user_id
}

interface FoundSession {
  sessionId: string
  date: string
  firstMinute: number | null
  timeZone: string
}

/** The user's sessions of the days, the last one first. A session without an end belongs to the day that it is to end on. */
async function findSessions(client: pg.Client, userId: string, count: number): Promise<FoundSession[]> {
  const { rows } = await client.query<FoundSession>(
    `select session_id as "sessionId", date::text as date,
       case when time_zone_known then time_zone else 'UTC: time zone unknown' end as "timeZone",
       (extract(epoch from start_time - ((date - interval '12 hours') at time zone time_zone)) / 60)::float8
         as "firstMinute"
     from (
       select *, max(date) over () as last_date
       from (
         select session_id, start_time, time_zone, time_zone_known,
           coalesce(sleep_date, (local_bed_time + interval '12 hours')::date) as date
         from sleep_nights where user_id = $1
       ) as dated
     ) as night
     where date > last_date - $2::int
     order by date desc, start_time desc nulls last, session_id`,
    [userId, count],
  )
  return rows
}

/** The ids of the user's sessions of which only provisional windows are stored, the last id first. */
export async function undatedSessions(client: pg.Client, userId: string): Promise<string[]> {
  const { rows } = await client.query<{ session_id: string }>(
    `select distinct session_id from sleep_provisional_slices as s
     where user_id = $1 and not exists (
       select from sleep_sessions as n where n.user_id = s.user_id and n.session_id = s.session_id
     ) order by session_id desc`,
    [userId],
  )
  return rows.map(({ session_id }) => session_id)
}

function dateBefore(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10)
}
