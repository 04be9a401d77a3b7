import type pg from 'pg'
import { dropIndexOnCitus, rebuildIndexOnCitus } from '../../citus/rebuild-index.ts'
import { isDistributed } from '../../citus/state.ts'
import { sqlState } from '../../commit/failure.ts'
import { quoted } from '../migration-files.ts'
import type { OnlineStep } from './step.ts'

const STORED_INDEX = 'deliveries_stored_idx'

/**
 * Rebuilds invalid indexes. A CREATE INDEX CONCURRENTLY that fails or is killed leaves an INVALID index: no query uses it, but
 * `if not exists` finds it. The index of a build that is running is invalid as well, but that build has a lock of the table.
 */
export const rebuildInvalidIndexes: OnlineStep = {
  name: 'rebuild invalid indexes',
  isDone: async (client) => (await invalidIndexes(client)).length === 0,
  run: async (client, { log }) => {
    for (const { index, table } of await invalidIndexes(client)) {
      if (await isBuilding(client, table)) return `the index build that is running on table ${table}`
      const still = await invalidIndexes(client)
      if (!still.some((other) => other.index === index)) continue
      // A REINDEX CONCURRENTLY that is killed leaves the index that it was building beside the original.
      const isLeftover = /_cc(new|old)\d*$/.test(index)
      log.info(
        isLeftover
          ? `dropping index ${index}, which a failed REINDEX left`
          : `rebuilding invalid index ${index}`,
      )
      if (await isDistributed(client))
        await (isLeftover ? dropIndexOnCitus(client, index) : rebuildIndexOnCitus(client, index))
      else
        await client.query(
          isLeftover
            ? `drop index concurrently ${quoted(index)}`
            : `reindex index concurrently ${quoted(index)}`,
        )
    }
    return null
  },
}

/** Builds the index of the change feed in a ledger that had rows when the feed came. Until then the feed can't be read. */
export const buildChangeIndex: OnlineStep = {
  name: 'index deliveries_change_idx',
  isDone: async (client) => {
    const { rows } = await client.query(`select to_regclass('deliveries_change_idx') is not null as done`)
    return rows[0].done
  },
  run: async (client, { log }) => {
    log.info('building the index of the change feed')
    await client.query(BUILD_CHANGE_INDEX)
    return null
  },
}

const BUILD_CHANGE_INDEX = `create index concurrently deliveries_change_idx on deliveries
  (change_position, (case when change_position % 2 = 0 then null else delivery_id end))
  where outcome = 'stored' or change_position % 2 = 1`

const DAY = `((((start_date_time at time zone 'UTC') + coalesce(end_date_time - start_date_time, '0') / 2 + coalesce(utc_offset_minutes, 0) * interval '1 minute')::date))`

const DAY_INDEXES: Readonly<Record<string, string>> = {
  sleep_sessions_sleep_date_idx: 'sleep_sessions (sleep_date, user_id)',
  scores_local_date_idx: 'scores (local_date, profile_id)',
  biomarkers_day_idx: `biomarkers (${DAY}, profile_id) where periodicity = 'daily'`,
  biomarkers_profile_day_idx: `biomarkers (profile_id, ${DAY}) where periodicity = 'daily'`,
  owners_person_hash_idx: 'owners (hashtextextended(person_id, 0))',
  owners_change_idx: 'owners (change_position) where change_position is not null',
  sleep_sessions_moved_idx: 'sleep_sessions (user_id) where has_moved',
  scores_moved_idx: 'scores (profile_id) where has_moved',
  biomarkers_moved_idx: 'biomarkers (profile_id) where has_moved',
}

/** Builds the indexes by day in a database that had rows when they came. Until then user_days reads whole tables. */
export const buildDayIndexes: OnlineStep = {
  name: 'indexes by day',
  isDone: async (client) => (await missingDayIndexes(client)).length === 0,
  run: async (client, { log }) => {
    for (const name of await missingDayIndexes(client)) {
      log.info(`building index ${name}`)
      await client.query(`create index concurrently ${name} on ${DAY_INDEXES[name]}`)
    }
    return null
  },
}

async function missingDayIndexes(client: Pick<pg.ClientBase, 'query'>): Promise<string[]> {
  const { rows } = await client.query(
    'select name from unnest($1::text[]) as name where to_regclass(quote_ident(name)) is null',
    [Object.keys(DAY_INDEXES)],
  )
  return rows.map(({ name }) => name)
}

/**
 * Drops the index that told version 0.1.0 when each event was last stored, once that version is gone. Before that it reads the
 * answer, by one entry of the index for each event, into the table where this version keeps it.
 */
export const dropStoredIndex: OnlineStep = {
  name: `drop index ${STORED_INDEX}`,
  isDone: async (client) => {
    const { rows } = await client.query('select to_regclass($1) is null as missing', [STORED_INDEX])
    return rows[0].missing
  },
  run: async (client, context) => {
    const waitsFor = await context.waitsForVersion010(client)
    if (waitsFor !== null) return waitsFor
    context.log.info(`dropping index ${STORED_INDEX}, which this version does not use`)
    await client.query(RECORD_LAST_STORED)
    await client.query(`drop index concurrently ${STORED_INDEX}`)
    return null
  },
}

const RECORD_LAST_STORED = `with recursive events as (
  (select vendor, event from deliveries where outcome = 'stored' order by vendor, event limit 1)
  union all
  select next.vendor, next.event from events cross join lateral (
    select vendor, event from deliveries as d
    where outcome = 'stored' and (d.vendor, d.event) > (events.vendor, events.event) order by vendor, event limit 1
  ) as next
)
insert into event_activity as a (vendor, event, last_stored_at)
select vendor, event, received_at from events cross join lateral (
  select received_at from deliveries as d
  where d.vendor = events.vendor and d.event = events.event and outcome = 'stored' order by received_at desc limit 1
) as last
on conflict (vendor, event) do update set last_stored_at = greatest(a.last_stored_at, excluded.last_stored_at)`

/** Returns the invalid indexes of the schema, with their tables. */
async function invalidIndexes(
  client: Pick<pg.ClientBase, 'query'>,
): Promise<Array<{ index: string; table: string }>> {
  const { rows } = await client.query(
    `select c.relname as index, t.relname as table from pg_index as i
     join pg_class as c on c.oid = i.indexrelid join pg_class as t on t.oid = i.indrelid
     where not i.indisvalid and c.relnamespace = current_schema()::regnamespace order by 1`,
  )
  return rows
}

/**
 * Returns true if another session has the lock that an index build takes. This must not wait for the lock: the build waits for
 * the end of older transactions, so that would be a deadlock.
 */
async function isBuilding(client: pg.ClientBase, table: string): Promise<boolean> {
  try {
    await client.query(`begin; lock table ${quoted(table)} in share update exclusive mode nowait; commit`)
    return false
  } catch (error) {
    await client.query('rollback')
    if (sqlState(error) === '55P03') return true
    throw error
  }
}
