import type pg from 'pg'
import { sqlState } from '../commit/failure.ts'
import { type Migration, migrations } from './migration-files.ts'
import type { Query } from './patience.ts'

type Client = Pick<pg.Pool | pg.ClientBase, 'query'>

/** A migration that the database has. `breaking`: why versions that don't know it can't work on. */
export interface Recorded {
  readonly name: string
  readonly breaking: string | null
}

/** What the database has, as an expression of SQL that can stand in a larger question. */
export const RECORDED = `(select coalesce(json_agg(json_build_object('name', name, 'breaking', breaking)), '[]')
  from nightpost_migrations)`

/** Undefined table, or schema: this version or a later one never migrated here. */
export const isUnmigrated = (error: unknown) => ['42P01', '3F000'].includes(sqlState(error) ?? '')

/** The migrations that the database has; null where it has no record of them. */
export async function readRecord(client: Client): Promise<readonly Recorded[] | null> {
  try {
    const { rows } = await client.query(`select ${RECORDED} as recorded`)
    return rows[0].recorded
  } catch (error) {
    if (isUnmigrated(error)) return null
    throw error
  }
}

/** What this version has and the database lacks. */
export function missing(recorded: readonly Recorded[] | null): readonly Migration[] {
  const names = new Set(recorded?.map(({ name }) => name))
  return migrations.filter(({ name }) => !names.has(name))
}

/** Whether the database has every migration of this version of Nightpost. */
export async function isCurrent(client: Client): Promise<boolean> {
  return missing(await readRecord(client)).length === 0
}

/** Why this version can't work on a database with these migrations; null where it can. */
export function breakingFault(recorded: readonly Recorded[] | null): string | null {
  const known = new Set(migrations.map(({ name }) => name))
  const newer = recorded?.find(({ name, breaking }) => breaking !== null && !known.has(name))
  if (!newer) return null
  return `The database has migration ${newer.name} of a newer version, which this one can not work with: ${newer.breaking}`
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
  // Whatever role the service has, it must be able to tell whether the schema is current.
  'grant select on nightpost_migrations to public',
]

/** Where version 0.1.0 kept its record: drizzle's own migrator did. */
const FORMER = 'drizzle.__drizzle_migrations'

/**
 * Makes the record, within a transaction. A schema that has tables was migrated by version 0.1.0: what its record holds is
 * taken over. That record stays, so that replicas of 0.1.0 which run on meanwhile find themselves current.
 */
export async function createRecord(query: Query) {
  for (const statement of CREATE) await query(statement)
  const { rows } = await query(
    `select to_regclass('deliveries') is not null and to_regclass('${FORMER}') is not null as has`,
  )
  if (!rows[0].has) return
  await query(
    `insert into nightpost_migrations (name, hash, created_at)
     select known.name, former.hash, former.created_at
     from ${FORMER} as former join unnest($1::text[], $2::bigint[]) as known(name, created_at) using (created_at)`,
    [migrations.map(({ name }) => name), migrations.map(({ createdAt }) => createdAt)],
  )
}

/** Replicas of version 0.1.0 find that they lack a migration from now on, and turn themselves not ready. */
export async function retireFormerRecord(
  query: (text: string, values?: unknown[]) => Promise<pg.QueryResult>,
) {
  const { rows } = await query(`select to_regclass('${FORMER}') is not null as has`)
  if (!rows[0].has) return
  await query(
    `delete from ${FORMER} as f using nightpost_migrations as m where f.created_at = m.created_at and f.hash = m.hash`,
  )
}

export const RECORD = `insert into nightpost_migrations (name, hash, created_at, applied_at, breaking)
  values ($1, $2, $3, now(), $4)`
