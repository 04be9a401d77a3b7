import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import type { Target } from '../../tables/target.ts'
import { quoted } from '../migrate/migration-files.ts'
import { primaryKeyOf } from '../sql/parameters.ts'
import { idAtTime, timeOfId } from '../uuid-time.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** Rows that one statement deletes. It locks them until its commit. */
const BATCH = 5_000

/**
 * Deletes ledger entries that arrived before a time, oldest first. Returns how many. With each batch it records up to where the
 * change feed lacks changes, so that a reader who comes too late gets an error.
 */
export async function deleteEntries(client: Client, before: number, signal: AbortSignal): Promise<number> {
  return inBatches(signal, async () => {
    const { rows } = await client.query(DELETE_ENTRIES, [idAtTime(before)])
    return rows[0].deleted
  })
}

/** Deletes deliveries of the quarantine that arrived before a time, oldest first. Returns how many. */
export async function deleteUnverified(client: Client, before: number, signal: AbortSignal): Promise<number> {
  return inBatches(signal, async () => {
    const { rowCount } = await client.query(
      `delete from unverified_deliveries where delivery_id in (
         select delivery_id from unverified_deliveries where delivery_id < $1 order by delivery_id limit ${BATCH})`,
      [idAtTime(before)],
    )
    return rowCount ?? 0
  })
}

const DELETE_ENTRIES = `with gone as (
  delete from deliveries where delivery_id in (
    select delivery_id from deliveries where delivery_id < $1 order by delivery_id limit ${BATCH}
  ) and delivery_id < $1
  returning delivery_id, change_position, outcome
), told as (
  select delivery_id, change_position from gone where outcome = 'stored' or change_position % 2 = 1
), recorded as (
  update change_feed set removals = removals + 1,
    floor = greatest(floor, (select max(change_position) from told)),
    floor_id = coalesce((select delivery_id from told where change_position is null order by 1 desc limit 1), floor_id)
  where exists (select from told)
), not_computed as (
  update stored_days_state set change_position = null, began_at = null
  where coalesce(change_position, began_at) <= (select max(change_position) from told)
)
select count(*)::int as deleted from gone`

const DAY = 86_400_000

/**
 * Removes the bodies of stored deliveries from their entries, of those that arrived before a time. There are few: bodies that
 * came too late to be packed. It looks at each day once. Returns how many.
 */
export async function emptyOldEntries(client: Client, before: number, signal: AbortSignal): Promise<number> {
  const { rows } = await client.query(
    `select coalesce((select position from upkeep_tasks where task = 'empty'),
       (select delivery_id from deliveries order by delivery_id limit 1)) as position`,
  )
  if (rows[0].position === null) return 0
  let all = 0
  for (let from: number = timeOfId(rows[0].position); from < before && !signal.aborted; from += DAY) {
    const to = Math.min(before, from + DAY)
    const { rowCount } = await client.query(
      `update deliveries set body = null, body_size = octet_length(body)
       where delivery_id >= $1 and delivery_id < $2 and outcome = 'stored' and body is not null`,
      [idAtTime(from), idAtTime(to)],
    )
    all += rowCount ?? 0
    await client.query(
      `insert into upkeep_tasks as t (task, position, finished_at) values ('empty', $1, now())
       on conflict (task) do update set position = excluded.position, finished_at = excluded.finished_at`,
      [idAtTime(to)],
    )
  }
  return all
}

/**
 * Deletes provisional rows of a table whose final rows arrived before a time, as the vendor's folder declares them
 * (`Target.provisional`). Returns how many.
 */
export async function deleteProvisional(
  client: Client,
  target: Target,
  before: number,
  signal: AbortSignal,
): Promise<number> {
  if (!target.provisional) return 0
  const { until, isFinal } = target.provisional
  const table = quoted(getTableName(target.table))
  const columns = (alias: string) =>
    primaryKeyOf(target.table)
      .map(({ name }) => `${alias}.${quoted(name)}`)
      .join(', ')
  const isSame = primaryKeyOf(until.table)
    .map(({ name }) => `final.${quoted(name)} = p.${quoted(name)}`)
    .join(' and ')
  return inBatches(signal, async () => {
    const { rowCount } = await client.query(
      `delete from ${table} as t where (${columns('t')}) in (
         select ${columns('p')} from ${table} as p join ${quoted(getTableName(until.table))} as final on ${isSame}
         where final.received_at < to_timestamp($1 / 1000.0::float8) and final.${isFinal} limit ${BATCH}
       )`,
      [before],
    )
    return rowCount ?? 0
  })
}

async function inBatches(signal: AbortSignal, deleteBatch: () => Promise<number>): Promise<number> {
  let all = 0
  while (!signal.aborted) {
    const deleted = await deleteBatch()
    all += deleted
    if (deleted < BATCH) break
  }
  return all
}
