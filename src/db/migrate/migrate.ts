import type pg from 'pg'
import type { Target } from '../../tables/target.ts'
import { distributeLater } from '../citus/distribute.ts'
import { renewTimeZones } from '../citus/views.ts'
import { sqlState } from '../commit/failure.ts'
import { type DatabaseSettings, databaseSettings } from '../connect/database.ts'
import { connect, connectDirect } from '../connect/pool.ts'
import { DAYS_AT_START, databaseTime, preparePartitions } from '../upkeep/partitions.ts'
import { renewFeedEpoch } from './feed-epoch.ts'
import { lockNumber } from './lock-number.ts'
import {
  LOCK_RETRY_POLICY,
  type LockRetryPolicy,
  type Progress,
  type Query,
  retryOnLock,
} from './lock-retry.ts'
import { adviceFor, INSUFFICIENT_PRIVILEGE, MigrationError } from './migration-error.ts'
import { inSchema, type Migration, migrations, quoted } from './migration-files.ts'
import { createRecord, isCurrent, missing, RECORD, readRecord } from './migration-record.ts'

export { lockNumber } from './lock-number.ts'
export type { Progress } from './lock-retry.ts'
export { isCurrent } from './migration-record.ts'

const OLDEST_SERVER = 150_000

/** Milliseconds to wait for another process that migrates. */
const TURN_TIMEOUT = 10 * 60_000

export interface MigrateOptions {
  readonly schema?: string
  readonly log?: Progress | undefined
  readonly lockRetry?: LockRetryPolicy
  /** The vendors' tables: where Citus has distributed the database, those that a migration adds are distributed, too. */
  readonly targets?: readonly Target[]
}

/** Opens a connection that keeps its session, for migrations and online steps. Returns null if a pooler in transaction mode is in between. */
export const directConnection = (database: DatabaseSettings | string): Promise<pg.Client | null> =>
  connectDirect(database, { name: 'nightpost migrate', use: 'migrate' })

/** Opens the same connection. Throws if a pooler in transaction mode is in between. */
export async function connectToMigrate(database: DatabaseSettings | string): Promise<pg.Client> {
  const client = await directConnection(database)
  if (client === null) throw new Error(NEEDS_DIRECT)
  return client
}

/** Applies the missing migrations. Throws a `MigrationError`, or an `Error` if a migration is missing and there is no direct connection. */
export async function migrate(
  database: DatabaseSettings | string,
  log?: Progress,
  options: Omit<MigrateOptions, 'log'> = {},
): Promise<void> {
  const client = await directConnection(database)
  if (client === null) return requireCurrent(database)
  try {
    await migrateOn(client, { schema: databaseSettings(database).schema, ...options, log })
  } finally {
    await client.end()
  }
}

/** Throws if a migration is missing. Migrating needs a session lock, which a pooler in transaction mode does not keep. */
async function requireCurrent(database: DatabaseSettings | string): Promise<void> {
  const client = await connect(database, { name: 'nightpost migrate', use: 'read' })
  try {
    if (await isCurrent(client)) return
  } finally {
    await client.end()
  }
  throw new Error(NEEDS_DIRECT)
}

const NEEDS_DIRECT =
  'The database lacks a migration, which can not run through a pooler in transaction mode. Set MIGRATE_DATABASE_URL to a direct connection.'

/**
 * Applies the missing migrations over a connection that keeps its session. Each migration is a transaction of its own.
 * Replicas that start at the same time migrate one after the other. If no migration is missing, nothing is created or locked,
 * so that a role that may only read and write rows can start. Throws a `MigrationError` with Postgres' message.
 */
export async function migrateOn(client: pg.ClientBase, options: MigrateOptions = {}): Promise<void> {
  const { schema = 'public', log, lockRetry = LOCK_RETRY_POLICY, targets = [] } = options
  await requireServer(client)
  await resetSession(client, schema)
  if (missing(await readRecord(client)).length > 0) {
    await takeTurn(client, schema, log)
    try {
      // Under the lock, because two processes that create one schema concurrently fail even with IF NOT EXISTS.
      await createSchema(client, schema)
      await applyMissing(client, schema, log, lockRetry)
    } finally {
      await client.query('select pg_advisory_unlock($1)', [lockOf(schema)]).catch(() => {})
    }
  }
  await distributeLater(client, targets, (message) => log?.info(message))
  await renewFeedEpoch(client, lockRetry, log)
  await refreshTimeZones(client)
  await keepPartitions(client)
}

