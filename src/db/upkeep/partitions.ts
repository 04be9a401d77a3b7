import type pg from 'pg'
import { isDistributed } from '../citus/state.ts'
import { sqlState } from '../commit/failure.ts'
import { quoted } from '../migrate/migration-files.ts'
import { idAtTime } from '../uuid-time.ts'

type Client = Pick<pg.ClientBase, 'query'>

const DAY = 86_400_000

/** A table that is partitioned by the time in a UUID version 7. */
export interface PartitionedTable {
  readonly name: 'body_groups' | 'body_packs'
  /** Milliseconds that one partition covers. */
  readonly span: number
}

/** Groups are packed after a day, and the partition is dropped then. */
export const GROUPS: PartitionedTable = { name: 'body_groups', span: DAY }

/** Packs are kept for BODY_RETENTION_DAYS, rounded up to a week. */
export const PACKS: PartitionedTable = { name: 'body_packs', span: 7 * DAY }

/** One partition: the ids from the time `from`, in milliseconds of Unix time, until before `to`. */
export interface Partition {
  readonly name: string
  readonly from: number
  readonly to: number
}

/** 5 January 1970 was the first Monday of Unix time, so that weeks begin on Mondays. */
const FIRST_MONDAY = 4 * DAY

/** The partition that has an id of this time. */
export function partitionAt({ name, span }: PartitionedTable, time: number): Partition {
  const offset = span === DAY ? 0 : FIRST_MONDAY
  const from = Math.floor((time - offset) / span) * span + offset
  const date = new Date(from).toISOString().slice(0, 10).replaceAll('-', '')
  return { name: `${name}_${date}`, from, to: from + span }
}

/** The partitions that a table has, oldest first. */
export async function partitionsOf(client: Client, table: PartitionedTable): Promise<Partition[]> {
  const { rows } = await client.query(
    `select c.relname as name from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
     where i.inhparent = to_regclass(quote_ident($1)) and not i.inhdetachpending order by 1`,
    [table.name],
  )
  return rows.map(({ name }) => partitionAt(table, timeOfName(name)))
}

function timeOfName(name: string): number {
  const [, year, month, day] = /_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? []
  return Date.UTC(Number(year), Number(month) - 1, Number(day))
}

/** Creates the partitions from the time `from` to the time `to` that are missing. Returns how many it created. */
export async function createPartitions(
  client: Client,
  table: PartitionedTable,
  from: number,
  to: number,
): Promise<number> {
  const existing = new Set((await partitionsOf(client, table)).map(({ name }) => name))
  let created = 0
  for (let at = partitionAt(table, from); at.from < to; at = partitionAt(table, at.to)) {
    if (existing.has(at.name)) continue
    await createPartition(client, table, at)
    created += 1
  }
  return created
}

/**
 * ATTACH PARTITION lets others read and write meanwhile; CREATE TABLE … PARTITION OF would not. Another process may do the same
 * at the same time.
 */
async function createPartition(client: Client, table: PartitionedTable, { name, from, to }: Partition) {
  try {
    // One statement, so that it is one transaction, also inside another one, and also on Citus.
    await client.query(
      `do $do$ begin
         create table ${quoted(name)} (like ${quoted(table.name)} including all);
         alter table ${quoted(table.name)} attach partition ${quoted(name)}
           for values from ('${idAtTime(from)}') to ('${idAtTime(to)}');
       end $do$`,
    )
  } catch (error) {
    if (!MADE_BY_ANOTHER.includes(sqlState(error) ?? '')) throw error
  }
}

/** The table exists; two processes created it at the same moment. */
const MADE_BY_ANOTHER = ['42P07', '42710', '23505']

/** The database's clock, in milliseconds of Unix time. */
export async function databaseTime(client: Client): Promise<number> {
  const { rows } = await client.query('select (extract(epoch from clock_timestamp()) * 1000)::float8 as now')
  return rows[0].now
}

/** How many days of partitions stand ready at least. Each is an empty table. */
export const DAYS_AHEAD = 14

/** A start waits for the partitions of these days only. The upkeep makes the others. */
export const DAYS_AT_START = 2

/** Makes sure that there are partitions for so many days. Returns how many it created. */
export async function preparePartitions(client: Client, now: number, days = DAYS_AHEAD): Promise<number> {
  let created = 0
  for (const table of [GROUPS, PACKS]) {
    created += await createPartitions(client, table, now - DAY, now + days * DAY)
  }
  return created
}

/** Whole days from now for which there are partitions of `body_groups`. */
export async function daysAhead(client: Client, now: number): Promise<number> {
  const partitions = await partitionsOf(client, GROUPS)
  let end = partitionAt(GROUPS, now)
  const names = new Set(partitions.map(({ name }) => name))
  if (!names.has(end.name)) return 0
  for (let next = partitionAt(GROUPS, end.to); names.has(next.name); next = partitionAt(GROUPS, end.to))
    end = next
  return Math.floor((end.to - now) / DAY)
}

/**
 * Drops a partition without making anybody wait: DETACH CONCURRENTLY takes no lock that blocks a reader or a writer. It can't
 * run in a transaction. `beforeDrop` is called when the partition is detached. An interrupted call is finished by the next one;
 * until then no other partition of the table can be detached.
 */
export async function dropPartition(
  client: Client,
  table: PartitionedTable,
  { name }: Partition,
  beforeDrop: () => Promise<void> = async () => {},
): Promise<void> {
  const { rows } = await client.query(
    `select i.inhdetachpending as pending from pg_inherits as i where i.inhrelid = to_regclass(quote_ident($1))`,
    [name],
  )
  const detach = `alter table ${quoted(table.name)} detach partition ${quoted(name)}`
  if (rows[0]?.pending) await client.query(`${detach} finalize`)
  // Citus can't detach concurrently: everybody who uses the table waits for a moment, and lock_timeout ends a long wait.
  else if (rows[0])
    await client.query(table === PACKS && (await isDistributed(client)) ? detach : `${detach} concurrently`)
  await beforeDrop()
  await client.query(`drop table if exists ${quoted(name)}`)
}

/** Partitions whose DETACH or DROP was interrupted. They hold nothing that a view shows. */
export async function leftovers(client: Client, table: PartitionedTable): Promise<Partition[]> {
  const { rows } = await client.query(
    `select c.relname as name from pg_class as c left join pg_inherits as i on i.inhrelid = c.oid
     where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
       and c.relname ~ ('^' || $1 || '_[0-9]{8}$') and (i.inhrelid is null or i.inhdetachpending) order by 1`,
    [table.name],
  )
  return rows.map(({ name }) => partitionAt(table, timeOfName(name)))
}
