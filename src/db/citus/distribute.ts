import type pg from 'pg'
import type { Target } from '../../tables/target.ts'
import { APPLICATION, APPLICATION_0_1_0 } from '../connect/application.ts'
import { lockNumber } from '../migrate/lock-number.ts'
import { quoted } from '../migrate/migration-files.ts'
import { bodiesIntoEntries } from './bodies.ts'
import { ShardLanes } from './lanes.ts'
import { durabilityOf } from './nodes.ts'
import { hasCitus, isDistributed } from './state.ts'
import { type DistributedTable, distributedTables, LOCAL_TABLES, REFERENCE_TABLES } from './tables.ts'
import {
  computeDaysInView,
  openLogView,
  replaceBodiesView,
  replacePersonFunction,
  replaceTimeZones,
} from './views.ts'

type Client = Pick<pg.ClientBase, 'query'>

export interface DistributeOptions {
  readonly targets: readonly Target[]
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean
  /** Shards of each table; absent: the server's `citus.shard_count`. It can't be changed in place later. */
  readonly shards?: number
  readonly log?: ((message: string) => void) | undefined
}

/** What a run found and did. */
export interface Distributed {
  /** Nodes that can have shards. */
  readonly nodes: number
  readonly shards: number
  /** What this run distributed, or would distribute. */
  readonly distributed: readonly string[]
  /** Which tables this run copied to every node, or would copy. */
  readonly copied: readonly string[]
  /** What was done before. */
  readonly before: readonly string[]
  readonly local: readonly string[]
}

/** The database can't be distributed as it is. The message says what to do. */
export class NotDistributable extends Error {
  override readonly name = 'NotDistributable'
}

/**
 * Distributes the tables of a migrated database over the nodes of a Citus cluster, with the rows that they have. Each step is a
 * transaction of its own and looks first whether it was done, so that an interrupted run is finished by the next one. Throws
 * `NotDistributable` if something has to be done first. The connection must keep its session.
 */
export async function distribute(client: pg.ClientBase, options: DistributeOptions): Promise<Distributed> {
  if (!(await hasCitus(client))) throw new NotDistributable(NO_CITUS)
  const lock = lockNumber('nightpost distribute')
  const { rows } = await client.query('select pg_try_advisory_lock($1) as mine', [lock])
  if (!rows[0].mine) throw new NotDistributable('Another process distributes this database at this moment.')
  try {
    await requireNodes(client)
    if (!(await isDistributed(client)) && !options.dryRun) await requireAlone(client)
    if (options.shards) await client.query(`set citus.shard_count = ${Math.trunc(options.shards)}`)
    return await distributeTables(client, options)
  } finally {
    await client.query('select pg_advisory_unlock($1)', [lock]).catch(() => {})
  }
}

/**
 * Distributes what a later migration added to a database that is distributed. `nightpost migrate` and the service call it after
 * the migrations; without Citus it does nothing. Throws `NodesNotDurable` if a node would not keep what is acknowledged.
 */
export async function distributeLater(
  client: pg.ClientBase,
  targets: readonly Target[],
  log?: (message: string) => void,
): Promise<void> {
  if (!(await isDistributed(client))) return
  await distributeTables(client, { targets, log })
  const lanes = new ShardLanes()
  await lanes.read(client)
  await durabilityOf(client, (shard) => lanes.probeIn(shard))
}

async function distributeTables(
  client: pg.ClientBase,
  { targets, dryRun = false, log = () => {} }: DistributeOptions,
): Promise<Distributed> {
  const known = await knownTables(client)
  const isMissing = (name: string) => !known.has(name)
  const tables = distributedTables(targets)
  const todo = tables.filter(({ name }) => isMissing(name))
  const copied = REFERENCE_TABLES.filter(isMissing)
  if (!dryRun) {
    if (await replaceTimeZones(client)) log('time_zones is a table now')
    for (const name of copied) {
      await client.query('select create_reference_table(quote_ident($1)::regclass)', [name])
      log(`copied ${name} to every node`)
    }
    if (isMissing('deliveries')) await bodiesIntoEntries(client, log)
    await replaceBodiesView(client)
    await replacePersonFunction(client)
    await computeDaysInView(client)
    await openLogView(client)
    for (const table of todo) {
      await distributeTable(client, table, tables[0] as DistributedTable)
      log(`distributed ${table.name} by ${table.column}`)
    }
    await truncateLocalCopies(client, [...REFERENCE_TABLES, ...tables.map(({ name }) => name)])
  }
  return {
    ...(await sizeOf(client)),
    distributed: todo.map(({ name }) => name),
    copied,
    before: [...tables.map(({ name }) => name), ...REFERENCE_TABLES].filter((name) => known.has(name)),
    local: LOCAL_TABLES,
  }
}

