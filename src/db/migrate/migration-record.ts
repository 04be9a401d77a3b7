import type pg from 'pg'
import { sqlState } from '../commit/failure.ts'
import type { Query } from './lock-retry.ts'
import { type Migration, migrations } from './migration-files.ts'

type Client = Pick<pg.Pool | pg.ClientBase, 'query'>

/** A migration that was applied. `breaking`: why versions that lack this migration can't use the database; null if they can. */
export interface Recorded {
  readonly name: string
  readonly breaking: string | null
}

/** The applied migrations as an SQL expression, for use in a larger query. */
export const RECORDED = `(select coalesce(json_agg(json_build_object('name', name, 'breaking', breaking)), '[]')
  from nightpost_migrations)`

/** Undefined table or schema: neither this version nor a later one has migrated this database. */
export const isUnmigrated = (error: unknown) => ['42P01', '3F000'].includes(sqlState(error) ?? '')

/** Returns the applied migrations, or null if the database has no record of them. */
export async function readRecord(client: Client): Promise<readonly Recorded[] | null> {
  try {
    const { rows } = await client.query(`select ${RECORDED} as recorded`)
    return rows[0].recorded
  } catch (error) {
    if (isUnmigrated(error)) return null
    throw error
  }
}

/** Returns the migrations of this version that were not applied. */
export function missing(recorded: readonly Recorded[] | null): readonly Migration[] {
  const names = new Set(recorded?.map(({ name }) => name))
  return migrations.filter(({ name }) => !names.has(name))
}

/** Returns true if every migration of this version was applied. */
export async function isCurrent(client: Client): Promise<boolean> {
  return missing(await readRecord(client)).length === 0
}

/** Returns why this version can't use a database with these migrations, or null if it can. */
export function breakingFault(recorded: readonly Recorded[] | null): string | null {
  const known = new Set(migrations.map(({ name }) => name))
  const newer = recorded?.find(({ name, breaking }) => breaking !== null && !known.has(name))
  if (!newer) return null
  return `The database has migration ${newer.name} of a newer version. This version can not use it: ${newer.breaking}`
}

const CREATE = [
  `create table nightpost_migrations (
    name text primary key,
    hash text not null,
    created_at bigint not null,
    applied_at timestamptz,
    breaking text
  )`,
  `comment on table nightpost_migrations is 'The migrations that this schema has.'`,
  `comment on column nightpost_migrations.name is 'Name of the file in migrations/, without its ending.'`,
  `comment on column nightpost_migrations.hash is 'SHA-256 of the file, in hex.'`,
  `comment on column nightpost_migrations.created_at is 'When the migration was written: Unix time in ms.'`,
  `comment on column nightpost_migrations.applied_at is 'When it was applied here; NULL where version 0.1.0 did, which kept no time.'`,
  `comment on column nightpost_migrations.breaking is 'Why older versions can not work with it, and turn themselves not ready; NULL where they can.'`,
  // Every role of the service must be able to read whether the schema is current.
  'grant select on nightpost_migrations to public',
]

/** The record of version 0.1.0, written by drizzle's migrator. */
const RECORD_OF_010 = 'drizzle.__drizzle_migrations'

/**
 * Creates the record, within a transaction. If the schema has tables, version 0.1.0 migrated it: its record is copied. That
 * record stays, so that running replicas of 0.1.0 remain ready.
 */
export async function createRecord(query: Query) {
  for (const statement of CREATE) await query(statement)
  const { rows } = await query(
    `select to_regclass('deliveries') is not null and to_regclass('${RECORD_OF_010}') is not null as has`,
  )
  if (!rows[0].has) return
  await query(
    `insert into nightpost_migrations (name, hash, created_at)
     select known.name, former.hash, former.created_at
     from ${RECORD_OF_010} as former join unnest($1::text[], $2::bigint[]) as known(name, created_at) using (created_at)`,
    [migrations.map(({ name }) => name), migrations.map(({ createdAt }) => createdAt)],
  )
}

/** Deletes the record of version 0.1.0. Its replicas then find a migration missing and become not ready. */
export async function deleteRecordOf010(
  query: (text: string, values?: unknown[]) => Promise<pg.QueryResult>,
) {
  const { rows } = await query(`select to_regclass('${RECORD_OF_010}') is not null as has`)
  if (!rows[0].has) return
  await query(
    `delete from ${RECORD_OF_010} as f using nightpost_migrations as m where f.created_at = m.created_at and f.hash = m.hash`,
  )
}

export const RECORD = `insert into nightpost_migrations (name, hash, created_at, applied_at, breaking)
  values ($1, $2, $3, now(), $4)`
