import type pg from 'pg'
import { storeAllDays } from '../src/db/days/background.ts'
import { isRewritten } from '../src/db/sql/owner-statements.ts'
import { addDays } from '../src/tools/simulate/local-time.ts'
import { createNight } from '../src/tools/simulate/night.ts'
import { statOf } from '../src/tools/simulate/stat.ts'
import { createUser } from '../src/tools/simulate/user.ts'
import { vendors } from '../src/vendors/index.ts'

export const DAYS = 365
/** Number of simulated nights that all stored nights are copies of. */
const TEMPLATES = 500
const PROVENANCE = `'019a0000-0000-7000-8000-000000000000'::uuid, now()`

const OWNERS = `select u, 'G-20250101000000-' || lpad(u::text, 20, '0') as owner from generate_series(1, $1::int) as u`
const NIGHTS = `select owner, owner || '/' || d as session_id, t.*,
    (array['America/New_York', 'Europe/Berlin', 'Asia/Seoul', 'Pacific/Auckland', 'No/Where'])[1 + u % 5] as zone,
    timestamptz '2024-01-01 22:00Z' + d * interval '1 day' + (u % 120) * interval '1 minute' as start
  from (${OWNERS}) as owners cross join generate_series(1, ${DAYS}) as d
  join template t on t.id = (u * 7 + d * 13) % ${TEMPLATES}`

/** What one profile's day has beside steps: the types that user_days has a column for. */
const DAILY = `unnest(array['floors_climbed', 'active_hours', 'active_energy_burned', 'total_energy_burned', 'heart_rate_resting',
  'heart_rate_sleep', 'heart_rate_variability_rmssd', 'respiratory_rate', 'vo2_max', 'sleep_duration', 'sleep_deep_duration',
  'sleep_rem_duration', 'sleep_in_bed_duration'])`

/** Gives many more persons one night, five scores and fourteen biomarkers each, all on one day. Returns the day. */
export async function fillDay(client: pg.Client, persons: number): Promise<string> {
  const day = '2025-03-01'
  const from = `(select 'D-' || lpad(u::text, 8, '0') as owner, gen_random_uuid()::text as profile, u from generate_series(1, $1::int) as u) as p`
  await client.query(
    `with persons as materialized (select * from ${from}), owned as (
       insert into owners select owner, 'asleep', owner, owner, now() from persons union all select profile, 'sahha', owner, owner, now() from persons
     ), sessions as (
       insert into sleep_sessions (user_id, session_id, state, created_timezone, start_time, end_time, delivery_id, received_at, sleep_date)
       select owner, owner || '/1', 'COMPLETE', 'UTC', start, start + interval '8 hours', ${PROVENANCE}, date '${day}'
       from persons cross join lateral (select timestamptz '${day} 00:00Z' - u % 90 * interval '1 minute' as start) as s
     ), stats as (
       insert into sleep_stats (user_id, session_id, sleep_time, wake_time, sleep_latency, time_in_bed, time_in_sleep_period, time_in_sleep,
         time_in_wake, time_in_light, time_in_deep, time_in_rem, sleep_efficiency, sleep_index, delivery_id, received_at)
       select owner, owner || '/1', timestamptz '${day} 00:10Z' - u % 90 * interval '1 minute', timestamptz '${day} 07:50Z' - u % 90 * interval '1 minute',
         600, 28800, 27600, 26400, 1200, 15000, 5400, 6000, 0.92, 80, ${PROVENANCE} from persons
     ), scored as (
       insert into scores (profile_id, id, external_id, type, score, local_date, created_at_utc, delivery_id, received_at)
       select profile, md5(profile || t), owner, t, 0.5, date '${day}', timestamptz '${day}', ${PROVENANCE}
       from persons, unnest(array['sleep', 'activity', 'readiness', 'wellbeing', 'mental_wellbeing']) as t
     )
     insert into biomarkers (profile_id, id, external_id, type, periodicity, aggregation, value_number, unit, start_date_time, end_date_time,
       utc_offset_minutes, created_at_utc, delivery_id, received_at)
     select profile, md5(profile || t), owner, t, 'daily', 'total', u, 'count', timestamptz '${day}', timestamptz '${day}' + interval '23:59:59',
       0, timestamptz '${day}', ${PROVENANCE} from persons, (select 'steps' as t union all select ${DAILY}) as types`,
    [persons],
  )
  await client.query('vacuum analyze')
  await client.query('checkpoint')
  return day
}

/**
 * Stores 365 nights with two series and a night in progress for each of `users` users, and a biomarker and a score for
 * each user and day. The nights are simulated nights, copied and moved in time within the database. Session ids end
 * with the day's number.
 */
