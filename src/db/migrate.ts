import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate as drizzleMigrate } from 'drizzle-orm/node-postgres/migrator'
import type pg from 'pg'
import type { DatabaseSettings } from './database.ts'
import { sqlState } from './failure.ts'
import { connect, connectDirect } from './pool.ts'

const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url))

const OLDEST_SERVER = 150_000

/** One number for everyone who migrates Nightpost's tables: the first eight bytes of its name's digest. */
const LOCK = createHash('sha256').update('nightpost migrations').digest().readBigInt64BE().toString()

/** Takes what there is to say meanwhile. */
export interface Progress {
  info(message: string): void
}

/** Milliseconds to wait for another replica that migrates, and for a table that is in use. */
const MIGRATED_WITHIN = 10 * 60_000
const LOCKED_WITHIN = 5_000

/**
 * Brings the schema up to date. Replicas that start at once wait for each other: Drizzle takes no lock,
 * so one is held for the whole migration. Throws where the server is too old or not UTF-8, and where a
 * table is held for so long that the service on it, queued behind the migration, would stand still.
 */
export async function migrate(database: DatabaseSettings | string, log?: Progress): Promise<void> {
  const client = await connectDirect(database, { name: 'nightpost migrate', use: 'migrate' })
  if (client === null) return requireCurrent(database)
  try {
    await requireServer(client)
    await takeTurn(client, log)
    await client.query(`set lock_timeout = ${LOCKED_WITHIN}`)
    if (!(await isCurrent(client).catch(() => false))) log?.info('migrating the database')
    await drizzleMigrate(drizzle(client), { migrationsFolder })
    await refreshTimeZones(client)
  } finally {
    await client.end()
  }
}

/** Turns are taken by a lock of the session, which a pooler in transaction mode does not keep. */
async function requireCurrent(database: DatabaseSettings | string): Promise<void> {
  const client = await connect(database, { name: 'nightpost migrate', use: 'read' })
  try {
    if (await isCurrent(client)) return
  } finally {
    await client.end()
  }
  throw new Error(
    'The database lacks a migration, and a pooler in transaction mode can not run it: set MIGRATE_DATABASE_URL ' +
      'to a direct connection.',
  )
}

async function takeTurn(client: pg.Client, log?: Progress): Promise<void> {
  const { rows } = await client.query('select pg_try_advisory_lock($1) as mine', [LOCK])
  if (rows[0].mine) return
  log?.info('another process migrates the database: waiting for it')
  await client.query(`set lock_timeout = ${MIGRATED_WITHIN}`)
  await client.query('select pg_advisory_lock($1)', [LOCK])
}

/**
 * An update of the server may bring time zones and take some away, and a name that it does not know fails a
 * query. Whoever may not refresh the list, or finds it busy, starts with the list as it is.
 */
async function refreshTimeZones(client: pg.Client): Promise<void> {
  await client.query(`set lock_timeout = '2s'`)
  await client.query('refresh materialized view concurrently time_zones').catch(() => {})
}

async function requireServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    `select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding`,
  )
  const { version, encoding } = rows[0]
  if (version < OLDEST_SERVER) throw new Error('Nightpost needs Postgres 15 or newer.')
  if (encoding !== 'UTF8') throw new Error(`Nightpost needs a UTF8 database; this one is ${encoding}.`)
}

/** Whether the database has every migration of this version of Nightpost. */
export async function isCurrent(pool: Pick<pg.Pool | pg.Client, 'query'>): Promise<boolean> {
  try {
    const { rows } = await pool.query(`select ${LATEST} as latest`)
    return isLatest(rows[0].latest)
  } catch (error) {
    if (isUnmigrated(error)) return false
    throw error
  }
}

/** The latest migration that the database has, as an expression. */
export const LATEST = '(select max(created_at)::text from drizzle.__drizzle_migrations)'

export const isLatest = (latest: string | null) => Number(latest ?? 0) >= latestMigration

/** Undefined table, or schema: nothing was ever migrated. */
export const isUnmigrated = (error: unknown) => ['42P01', '3F000'].includes(sqlState(error) ?? '')

const latestMigration = Math.max(
  ...readMigrationFiles({ migrationsFolder }).map(({ folderMillis }) => folderMillis),
)
