import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { createDatabase, type TestDatabase } from './database.ts'

const folder = join(import.meta.dirname, '..', 'schemas')

/** Released versions whose schema is frozen. */
export const versions = readdirSync(folder)
  .filter((name) => name.endsWith('.sql'))
  .map((name) => name.slice(0, -'.sql'.length))

/** A database as a released version left it, with a few rows in each table. */
export async function frozenDatabase(version: string): Promise<TestDatabase> {
  const db = await createDatabase('template0')
  // The dump sets a search_path of its own.
  const client = new pg.Client({ connectionString: db.url })
  await client.connect()
  await client.query(readFileSync(join(folder, `${version}.sql`), 'utf8'))
  await client.end()
  return db
}

export interface FrozenStatement {
  readonly name: string
  readonly text: string
  readonly values: unknown[]
}

/** Write statements as a released version sent them; binary parameters are written in hex. */
export function frozenStatements(version: string): FrozenStatement[] {
  const { statements } = JSON.parse(readFileSync(join(folder, `${version}.statements.json`), 'utf8'))
  const binary = (value: unknown) =>
    typeof value === 'string' && value.startsWith('\\x') ? Buffer.from(value.slice(2), 'hex') : value
  return statements.map((each: FrozenStatement) => ({ ...each, values: each.values.map(binary) }))
}

/** What there is in a schema, each thing as a line: tables, columns, defaults, keys, indexes, views, functions, comments, grants. */
export async function catalogue(db: TestDatabase, schema = 'public'): Promise<string[]> {
  await db.query(`set search_path = ${schema}`)
  const rows = await db.query<{ line: string }>(
    `with relations as (select * from pg_class where relnamespace = to_regnamespace('${schema}') and relkind in ('r', 'p', 'v', 'm'))
     select format('%s %s: %s, %s', relkind, relname, obj_description(oid, 'pg_class'),
       (select string_agg(format('%s %s', case grantee when 0 then 'public' else grantee::regrole::text end, privilege_type), ', '
         order by grantee, privilege_type) from aclexplode(relacl) where grantee <> relowner)) as line from relations
     union all
     select format('%s.%s %s %s not null %s default %s: %s', r.relname, a.attname, a.attnum, format_type(atttypid, atttypmod),
       attnotnull, pg_get_expr(d.adbin, d.adrelid), col_description(r.oid, a.attnum))
     from relations as r join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not attisdropped
     left join pg_attrdef as d on d.adrelid = r.oid and d.adnum = a.attnum
     union all
     select format('%s.%s %s', r.relname, conname, pg_get_constraintdef(c.oid))
     from relations as r join pg_constraint as c on c.conrelid = r.oid
     union all
     select format('%s valid %s', pg_get_indexdef(indexrelid), indisvalid)
     from relations as r join pg_index on indrelid = r.oid
     union all
     select format('%s %s', relname, pg_get_viewdef(oid)) from relations where relkind in ('v', 'm')
     union all
     select format('%s: %s', pg_get_functiondef(oid), obj_description(oid, 'pg_proc'))
     from pg_proc where pronamespace = to_regnamespace('${schema}')
     order by 1`,
  )
  await db.query('reset search_path')
  const plain = (line: string) => line.replaceAll(`${schema}.`, '').replaceAll(`TO '${schema}'`, 'TO own')
  return rows.map(({ line }) => plain(line)).sort()
}
