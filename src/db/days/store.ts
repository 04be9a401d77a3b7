import type pg from 'pg'
import type { Target } from '../../tables/target.ts'
import { isDistributed } from '../citus/state.ts'
import { sqlState } from '../commit/failure.ts'
import { begin, commit } from '../connect/transaction.ts'
import { lockNumber } from '../migrate/lock-number.ts'
import { changedRanges, forgetFormerPersons, type Period, periodFrom } from './changed.ts'
import { computeDays, lockOwners, type Range } from './compute.ts'

type Client = Pick<pg.PoolClient, 'query'>

export interface DayOptions {
  readonly schema: string
  readonly targets: readonly Target[]
  /** As `zoneRules` returns it. */
  readonly rules: string
  /** Changes of one period, and owners whose days are computed together the first time. */
  readonly limits?: { readonly changes: number; readonly owners: number }
}

/**
 * `done`: the stored days have every change that was committed before. `more`: another call continues. `computing`: the same, while
 * all days are computed (the first time, or again). `waiting`: another process is doing it, or an online step has to be finished.
 */
export type Progress = 'done' | 'more' | 'computing' | 'waiting'

const LIMITS = { changes: 500, owners: 20 }

interface State {
  readonly since: string | null
  readonly began_at: string | null
  readonly began_until: string | null
  readonly is_current: boolean
  readonly epoch: string
  /** Every transaction with changes below it has ended. */
  readonly horizon: string
}

/**
 * Brings `stored_days` a step nearer to the present, in one transaction: the days that a limited number of changes concern, in the
 * order of the change feed, or the days of some owners if all have to be computed. What readers see stays right at every moment:
 * `user_days` itself computes the days of persons with later changes. On Citus nothing is stored.
 */
export async function storeDays(client: Client, options: DayOptions): Promise<Progress> {
  await begin(client, { lockTimeout: 5_000, statementTimeout: 60_000 }, FURTHER)
  try {
    const progress = await step(client, options)
    await commit(client, { statementTimeout: 60_000 })
    return progress
  } catch (error) {
    await client.query('rollback').catch(() => {})
    // Such as with an erasure.
    if (sqlState(error) === DEADLOCK) return 'more'
    throw error
  }
}

const DEADLOCK = '40P01'

/** What a crash takes away is computed again: the position goes with it. */
const FURTHER = ['set local synchronous_commit = off', 'set local jit = off']

async function step(client: Client, options: DayOptions): Promise<Progress> {
  const { schema, targets, rules, limits = LIMITS } = options
  const lock = await client.query('select pg_try_advisory_xact_lock($1) as mine', [
    lockNumber(`nightpost days ${schema}`),
  ])
  if (!lock.rows[0].mine || (await isDistributed(client)) || !(await isPrepared(client))) return 'waiting'
  const state = await readState(client, rules)
  if (state === null) return 'waiting'
  if (!state.is_current) return await beginAgain(client, state, rules)
  if (state.since === null) return await computeOwners(client, state, limits.owners)
  if (BigInt(state.since) >= BigInt(state.horizon)) return 'done'
  for (let { changes } = limits; ; changes = Math.ceil(changes / 4)) {
    const period = await periodFrom(client, state.since, state.horizon, changes)
    const ranges = await changedRanges(client, targets, period)
    if (changes > 1 && yearsOf(ranges) > MOST_YEARS) continue
    await computePeriod(client, ranges, period)
    return period.until === state.horizon ? 'done' : 'more'
  }
}

/** Earlier versions' rows have to be completed first, and the indexes must be there. */
async function isPrepared(client: Client): Promise<boolean> {
  const { rows } = await client.query(
    `select exists (select from upkeep_tasks where task = 'people') and not exists (
       select from unnest($1::text[]) as name
       where not exists (select from pg_index where indexrelid = to_regclass(quote_ident(name)) and indisvalid)
     ) as is`,
    [INDEXES],
  )
  return rows[0].is
}

const INDEXES = [
  ...['deliveries_change_idx', 'owners_person_hash_idx', 'owners_change_idx', 'biomarkers_profile_day_idx'],
  ...['sleep_sessions_moved_idx', 'scores_moved_idx', 'biomarkers_moved_idx'],
]

async function readState(client: Client, rules: string): Promise<State | null> {
  const { rows } = await client.query<State & { is_here: boolean }>(
    `select s.change_position::text as since, s.began_at::text, s.began_until, f.epoch,
       s.epoch is not distinct from f.epoch and s.time_zone_rules is not distinct from $1 as is_current,
       f.server = change_feed_server() as is_here,
       (2 * (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + f.xid_offset))::text as horizon
     from stored_days_state as s cross join change_feed as f`,
    [rules],
  )
  return rows[0]?.is_here ? rows[0] : null
}

/** The first time, in another epoch of the change feed, and by other rules of time zones all days are computed. */
async function beginAgain(client: Client, { epoch, horizon }: State, rules: string): Promise<Progress> {
  await client.query(
    `update stored_days_state set change_position = null, epoch = $1, time_zone_rules = $2, began_at = $3, began_until = ''`,
    [epoch, rules, horizon],
  )
  return 'computing'
}

/** Computes all days of the persons of the next owners. After the last one the stored days are complete. */
async function computeOwners(
  client: Client,
  { began_at, began_until, horizon }: State,
  owners: number,
): Promise<Progress> {
  if (began_at === null) {
    // Retention deleted changes that were not read.
    await client.query(`update stored_days_state set began_at = $1, began_until = ''`, [horizon])
    return 'computing'
  }
  const { rows } = await client.query<{ last: string | null; persons: string[] | null }>(
    `with next as (select distinct owner from owners where owner > $1 order by owner limit $2)
     select (select owner from next order by owner desc limit 1) as last,
       (select array_agg(distinct o.person_id) from next join owners as o on o.owner = next.owner) as persons`,
    [began_until ?? '', owners],
  )
  const [{ last, persons } = { last: null, persons: null }] = rows
  if (last === null || persons === null) {
    await client.query(
      'delete from stored_days as d where not exists (select from owners as o where o.person_id = d.person_id)',
    )
    await client.query(
      `update stored_days_state set change_position = began_at, began_at = null, began_until = null, computed_at = now()`,
    )
    return 'more'
  }
  await lockOwners(client, persons)
  await computeDays(client, [{ persons, first_day: '-infinity', last_day: 'infinity' }])
  await client.query('update stored_days_state set began_until = $1', [last])
  return 'computing'
}

/** Years of a person that one transaction computes, of about 50 ms each. */
const MOST_YEARS = 20

/** All days of a person count as a year. */
function yearsOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { first_day, last_day, persons }) => {
    const days = (Date.parse(last_day) - Date.parse(first_day)) / 86_400_000 + 1
    return sum + persons.length * (Number.isNaN(days) ? 1 : days / 365)
  }, 0)
}

async function computePeriod(client: Client, ranges: readonly Range[], period: Period): Promise<void> {
  await forgetFormerPersons(client, period)
  await lockOwners(
    client,
    ranges.flatMap(({ persons }) => persons),
  )
  await computeDays(client, ranges)
  await client.query('update stored_days_state set change_position = $1, computed_at = now()', [period.until])
}
