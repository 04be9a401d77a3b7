import type pg from 'pg'
import { EPOCHS_PER_HOUR, type Hypnogram, type Night, type StageRun } from './hypnogram.ts'

/** Which session to draw. A field that is undefined matches every session. */
export interface SessionFilter {
  readonly userId?: string | undefined
  readonly sessionId?: string | undefined
}

type SessionKey = [userId: string, sessionId: string]

/** Reads, of the sessions that match, the one that ended last. Returns null if there is none. */
export async function readHypnogram(client: pg.Client, filter: SessionFilter): Promise<Hypnogram | null> {
  const key = await findSession(client, filter)
  if (!key) return null
  const [userId, sessionId] = key
  const [hypnogram] = await readSessions(client, userId, [sessionId])
  return hypnogram ?? null
}

/** A session in progress has no end yet. It is found only if the filter names a user or a session. */
async function findSession(
  client: pg.Client,
  { userId, sessionId }: SessionFilter,
): Promise<SessionKey | null> {
  const { rows } = await client.query(
    `select user_id, session_id from (
       select user_id, session_id, coalesce(end_time, start_time) as at from sleep_nights
       union all
       select user_id, session_id, null from sleep_provisional_slices where $2::text is not null or $1::text is not null
     ) as known
     where ($1::text is null or user_id = $1) and ($2::text is null or session_id = $2)
     order by at desc nulls last, session_id desc limit 1`,
    [userId ?? null, sessionId ?? null],
  )
  return rows[0] ? [rows[0].user_id, rows[0].session_id] : null
}

/**
 * Reads sessions of one user, in the order of `sessionIds`. A session of which nothing is stored is empty. Days below each other
 * need no `ticks`, which cost a query for each session.
 */
export async function readSessions(
  client: pg.Client,
  userId: string,
  sessionIds: string[],
  { ticks: withTicks }: { readonly ticks: boolean } = { ticks: true },
): Promise<Hypnogram[]> {
  const runs = await readStageRuns(client, userId, sessionIds)
  const nights = await readNights(client, userId, sessionIds)
  const hypnograms: Hypnogram[] = []
  for (const sessionId of sessionIds) {
    const runsOf = (name: string) =>
      runs.filter((run) => run.sessionId === sessionId && run.series === name).map(({ run }) => run)
    const [sleep, snoring] = [runsOf('sleep'), runsOf('snoring')]
    const night = nights.get(sessionId)
    const length = Math.max(
      Math.floor((night?.recordedMinutes ?? 0) * 2),
      ...[...sleep, ...snoring].map(({ firstEpoch, epochs }) => firstEpoch + epochs),
    )
    const ticks = elapsedTicks(length)
    const hypnogram = { userId, sessionId, length, sleep, snoring, ticks, ...(night && { night }) }
    hypnograms.push(withTicks ? await withLocalTicks(client, hypnogram) : hypnogram)
  }
  return hypnograms
}

/** The session with ticks in its local time, if that is known. */
export async function withLocalTicks(client: pg.Client, hypnogram: Hypnogram): Promise<Hypnogram> {
  const { userId, sessionId, length, night } = hypnogram
  if (!night?.bedTime) return hypnogram
  return { ...hypnogram, ticks: await localTicks(client, [userId, sessionId], length) }
}

interface SessionRun {
  sessionId: string
  series: string
  run: StageRun
}

async function readStageRuns(client: pg.Client, userId: string, sessionIds: string[]): Promise<SessionRun[]> {
  const { rows } = await client.query(
    `select session_id, series, first_epoch::float8 as "firstEpoch", epochs::float8 as epochs,
       coalesce(stage_name, stage::text) as stage, provisional
     from sleep_stage_intervals
     where user_id = $1 and session_id = any($2) and series in ('sleep', 'snoring')
     order by first_epoch`,
    [userId, sessionIds],
  )
  return rows.map(({ session_id, series, ...run }) => ({ sessionId: session_id, series, run }))
}

/** The UTC offset of a time in the session's zone. */
const offsetAt = (time: string) => `((${time} at time zone time_zone) - (${time} at time zone 'UTC'))`

async function readNights(
  client: pg.Client,
  userId: string,
  sessionIds: string[],
): Promise<Map<string, Night>> {
  const { rows } = await client.query<Night & { session_id: string }>(
    `select session_id, to_char(sleep_date, 'FMDD FMMonth YYYY') as date,
       to_char(local_bed_time, 'HH24:MI') as "bedTime", to_char(local_end_time, 'HH24:MI') as "endTime",
       time_zone as "timeZone", time_zone_known as "timeZoneKnown",
       coalesce(local_bed_time::date = local_end_time::date and local_bed_time::time >= '08:00'
         and end_time - start_time <= interval '4 hours', false) as "isNap",
       sleep_efficiency::float8 as efficiency,
       greatest(extract(epoch from end_time - start_time) / 60, 0)::float8 as "recordedMinutes",
       waso_count as "wakeUps",
       case when cardinality(peculiarities) > 0 then peculiarities
         when validity ~ '^INVALID: *[^ ]' then array[regexp_replace(validity, '^INVALID: *', '')]
         else '{}' end as peculiarities,
       json_build_object('inBed', in_bed_minutes, 'asleep', asleep_minutes, 'light', light_minutes,
         'deep', deep_minutes, 'rem', rem_minutes, 'waso', waso_minutes, 'longestWaso', longest_waso_minutes,
         'latency', sleep_latency_minutes, 'snoring', snoring_minutes) as minutes,
       case when change.at is not null then json_build_object(
         'epoch', extract(epoch from change.at - start_time) / 30,
         'minutes', extract(epoch from ${offsetAt('change.at')} - ${offsetAt('start_time')}) / 60) end as "clockChange"
     from sleep_nights
     left join lateral (
       select min(quarter) as at
       from generate_series(date_trunc('hour', start_time), least(end_time, start_time + interval '2 days'),
         interval '15 minutes') as quarter
       where quarter > start_time and ${offsetAt('quarter')} <> ${offsetAt('start_time')}
     ) as change on true
     where user_id = $1 and session_id = any($2)`,
    [userId, sessionIds],
  )
  return new Map(rows.map(({ session_id, ...night }) => [session_id, night]))
}

const MAX_TICKS = 14

/** A tick at whole local hours, also if the UTC offset is not whole hours or changes during the session. */
async function localTicks(client: pg.Client, key: SessionKey, length: number): Promise<Hypnogram['ticks']> {
  const hours = hoursPerTick(length)
  // Beyond a day, the hour alone does not tell the time.
  if (hours > 24) return elapsedTicks(length)
  const { rows } = await client.query(
    `select (extract(epoch from tick - start_time) / 30)::float8 as epoch,
       to_char(tick at time zone time_zone, 'HH24:MI') as label
     from sleep_nights, generate_series(date_trunc('hour', start_time, time_zone) + interval '1 hour',
       start_time + $3 * interval '30 seconds', $4 * interval '1 hour') as tick
     where user_id = $1 and session_id = $2`,
    [...key, length, hours],
  )
  return rows
}

/** Ticks in hours since the start, for a session whose start is unknown. */
function elapsedTicks(length: number): Hypnogram['ticks'] {
  const hours = hoursPerTick(length)
  return Array.from({ length: Math.floor(length / EPOCHS_PER_HOUR / hours) + 1 }, (_, at) => ({
    epoch: at * hours * EPOCHS_PER_HOUR,
    label: `+${at * hours} h`,
  }))
}

function hoursPerTick(length: number): number {
  return Math.max(1, Math.ceil(length / EPOCHS_PER_HOUR / MAX_TICKS))
}
