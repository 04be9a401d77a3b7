import { createHash } from 'node:crypto'
import type pg from 'pg'
import { type DatabaseSettings, databaseSettings } from '../connect/database.ts'
import { connect, connectDirect } from '../connect/pool.ts'
import { adviceFor, MigrationError } from './migration-error.ts'
import { inSchema, type Migration, migrations, quoted } from './migration-files.ts'
import { createRecord, isCurrent, missing, RECORD, readRecord } from './migration-record.ts'
import { PATIENCE, type Patience, type Progress, patiently, type Query } from './patience.ts'

export { isCurrent } from './migration-record.ts'
export type { Progress } from './patience.ts'

const OLDEST_SERVER = 150_000

/** Milliseconds to wait for another replica that migrates. */
const MIGRATED_WITHIN = 10 * 60_000

export interface MigrateOptions {
  readonly schema?: string
  readonly log?: Progress | undefined
  readonly patience?: Patience
}

/** A connection that keeps its session, for migrations and online steps. Null if a pooler in transaction mode is in the way. */
export const directConnection = (database: DatabaseSettings | string): Promise<pg.Client | null> =>
  connectDirect(database, { name: 'nightpost migrate', use: 'migrate' })

/** The same connection; throws if a pooler in transaction mode is in the way. */
export async function connectToMigrate(database: DatabaseSettings | string): Promise<pg.Client> {
  const client = await directConnection(database)
  if (client === null) throw new Error(NEEDS_DIRECT)
  return client
}

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

/** Migrating takes a lock of the session, which a pooler in transaction mode does not keep. */
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
  'The database lacks a migration, which can not run through a pooler in transaction mode: set MIGRATE_DATABASE_URL to a direct connection.'

/**
 * Brings the schema up to date, over a connection that keeps its session. Each migration is a transaction of its own;
 * replicas that start at once wait for each other. Where nothing is missing nothing is created or locked, so that a
 * role without any right but to read and write rows can start. Throws a `MigrationError` that says in Postgres' own
 * words what is wrong.
 */
export async function migrateOn(client: pg.ClientBase, options: MigrateOptions = {}): Promise<void> {
  const { schema = 'public', log, patience = PATIENCE } = options
  await requireServer(client)
  await settle(client, schema)
  if (missing(await readRecord(client)).length > 0) {
    await takeTurn(client, schema, log)
    try {
      // In turn, because two processes that create one schema at once fail even with IF NOT EXISTS.
      await createSchema(client, schema)
      await migrateInTurn(client, schema, log, patience)
    } finally {
      await client.query('select pg_advisory_unlock($1)', [lockOf(schema)]).catch(() => {})
    }
  }
  await refreshTimeZones(client)
}

async function migrateInTurn(
  client: pg.ClientBase,
  schema: string,
  log: Progress | undefined,
  patience: Patience,
) {
  const recorded = await readRecord(client)
  if (missing(recorded).length === 0) return
  log?.info('migrating the database')
  const isNew = recorded === null && !(await hasTables(client))
  if (recorded === null && !isNew) {
    await patiently(client, 'The record of migrations', patience, log, createRecord)
  }
  // Migrations that change tables tell by this that there can be neither rows nor an older version at work.
  await client.query(`select set_config('nightpost.is_new', $1, false)`, [isNew ? 'on' : 'off'])
  for (const migration of isNew ? migrations : missing(await readRecord(client))) {
    await patiently(client, `Migration ${migration.name}`, patience, log, async (query) => {
      if (isNew && migration === migrations[0]) await createRecord(query)
      await apply(query, migration, schema)
    })
  }
}

/** Those of version 0.1.0, which kept its record elsewhere. */
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
 * What a role or database may have set that would break long work; and the schema in which all of it happens. Some
 * settings came with a later version of Postgres.
 */
export async function settle(client: pg.ClientBase, schema: string): Promise<void> {
  await client.query(
    `select set_config('search_path', quote_ident($1), false), set_config(s.name, s.value, false)
     from (values ('statement_timeout', '0'), ('lock_timeout', '0'), ('transaction_timeout', '0'),
       ('idle_in_transaction_session_timeout', '0'), ('default_transaction_isolation', 'read committed'))
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

/** One number for everyone who migrates a schema: the first eight bytes of a digest. That of `public` is as in version 0.1.0. */
const lockOf = (schema: string) =>
  lockNumber(schema === 'public' ? 'nightpost migrations' : `nightpost migrations ${schema}`)

export const lockNumber = (name: string) =>
  createHash('sha256').update(name).digest().readBigInt64BE().toString()

async function takeTurn(client: pg.ClientBase, schema: string, log?: Progress): Promise<void> {
  const { rows } = await client.query('select pg_try_advisory_lock($1) as mine', [lockOf(schema)])
  if (rows[0].mine) return
  log?.info('another process migrates the database: waiting for it')
  await client.query(`set lock_timeout = ${MIGRATED_WITHIN}`)
  await client.query('select pg_advisory_lock($1)', [lockOf(schema)])
  await client.query('set lock_timeout = 0')
}

/**
 * An update of the server may bring time zones and take some away, and a name that it does not know fails a
 * query. Whoever may not refresh the list, or finds it busy, starts with the list as it is.
 */
async function refreshTimeZones(client: pg.ClientBase): Promise<void> {
  await client.query(`set lock_timeout = '2s'`)
  await client.query('refresh materialized view concurrently time_zones').catch(() => {})
  await client.query('set lock_timeout = 0')
}

async function requireServer(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query(
    `select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding`,
  )
  const { version, encoding } = rows[0]
  if (version < OLDEST_SERVER) throw new Error('Nightpost needs Postgres 15 or newer.')
  if (encoding !== 'UTF8') throw new Error(`Nightpost needs a UTF8 database; this one is ${encoding}.`)
}
