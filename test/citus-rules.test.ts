import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { distributedTables, LOCAL_TABLES, REFERENCE_TABLES } from '../src/db/citus/tables.ts'
import { migrations } from '../src/db/migrate/migration-files.ts'
import * as rewriting from '../src/db/sql/citus-rewrite-statements.ts'
import * as ofShard from '../src/db/sql/shard-statements.ts'
import { vendors } from '../src/vendors/index.ts'
import { broken, MIGRATION_RULES, PLAIN_ONLY, STATEMENT_RULES } from './setup/citus-rules.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'

const tables = distributedTables(vendors.flatMap(({ targets }) => targets))

/** Each statement of statements.sql with the name before its file. */
const statements = readFileSync('src/db/sql/statements.sql', 'utf8')
  .split(/\n(?=-- [A-Za-z]+(?:\(.*?\)[^:]*|[^:(\n]*): src\/)/)
  .slice(1)
  .map((part) => {
    const [head = '', ...lines] = part.split('\n')
    return { name: /^-- ([A-Za-z]+)/.exec(head)?.[1] ?? head, head, text: lines.join('\n') }
  })

describe('what Citus can not do', () => {
  it('no write statement needs, except those of plain Postgres alone', () => {
    expect(statements.length).toBeGreaterThan(50)
    const found = statements
      .filter(({ name, head }) => !PLAIN_ONLY.some((plain) => name === plain || head.includes(`.${plain}`)))
      .flatMap(({ head, text }) => broken(STATEMENT_RULES, text).map((says) => `${head}: ${says}`))
    expect(found).toEqual([])
  })

  it('each statement of plain Postgres alone needs', () => {
    const needing = PLAIN_ONLY.filter((name) =>
      statements.some((each) => each.name === name && broken(STATEMENT_RULES, each.text).length > 0),
    )
    expect(needing).toEqual(PLAIN_ONLY)
  })

  it('no statement for a shard needs', () => {
    const all = [...Object.values(ofShard), ...Object.values(rewriting)].filter((each) => 'text' in each)
    expect(all.length).toBeGreaterThan(8)
    const found = all.flatMap(({ name, text }) =>
      broken(STATEMENT_RULES, text).map((says) => `${name}: ${says}`),
    )
    expect(found).toEqual([])
  })

  it('no migration needs', () => {
    const found = migrations.flatMap(({ name, statements }) =>
      statements.flatMap((text) => broken(MIGRATION_RULES, text).map((says) => `${name}: ${says}`)),
    )
    expect(found).toEqual([])
  })
})

describe('the tables', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createDatabase()
  })
  afterAll(() => db.drop())

  it('are each in one of the lists of src/db/citus/tables.ts: distributed, reference or local', async () => {
    const rows = await db.query<{ name: string }>(
      `select c.relname as name from pg_class as c where c.relnamespace = 'public'::regnamespace
         and c.relkind in ('r', 'p', 'm') and not c.relispartition order by 1`,
    )
    const listed = [...tables.map(({ name }) => name), ...REFERENCE_TABLES, ...LOCAL_TABLES]
    expect(rows.map(({ name }) => name)).toEqual([...listed].sort())
  })

  it('that are distributed have the owner first in every unique constraint and in every foreign key', async () => {
    const rows = await db.query<{ table: string; constraint: string; column: string; type: string }>(
      `select c.relname as table, i.indexrelid::regclass::text as constraint, a.attname as column, a.atttypid::regtype::text as type
       from pg_index as i join pg_class as c on c.oid = i.indrelid
       join pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[0]
       where i.indisunique and c.relname = any($1) union all
       select c.relname, k.conname, a.attname, a.atttypid::regtype::text from pg_constraint as k
       join pg_class as c on c.oid = k.conrelid join pg_attribute as a on a.attrelid = c.oid and a.attnum = k.conkey[1]
       where k.contype = 'f' and c.relname = any($1)`,
      [tables.map(({ name }) => name)],
    )
    const wrong = rows.filter(
      ({ table, column, type }) =>
        type !== 'text' || column !== tables.find(({ name }) => name === table)?.column,
    )
    expect(wrong).toEqual([])
    expect(new Set(rows.map(({ table }) => table)).size).toBe(tables.length)
  })

  it('views have the same columns as before in the form that a shard can compute', async () => {
    for (const [name, migration] of [
      ['people', '0016_people'],
      ['user_days', '0016_people'],
      ['fhir_observations', '0017_fhir'],
    ]) {
      const former = migrations.find((each) => each.name === migration)?.statements ?? []
      const text = former.find((each) => each.includes(`CREATE VIEW "${name}"`)) as string
      await db.query(text.replace(`"${name}"`, `"former_${name}"`))
    }
    const columns = await db.query<{ name: string; columns: string }>(
      `select replace(c.relname, 'former_', '') as name, string_agg(distinct concat(a.attnum, a.attname, a.atttypid), ',') as columns
       from pg_class as c join pg_attribute as a on a.attrelid = c.oid
       where c.relname ~ '^(former_)?(people|user_days|fhir_observations)$' group by 1, c.oid`,
    )
    expect(new Set(columns.map(({ name, columns }) => name + columns)).size).toBe(3)
  })
})
