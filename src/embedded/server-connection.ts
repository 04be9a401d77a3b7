// Each Nightpost process that uses the embedded server holds one idle connection to it. The last process that closes its
// connection stops the server. A lock file would be wrong after a process was killed; a connection is closed then.
import { realpathSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { SUPERUSER } from './initdb.ts'
import { findPostmaster, type Postmaster, stopPostmaster } from './postmaster.ts'

/** Every connection of Nightpost has an application name with this prefix. */
const APPLICATION_NAME_PREFIX = 'nightpost'

/** The connection that counts a process as using the server. */
const KEEPER = `${APPLICATION_NAME_PREFIX} keeper`

/** Advisory lock that a process holds while it joins or stops the server, so that none joins a stopping one. */
const ADVISORY_LOCK = 7_205_759

export function urlOf({ port }: Postmaster, password: string, database: string): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`
}

/**
 * Opens the connection that counts this process as using the server, and creates `database` if it does not
 * exist. Returns undefined if the server does not accept connections, or serves another data directory.
 */
export async function connectToServer(
  postmaster: Postmaster,
  dataDirectory: string,
  password: string,
  database: string,
): Promise<pg.Client | undefined> {
  const client = new pg.Client({
    connectionString: urlOf(postmaster, password, 'postgres'),
    application_name: KEEPER,
    connectionTimeoutMillis: 2000,
    keepAlive: true,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query('show data_directory')
    if (rows[0].data_directory === realpathSync(dataDirectory)) {
      await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK])
      await createDatabaseIfMissing(client, database)
      await client.query('select pg_advisory_unlock($1)', [ADVISORY_LOCK])
      return client
    }
  } catch {
    // The server is starting or stopping, or another server took over the port.
  }
  await client.end().catch(() => {})
  return undefined
}

async function createDatabaseIfMissing(client: pg.Client, database: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [database])
  if (rowCount === 0) await client.query(`create database ${database}`)
}

/**
 * Replaces the database by an empty one, and disconnects SQL clients from it. Returns false, and changes nothing, if another
 * Nightpost process uses the server. A process that starts meanwhile waits.
 */
export async function recreateDatabase(client: pg.Client, database: string): Promise<boolean> {
  await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK])
  try {
    const { rows } = await client.query(
      `select count(*)::int as others from pg_stat_activity
       where application_name = $1 and pid <> pg_backend_pid()`,
      [KEEPER],
    )
    if (rows[0].others > 0) return false
    await client.query(`drop database if exists ${database} with (force)`)
    await client.query(`create database ${database}`)
    return true
  } finally {
    await client.query('select pg_advisory_unlock($1)', [ADVISORY_LOCK])
  }
}

/** Closes the connection, and stops the server if no other process uses it. An error leaves the server running. */
export async function releaseServer(client: pg.Client, dataDirectory: string): Promise<void> {
  try {
    await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK])
    const postmaster = findPostmaster(dataDirectory)
    if (await isUsedByOthers(client)) {
      // Before the lock is free: the process that takes it next must not count this one.
      await client.query(`set application_name = ''`)
    } else if (postmaster) await stopPostmaster(postmaster)
  } catch {
    // The server has stopped or does not answer, so there is nothing to stop.
  } finally {
    await client.end().catch(() => {})
  }
}

/** Milliseconds that connections of this process, which are closed already, may take to disappear in Postgres. */
const CLOSING = 5_000

async function isUsedByOthers(client: pg.Client): Promise<boolean> {
  for (const deadline = Date.now() + CLOSING; ; await sleep(20)) {
    const { rows } = await client.query(
      `select count(*)::int as all, count(*) filter (where application_name = $1)::int as keepers from pg_stat_activity
       where application_name like '${APPLICATION_NAME_PREFIX}%' and pid <> pg_backend_pid()`,
      [KEEPER],
    )
    const [{ all, keepers }] = rows
    if (all === 0) return false
    if (keepers > 0 || Date.now() > deadline) return true
  }
}
