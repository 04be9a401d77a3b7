import pg from 'pg'
import { distribute } from '../../src/db/citus/distribute.ts'
import { connectToMigrate, migrate, resetSession } from '../../src/db/migrate/migrate.ts'
import { vendors } from '../../src/vendors/index.ts'

/** A database on the coordinator of a Citus cluster: its nodes are those of the test databases. Absent: Citus is not tested. */
export const CITUS_URL = process.env.TEST_CITUS_URL

/** Few shards, because a test of all shards opens a connection for each. */
const SHARDS = 4

const targets = vendors.flatMap((vendor) => vendor.targets)

/** Creates a database with the extension on every node, and makes the nodes known to its coordinator. It has no tables. */
export async function createOnCitus(name: string, shards = SHARDS): Promise<string> {
  const { coordinator, workers } = await nodes()
  await Promise.all(
    [...workers, coordinator].map(async (node) => {
      await onServer(node, `create database ${name}`)
      await onServer(withName(node, name), 'create extension citus')
    }),
  )
  const url = withName(coordinator, name)
  const statements = [
    `select citus_set_coordinator_host('${new URL(url).hostname}', ${new URL(url).port})`,
    ...workers.map((worker) => `select citus_add_node('${worker.hostname}', ${worker.port})`),
    `alter database ${name} set citus.shard_count = ${shards}`,
  ]
  for (const statement of statements) await onServer(url, statement)
  return url
}

/** Creates a migrated and distributed database. */
export async function createDistributed(name: string): Promise<string> {
  const url = await createOnCitus(name)
  await migrate(url)
  await distributeAt(url)
  return url
}

export async function distributeAt(url: string, options: { dryRun?: boolean } = {}) {
  const client = await connectToMigrate(url)
  try {
    await resetSession(client, 'public')
    return await distribute(client, { targets, ...options })
  } finally {
    await client.end()
  }
}

export async function dropOnCitus(name: string): Promise<void> {
  const { coordinator, workers } = await nodes()
  for (const node of [coordinator, ...workers])
    await onServer(node, `drop database if exists ${name} with (force)`)
}

/** Copies a database on every node, as a restored backup of all of them. No connection to it may be open. */
export async function copyOnCitus(name: string, copy: string): Promise<void> {
  const { coordinator, workers } = await nodes()
  const server = (node: URL) => withName(node, 'postgres')
  const all = [coordinator, ...workers].map(server)
  const ends = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`
  for (const node of all) await onServer(node, ends)
  for (const node of all) {
    await onServer(node, ends)
    await onServer(node, `create database ${copy} template ${name}`)
  }
}

/** How many backends of any node wait for a transaction of another. */
export const LOCK_WAITS = 'select count(*)::int as n from citus_lock_waits'

/** Removes what a run leaves on the cluster: databases that its tests would have used again. */
export async function dropAllOnCitus(prefix: string): Promise<void> {
  const { rows } = await onServer(
    CITUS_URL as string,
    `select datname as name from pg_database where starts_with(datname, '${prefix}')`,
  )
  for (const { name } of rows) await dropOnCitus(name)
}

/** The URLs of a database on the workers. */
export async function nodesOf(url: string): Promise<string[]> {
  const { workers } = await nodes()
  return workers.map((worker) => withName(worker, new URL(url).pathname.slice(1)))
}

const withName = (node: URL | string, name: string): string =>
  Object.assign(new URL(node), { pathname: `/${name}` }).href

async function nodes(): Promise<{ coordinator: URL; workers: URL[] }> {
  const coordinator = new URL(CITUS_URL as string)
  const { rows } = await onServer(
    coordinator,
    `select nodename as host, nodeport as port from pg_dist_node where groupid <> 0 and noderole = 'primary' order by nodeid`,
  )
  return {
    coordinator,
    workers: rows.map(({ host, port }) =>
      Object.assign(new URL(coordinator), { hostname: host, port: String(port) }),
    ),
  }
}

async function onServer(url: URL | string, statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: String(url) })
  await client.connect()
  try {
    return await client.query(statement)
  } finally {
    await client.end()
  }
}
