import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import type { Vendor } from '../contract/vendor.ts'
import { sqlState } from '../db/commit/failure.ts'
import { quoted } from '../db/migrate/migration-files.ts'
import { nameTables } from './names.ts'
import { personTables } from './person-tables.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** A table whose deleted rows may still be on disk. */
export interface Trace {
  readonly table: string
  /** Row versions that no VACUUM has removed, as Postgres estimates them. */
  readonly deadRows: number
  readonly vacuumedAt: string | null
  readonly analyzedAt: string | null
}

/** Where copies of deleted rows can be that Nightpost does not reach. */
export interface Traces {
  readonly tables: readonly Trace[]
  /** The oldest transaction that may still see deleted rows; null if there is none. VACUUM removes nothing that it may see. */
  readonly oldestSnapshotSeconds: number | null
  readonly replicas: number
  readonly archivesWal: boolean
  /** When `nightpost maintain --archive` last wrote an archive; null if it never did. */
  readonly archivedAt: string | null
}

function tablesOf(vendor: Vendor): string[] {
  const rows = personTables([vendor]).map(({ target }) => getTableName(target.table))
  return [
    'deliveries',
    'body_groups',
    'body_packs',
    'unverified_deliveries',
    'stored_days',
    ...nameTables,
    ...rows,
  ]
}

/**
 * Removes deleted row versions from disk, and ids from the statistics of the planner. Returns the tables that this role may not
 * vacuum. It blocks no delivery.
 */
export async function vacuum(
  client: Client,
  vendor: Vendor,
  progress: (done: number, total: number, what: string) => void = () => {},
): Promise<string[]> {
  const names = tablesOf(vendor)
  const refused: string[] = []
  for (const [at, name] of names.entries()) {
    progress(at, names.length, 'tables vacuumed')
    try {
      await client.query(`vacuum (analyze) ${quoted(name)}`)
    } catch (error) {
      if (sqlState(error) !== '42501') throw error
      refused.push(name)
    }
  }
  progress(names.length, names.length, 'tables vacuumed')
  // A role that may not vacuum a table gets a warning and no error.
  const { rows } = await client.query(
    `select c.relname as name from pg_class as c
     where c.oid = any(select to_regclass(quote_ident(n)) from unnest($1::text[]) as n) and not pg_has_role(c.relowner, 'usage')`,
    [names],
  )
  return [...new Set([...refused, ...rows.map(({ name }) => name as string)])]
}

export async function tracesOf(client: Client, vendor: Vendor): Promise<Traces> {
  await client.query('select pg_stat_clear_snapshot()')
  const { rows: tables } = await client.query(
    `select n as name, coalesce(sum(s.n_dead_tup), 0)::float8 as dead,
       min(greatest(s.last_vacuum, s.last_autovacuum)) as vacuumed, min(greatest(s.last_analyze, s.last_autoanalyze)) as analyzed
     from unnest($1::text[]) with ordinality as t(n, nth)
     cross join lateral pg_partition_tree(to_regclass(quote_ident(n))) as p
     join pg_stat_all_tables as s on s.relid = p.relid and p.isleaf
     group by n, nth order by nth`,
    [tablesOf(vendor)],
  )
  const { rows } = await client.query(
    `select (select max(extract(epoch from now() - xact_start)) from pg_stat_activity
         where backend_xmin is not null and pid <> pg_backend_pid())::float8 as oldest,
       (select count(*) from pg_stat_replication)::int as replicas,
       current_setting('archive_mode') <> 'off' as archives_wal,
       (select finished_at from upkeep_tasks where task = 'archive') as archived`,
  )
  const [{ oldest, replicas, archives_wal, archived }] = rows
  const iso = (date: Date | null) => date?.toISOString() ?? null
  return {
    tables: tables.map(({ name, dead, vacuumed, analyzed }) => ({
      table: name,
      deadRows: dead,
      vacuumedAt: iso(vacuumed),
      analyzedAt: iso(analyzed),
    })),
    oldestSnapshotSeconds: oldest,
    replicas,
    archivesWal: archives_wal,
    archivedAt: iso(archived),
  }
}
