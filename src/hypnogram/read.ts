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
  const { sleep, snoring } = await readStageRuns(client, key)
  const length = Math.max(0, ...[...sleep, ...snoring].map(({ firstEpoch, epochs }) => firstEpoch + epochs))
  const night = await readNight(client, key)
  const ticks = night?.bedTime ? await localTicks(client, key, length) : elapsedTicks(length)
  return { userId, sessionId, length, sleep, snoring, ticks, ...(night && { night }) }
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

async function readStageRuns(
  client: pg.Client,
  key: SessionKey,
): Promise<{ sleep: StageRun[]; snoring: StageRun[] }> {
  const { rows } = await client.query<StageRun & { series: string }>(
    `select series, first_epoch::float8 as "firstEpoch", epochs::float8 as epochs,
       coalesce(stage_name, stage::text) as stage, provisional
     from sleep_stage_intervals where user_id = $1 and session_id = $2 and series in ('sleep', 'snoring')
     order by first_epoch`,
    key,
  )
  const runsOf = (name: string) => rows.filter(({ series }) => series === name)
  return { sleep: runsOf('sleep'), snoring: runsOf('snoring') }
}

async function readNight(client: pg.Client, key: SessionKey): Promise<Night | undefined> {
  const { rows } = await client.query(
    `select to_char(sleep_date, 'FMDD FMMonth YYYY') as date,
       to_char(local_bed_time, 'HH24:MI') as "bedTime", to_char(local_end_time, 'HH24:MI') as "endTime",
       time_zone as "timeZone", time_zone_known as "timeZoneKnown", sleep_efficiency::float8 as efficiency,
       coalesce(peculiarities, '{}') as peculiarities,
       json_build_object('asleep', asleep_minutes, 'light', light_minutes, 'deep', deep_minutes, 'rem', rem_minutes,
         'waso', waso_minutes, 'snoring', snoring_minutes) as minutes
     from sleep_nights where user_id = $1 and session_id = $2`,
    key,
  )
  return rows[0]
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