export async function fillNights(client: pg.Client, users: number): Promise<void> {
  await createTemplates(client)
  // The rows are consistent, so foreign keys need no check.
  await client.query(`set session_replication_role = replica`)
  await client.query(
    `insert into sleep_sessions (user_id, session_id, state, timezone, created_timezone, start_time, end_time,
       utc_offset_minutes, local_date, peculiarities, missing_data_ratio, callback_version, delivery_id, received_at, sleep_date)
     select owner, session_id, 'COMPLETE', zone, zone, start, start + bed * interval '1 second', 0, start::date, '{}', 0,
       'V3', ${PROVENANCE},
       ((start + (bed - coalesce((stat->>'wakeup_latency')::int, 0)) * interval '1 second') at time zone coalesce(nullif(zone, 'No/Where'), 'UTC'))::date
     from (${NIGHTS}) as night`,
    [users],
  )
  await client.query(
    `insert into sleep_stats
     select stats.* from (${NIGHTS}) as night, lateral jsonb_populate_record(null::sleep_stats, stat
       || jsonb_build_object('user_id', owner, 'session_id', session_id,
         'sleep_time', start + (stat->>'sleep_latency')::int * interval '1 second',
         'wake_time', start + (bed - (stat->>'wakeup_latency')::int) * interval '1 second', 'sleep_cycle_time', null,
         'delivery_id', '019a0000-0000-7000-8000-000000000000', 'received_at', now())) as stats`,
    [users],
  )
  await client.query(
    `insert into owners select owner, vendor, owner, owner, now() from (${OWNERS}) as o cross join unnest(array['asleep', 'sahha']) as vendor`,
    [users],
  )
  for (const series of ['sleep', 'snoring']) {
    await client.query(
      `insert into sleep_stage_series select owner, session_id, '${series}', ${series}, ${PROVENANCE}
       from (${NIGHTS}) as night`,
      [users],
    )
  }
  await client.query(
    `insert into sleep_stage_windows (user_id, session_id, series, inference_seq_num, seq_num, stages, callback_version,
       delivery_id, received_at)
     select owner, owner || '/running', series, k, 10 * k + 9,
       array(select ((k / 12 + n / 9) % 4)::smallint from generate_series(1, 40) as n), 'V2', ${PROVENANCE}
     from (${OWNERS}) as owners, generate_series(3, 95) as k, unnest(array['sleep', 'snoring']) as series`,
    [users],
  )
  await client.query(
    `insert into biomarkers (profile_id, id, external_id, category, type, periodicity, aggregation, value, value_number,
       unit, value_type, start_date_time, end_date_time, utc_offset_minutes, local_date, created_at_utc, version,
       delivery_id, received_at)
     select owner, md5(owner || d), owner, 'activity', 'steps', 'daily', 'total', '8000', 8000, 'count', 'integer',
       day, day + interval '24 hours' - interval '1 second', 0, day::date, day, 1.1, ${PROVENANCE}
     from (${OWNERS}) as owners, generate_series(1, ${DAYS}) as d,
       lateral (select timestamptz '2024-01-01Z' + d * interval '1 day' as day) as days`,
    [users],
  )
  await client.query(
    `insert into scores (profile_id, id, external_id, type, state, score, score_date_time, local_date, created_at_utc,
       version, delivery_id, received_at)
     select owner, md5(owner || d), owner, 'sleep', 'high', 0.8, day, day::date, day, 1.1, ${PROVENANCE}
     from (${OWNERS}) as owners, generate_series(1, ${DAYS}) as d,
       lateral (select timestamptz '2024-01-01Z' + d * interval '1 day' as day) as days`,
    [users],
  )
  await client.query('vacuum analyze')
  await client.query('checkpoint')
}

/** Computes and stores all days, as the service does. */
export async function storeNights(
  client: pg.Client,
): Promise<{ seconds: number; days: number; bytes: number }> {
  const targets = vendors.flatMap(({ targets }) => targets)
  const { signal } = new AbortController()
  const started = performance.now()
  await client.query('update stored_days_state set change_position = null')
  await storeAllDays(client, { schema: 'public', targets, signal })
  const seconds = (performance.now() - started) / 1000
  await client.query('vacuum analyze')
  const { rows } = await client.query(
    `select stored_days_are_complete() as is, count(*)::int as days, pg_total_relation_size('stored_days')::float8 as bytes from stored_days`,
  )
  if (!rows[0].is) throw new Error('the days are not stored')
  return { ...rows[0], seconds }
}

/** Says that rows of so many of the persons of `fillDay` may have changed. */
export async function changePersons(client: pg.Client, persons: number): Promise<void> {
  await client.query(
    `update owners set ${isRewritten} where vendor = 'asleep' and owner in (
       select owner from owners where owner like 'D-%' and vendor = 'asleep' order by md5(owner) limit $1)`,
    [persons],
  )
}

async function createTemplates(client: pg.Client): Promise<void> {
  const user = { ...createUser('bench', 1, '2024-01-01'), snoring: 0.14 }
  const nights = Array.from({ length: TEMPLATES * 2 }, (_, day) =>
    createNight({ ...user, seed: `bench/${day}` }, addDays('2024-01-01', day % DAYS)),
  ).filter(({ kind }) => kind === 'slept')
  await client.query(
    `create temp table template as select row_number() over () - 1 as id, night.* from jsonb_to_recordset($1)
       as night (bed int, sleep smallint[], snoring smallint[], stat jsonb)`,
    [
      JSON.stringify(
        nights.slice(0, TEMPLATES).map((night) => ({
          bed: night.sleep.length * 30,
          sleep: `{${night.sleep}}`,
          snoring: `{${night.snoring}}`,
          stat: statOf(night, user.timeZone),
        })),
      ),
    ],
  )
}
