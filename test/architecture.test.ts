import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigSchema } from '../src/config/index.ts'
import { commentStatements } from '../src/db/sql/comments.ts'
import { ledger } from '../src/tables/deliveries.ts'
import type { Target } from '../src/tables/target.ts'
import { quarantine } from '../src/tables/unverified.ts'
import { vendors } from '../src/vendors/index.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'

const root = resolve(import.meta.dirname, '..')
const src = join(root, 'src')

const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))

it('modules import each other in one direction (ARCHITECTURE.md, "Modules"); otherwise see: npm run check', () => {
  const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
  const options = ['src', '--config', '.dependency-cruiser.cjs', '--output-type', 'err']
  expect(() =>
    execFileSync(process.execPath, [cruiser, ...options], { cwd: root, stdio: 'pipe' }),
  ).not.toThrow()
})

describe('the database says what it holds', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createDatabase()
  })
  afterAll(() => db.drop())

  const targets = [
    ledger as unknown as Target,
    quarantine as unknown as Target,
    ...vendors.flatMap((vendor) => vendor.targets),
  ]

  it('has a comment on every table and column', async () => {
    const silent = await db.query(`
      select c.relname, a.attname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
        and (obj_description(c.oid, 'pg_class') is null or coalesce(col_description(c.oid, a.attnum), '') = '')`)
    expect(silent).toEqual([])
  })

  it('has the comments that the source declares; otherwise run: npm run db:generate', async () => {
    const described = await db.query(`
      select format('TABLE %I', c.relname) as plain, c.relname, null as attname, obj_description(c.oid, 'pg_class') as text
      from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      union all
      select '', c.relname, a.attname, col_description(c.oid, a.attnum)
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'`)
    const actual = new Set(
      described.map(({ relname, attname, text }) => {
        const what = attname === null ? `TABLE "${relname}"` : `COLUMN "${relname}"."${attname}"`
        return `COMMENT ON ${what} IS '${text?.replaceAll("'", "''")}';`
      }),
    )
    expect([...commentStatements(targets).values()].filter((statement) => !actual.has(statement))).toEqual([])
  })

  it('has the tables that the source declares; otherwise run: npm run db:generate', () => {
    const out = mkdtempSync(join(tmpdir(), 'nightpost-drizzle-'))
    try {
      cpSync(join(root, 'migrations'), out, { recursive: true })
      const before = readdirSync(out).length
      const kit = join(root, 'node_modules/drizzle-kit/bin.cjs')
      execFileSync(
        process.execPath,
        [
          kit,
          'generate',
          '--dialect',
          'postgresql',
          '--schema',
          './src/{tables/{bodies,days,deliveries,erasures,feed,people,reconcile,unverified,upkeep}.ts,vendors/*/tables/*.ts}',
          '--out',
          relative(root, out),
        ],
        { cwd: root, stdio: 'pipe' },
      )
      expect(readdirSync(out)).toHaveLength(before)
    } finally {
      rmSync(out, { recursive: true })
    }
  })

  it('keys every table by its owner first, except tables of the whole database', async () => {
    const ofAll = [
      'unverified_deliveries',
      'nightpost_migrations',
      'body_groups',
      'event_activity',
      'upkeep_tasks',
      'erasures',
      'erasure_key',
      'change_feed',
      'reconcile_runs',
      'stored_days',
      'stored_days_state',
    ]
    const keys = await db.query(
      `
      select c.conrelid::regclass::text as name, a.attname from pg_constraint c
      join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
      where c.connamespace = 'public'::regnamespace and c.contype in ('p', 'u', 'f')
        and c.conrelid in (select oid from pg_class where not relispartition)
        and c.conrelid <> all($1::regclass[])`,
      [`{${ofAll.join()}}`],
    )
    for (const { name, attname } of keys)
      expect(['user_id', 'profile_id', 'owner'], `${name}`).toContain(attname)
  })
})

it('.env.example lists every variable that Nightpost reads', () => {
  const listed = readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^#? ?([A-Z_]+)=/gm)
  const readByService = [...listed].map(([, name = '']) => name)
  // The libraries of OpenTelemetry read their variables themselves, and Compose reads the others.
  const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
  const isOfCompose = (name: string) => !(name in ConfigSchema.properties) && compose.includes(`\${${name}:-`)
  const own = readByService.filter((name) => !name.startsWith('OTEL_') && !isOfCompose(name))
  expect(own.sort()).toEqual(Object.keys(ConfigSchema.properties).sort())
})

it('every file has one job: none is over 250 lines', () => {
  const long = sources.filter((file) => readFileSync(join(src, file), 'utf8').split('\n').length > 250)
  expect(long).toEqual([])
})