/** The first table decides where the rows of an owner are; the rows of all other tables are at the same place. */
async function distributeTable(
  client: Client,
  { name, column }: DistributedTable,
  first: DistributedTable,
): Promise<void> {
  await client.query('select create_distributed_table(quote_ident($1)::regclass, $2, colocate_with => $3)', [
    name,
    column,
    name === first.name ? 'none' : quoted(first.name),
  ])
}

/** Citus copies the rows to the shards, and leaves those that the table had, where nobody sees them. */
async function truncateLocalCopies(client: Client, names: readonly string[]): Promise<void> {
  const { rows } = await client.query(
    `select c.oid::regclass::text as name from unnest($1::text[]) with ordinality as r(name, nth)
     join pg_class as c on c.oid = to_regclass(quote_ident(r.name))
     where pg_relation_size(c.oid) > 0 or exists (select from pg_partition_tree(c.oid) as p where p.isleaf and pg_relation_size(p.relid) > 0)
     order by r.nth`,
    [names],
  )
  for (const { name } of rows)
    await client.query('select truncate_local_data_after_distributing_table($1::regclass)', [name])
}

async function knownTables(client: Client): Promise<Set<string>> {
  const { rows } = await client.query(
    `select c.relname as name from pg_dist_partition as p join pg_class as c on c.oid = p.logicalrelid
     where c.relnamespace = current_schema()::regnamespace and (p.partmethod = 'h' or p.repmodel = 't')`,
  )
  return new Set(rows.map(({ name }) => name))
}

async function sizeOf(client: Client): Promise<{ nodes: number; shards: number }> {
  const { rows } = await client.query(
    `select (select count(*)::int from pg_dist_node where isactive and shouldhaveshards and noderole = 'primary') as nodes,
       coalesce(nullif((select count(*)::int from pg_dist_shard where logicalrelid = to_regclass('deliveries')), 0),
         current_setting('citus.shard_count')::int) as shards`,
  )
  return rows[0]
}

async function requireNodes(client: Client): Promise<void> {
  const { rows } = await client.query(
    `select exists (select from pg_dist_node where groupid = 0) as coordinator,
       exists (select from pg_dist_node where isactive and shouldhaveshards) as shards,
       (select groupid = 0 from pg_dist_local_group) as here`,
  )
  if (!rows[0].here)
    throw new NotDistributable('This node is a worker. Connect to the coordinator (DATABASE_URL).')
  if (!rows[0].coordinator)
    throw new NotDistributable(
      "The coordinator is not among the nodes, so it can't have the tables that every node has. Run: select citus_set_coordinator_host('its host name', its port)",
    )
  if (!rows[0].shards)
    throw new NotDistributable(
      "No node takes shards. Run for each worker: select citus_add_node('its host name', its port)",
    )
}

/** A service that runs writes the shapes of plain Postgres until it is started again. */
async function requireAlone(client: Client): Promise<void> {
  const { rows } = await client.query(
    `select count(*)::int as n from pg_stat_activity
     where datname = current_database() and application_name = any($1) and pid <> pg_backend_pid()`,
    [[APPLICATION, APPLICATION_0_1_0]],
  )
  if (rows[0].n > 0)
    throw new NotDistributable(
      'The service is connected to this database. Stop every replica, distribute, and start them again.',
    )
}

const NO_CITUS =
  'This database does not have the extension Citus. On a Citus cluster, run "create extension citus" in this database on every node, and add the nodes on the coordinator: docs/scale.md.'