async function applyMissing(
  client: pg.ClientBase,
  schema: string,
  log: Progress | undefined,
  lockRetry: LockRetryPolicy,
) {
  const recorded = await readRecord(client)
  if (missing(recorded).length === 0) return
  log?.info('migrating the database')
  const isNew = recorded === null && !(await hasTables(client))
  if (recorded === null && !isNew) {
    await retryOnLock(client, 'The record of migrations', lockRetry, log, createRecord)
  }
  // Migrations read this setting: if it is on, the tables have no rows and no older version uses them.
  await client.query(`select set_config('nightpost.is_new', $1, false)`, [isNew ? 'on' : 'off'])
  for (const migration of isNew ? migrations : missing(await readRecord(client))) {
    await retryOnLock(client, `Migration ${migration.name}`, lockRetry, log, async (query) => {
      if (isNew && migration === migrations[0]) await createRecord(query)
      await apply(query, migration, schema)
    })
  }
}

/** Returns true if the tables of version 0.1.0 are there. It kept its record of migrations in another table. */
async function hasTables(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(`select to_regclass('deliveries') is not null as has`)
  return rows[0].has
}

async function apply(query: Query, migration: Migration, schema: string): Promise<void> {
  const { name, hash, createdAt, statements, breaking } = migration
  for (const statement of statements) await query(inSchema(statement, schema))
  await query(RECORD, [name, hash, createdAt, breaking])
}

/**
 * Sets the schema, and removes limits that the role or the database may have and that would end long work. Without JIT,
 * because it would compile the plan of every partition for each of many short queries. Settings that this version of
 * Postgres does not have are skipped.
 */
export async function resetSession(client: pg.ClientBase, schema: string): Promise<void> {
  await client.query(
    `select set_config('search_path', quote_ident($1), false), set_config(s.name, s.value, false)
     from (values ('statement_timeout', '0'), ('lock_timeout', '0'), ('transaction_timeout', '0'),
       ('idle_in_transaction_session_timeout', '0'), ('default_transaction_isolation', 'read committed'), ('jit', 'off'))
       as s(name, value) join pg_settings using (name)`,
    [schema],
  )
}

async function createSchema(client: pg.ClientBase, schema: string): Promise<void> {
  const { rows } = await client.query('select to_regnamespace(quote_ident($1)) is not null as exists', [
    schema,
  ])
  if (rows[0].exists) return
  try {
    await client.query(`create schema if not exists ${quoted(schema)}`)
  } catch (error) {
    throw new MigrationError(`Schema ${schema}`, error, await adviceFor(client, error))
  }
}

/** The key of the advisory lock for migrations of a schema. Version 0.1.0 uses the same key for `public`. */
const lockOf = (schema: string) =>
  lockNumber(schema === 'public' ? 'nightpost migrations' : `nightpost migrations ${schema}`)

async function takeTurn(client: pg.ClientBase, schema: string, log?: Progress): Promise<void> {
  const { rows } = await client.query('select pg_try_advisory_lock($1) as mine', [lockOf(schema)])
  if (rows[0].mine) return
  log?.info('waiting for another process that migrates the database')
  await client.query(`set lock_timeout = ${TURN_TIMEOUT}`)
  await client.query('select pg_advisory_lock($1)', [lockOf(schema)])
  await client.query('set lock_timeout = 0')
}

/**
 * Refreshes the list of time zones, because an update of the server may add or remove some, and a query with an unknown name
 * fails. Without the privilege, or if the list is locked for 2 s, the list stays as it is.
 */
async function refreshTimeZones(client: pg.ClientBase): Promise<void> {
  await client.query(`set lock_timeout = '2s'`)
  const { rows } = await client.query(
    `select relkind = 'm' as is from pg_class where oid = 'time_zones'::regclass`,
  )
  // Where Citus has distributed the database it is a table.
  await (rows[0].is
    ? client.query('refresh materialized view concurrently time_zones')
    : renewTimeZones(client)
  ).catch(() => {})
  await client.query('set lock_timeout = 0')
}

/** Creates partitions ahead. A role that may only read and write rows leaves them to `nightpost maintain`. */
async function keepPartitions(client: pg.ClientBase): Promise<void> {
  try {
    await preparePartitions(client, await databaseTime(client), DAYS_AT_START)
  } catch (error) {
    if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) throw error
  }
}

async function requireServer(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query(
    `select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding`,
  )
  const { version, encoding } = rows[0]
  if (version < OLDEST_SERVER) throw new Error('Nightpost needs Postgres 15 or newer.')
  if (encoding !== 'UTF8') throw new Error(`Nightpost needs a UTF8 database; this one is ${encoding}.`)
}
