import type pg from 'pg'

export interface Run {
  /** Index of the first 30-second epoch. */
  readonly first: number
  readonly epochs: number
  readonly stage: string
  readonly provisional: boolean
}

/** A session as it is drawn. Positions are 30-second epochs from the start of the session. */
export interface Hypnogram {
  readonly userId: string
  readonly sessionId: string
  /** One past the last epoch. */
  readonly length: number
  readonly sleep: Run[]
  readonly snoring: Run[]
  readonly ticks: Array<{ epoch: number; label: string }>
  /** Absent before SESSION_COMPLETE. */
  readonly night?: Night
}

/** Local times as `HH:MM`, durations in minutes; null where the vendor gave none. */
export interface Night {
  /** Local date of waking. */
  readonly date: string | null
  readonly bedTime: string | null
  readonly endTime: string | null
  readonly timeZone: string
  readonly timeZoneKnown: boolean
  readonly efficiency: number | null
  readonly minutes: {
    readonly [name in 'asleep' | 'light' | 'deep' | 'rem' | 'waso' | 'snoring']: number | null
  }
  readonly peculiarities: string[]
}

export interface Choice {
  readonly userId?: string | undefined
  readonly sessionId?: string | undefined
}

/** The session that is meant; without a choice the one that ended last. Null where there is none. */
export async function readHypnogram(client: pg.Client, choice: Choice): Promise<Hypnogram | null> {
  const key = await findSession(client, choice)
  if (!key) return null
  const { rows: runs } = await client.query(
    `select series, first_epoch::float8 as first, epochs::float8 as epochs, coalesce(stage_name, stage::text) as stage,
       provisional
     from sleep_stage_intervals where user_id = $1 and session_id = $2 and series in ('sleep', 'snoring')
     order by first_epoch`,
    key,
  )
  const night = await readNight(client, key)
  const length = Math.max(0, ...runs.map(({ first, epochs }) => first + epochs))
  const of = (series: string) => runs.filter((run) => run.series === series)
  return {
    userId: key[0],
    sessionId: key[1],
    length,
    sleep: of('sleep'),
    snoring: of('snoring'),
    ticks: night?.bedTime ? await localTicks(client, key, length) : elapsedTicks(length),
    ...(night && { night }),
  }
}

async function findSession(
  client: pg.Client,
  { userId, sessionId }: Choice,
): Promise<[string, string] | null> {
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

async function readNight(client: pg.Client, key: [string, string]): Promise<Night | undefined> {
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

const MOST_TICKS = 14

/** Whole local hours, also where the zone is half an hour off or changes its clocks meanwhile. */
async function localTicks(client: pg.Client, key: [string, string], length: number) {
  const hours = Math.ceil(length / 120 / MOST_TICKS)
  if (hours > 24) return elapsedTicks(length)
  const { rows } = await client.query(
    `select (extract(epoch from tick - start_time) / 30)::float8 as epoch,
       to_char(tick at time zone time_zone, 'HH24:MI') as label
     from sleep_nights, generate_series(date_trunc('hour', start_time, time_zone) + interval '1 hour',
       start_time + $3 * interval '30 seconds', $4 * interval '1 hour') as tick
     where user_id = $1 and session_id = $2`,
    [...key, length, hours],
  )
  return rows as Hypnogram['ticks']
}

/** Hours since the start, for a session whose start is not known yet. */
function elapsedTicks(length: number): Hypnogram['ticks'] {
  const step = Math.max(1, Math.ceil(length / 120 / MOST_TICKS))
  return Array.from({ length: Math.floor(length / 120 / step) + 1 }, (_, at) => ({
    epoch: at * step * 120,
    label: `+${at * step} h`,
  }))
}

/** `7 h 05 min`. */
export function duration(minutes: number): string {
  const whole = Math.round(minutes)
  return whole < 60
    ? `${whole} min`
    : `${Math.floor(whole / 60)} h ${String(whole % 60).padStart(2, '0')} min`
}

/** What stands over the drawing: the date, or what is known instead. */
export function heading({ night, sessionId, sleep }: Hypnogram): string {
  if (!night) return `Session ${sessionId}, ${sleep.length > 0 ? 'in progress' : 'without stages'}`
  return night.date ? `Night ending ${night.date}` : 'Night that has not ended'
}

/** Bed time to end, and the zone of both. */
export function timeRange({ night }: Hypnogram): string {
  if (!night?.bedTime) return 'start not known yet'
  const zone = night.timeZoneKnown ? night.timeZone : 'UTC: time zone unknown'
  return `${night.bedTime} – ${night.endTime ?? '…'} (${zone})`
}
