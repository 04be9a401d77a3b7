import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { migrate } from '../src/db/migrate/migrate.ts'
import { CITUS_URL } from './setup/citus.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'
import { itOnOneServer } from './setup/one-server.ts'

/** These contain bodies and headers, or are of the upkeep only. Analysts may read all other tables and views. */
const NOT_READABLE = [
  'body_groups',
  'body_packs',
  'change_feed',
  // The same as user_days.
  'computed_days',
  'deliveries',
  'delivery_bodies',
  'erasure_key',
  'erasures',
  'event_activity',
  'reconcile_runs',
  'stored_days',
  'stored_days_state',
  'unverified_deliveries',
  'upkeep_tasks',
]

interface Reader extends Pick<TestDatabase, 'query'> {
  end(): Promise<void>
}

/** On Citus a reader has a login, because the coordinator connects to the nodes as the same role. */
async function loggedIn(db: TestDatabase): Promise<Reader> {
  const name = `test_reader_${randomBytes(4).toString('hex')}`
  await db.query(`create role ${name} login in role nightpost_reader`)
  const types = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig
  const url = Object.assign(new URL(db.direct), { username: name }).href
  const client = new pg.Client({ connectionString: url, types })
  await client.connect()
  return {
    query: async (text, values) => (await client.query(text, values)).rows,
    end: async () => {
      await client.end()
      await db.query(`drop role ${name}`)
    },
  }
}

describe('nightpost_reader', () => {
  let db: TestDatabase
  let relations: string[]
  let reader: Reader
  beforeAll(async () => {
    db = await createDatabase()
    const rows = await db.query<{ relname: string }>(
      `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
         and not relispartition`,
    )
    relations = rows.map(({ relname }) => relname)
    if (CITUS_URL) reader = await loggedIn(db)
    else {
      await db.query('set role nightpost_reader')
      reader = { query: db.query, end: async () => {} }
    }
  })
  afterAll(async () => {
    await reader.end()
    await db.drop()
  })

  /** `allowed`, or the SQLSTATE of the error. */
  const resultOf = (query: string) =>
    reader.query(query).then(
      () => 'allowed',
      ({ code }) => code,
    )

  // For a new table or view, grant it in a migration, or add it to NOT_READABLE.
  it('may read every table and view except those with bodies', async () => {
    const refused: string[] = []
    for (const name of relations)
      if ((await resultOf(`select * from ${name}`)) !== 'allowed') refused.push(name)
    expect(relations.length).toBeGreaterThan(15)
    expect(refused.sort()).toEqual(NOT_READABLE)
  })

  // On Citus a node checks the reader's rights on the ledger, so the reader has the columns that delivery_log shows.
  it.each(['body', 'headers', 'body_digest', CITUS_URL ? 'body_group' : 'delivery_id'])(
    'may not read deliveries.%s',
    async (column) => {
      expect(await resultOf(`select ${column} from deliveries`)).toBe('42501')
    },
  )

  it('may read no column of the ledger but those that delivery_log shows', async () => {
    const columns = await reader.query(
      `select attname as name from pg_attribute where attrelid = 'deliveries'::regclass and attnum > 0 and not attisdropped
         and has_column_privilege(attrelid, attnum, 'select') order by 1`,
    )
    const shown = [
      ...['authenticated_by', 'body_size', 'delivery_id', 'event', 'last_received_at', 'normaliser_version'],
      ...['outcome', 'owner', 'problem', 'received_at', 'source', 'times_received', 'user_id', 'vendor'],
    ]
    expect(columns.map(({ name }) => name)).toEqual(CITUS_URL ? shown : [])
  })

  it('may read no column that contains bodies or headers', async () => {
    const columns = await reader.query(
      `select table_name, column_name from information_schema.columns where table_schema = 'public'
       and (column_name in ('body', 'headers', 'hashed_headers') or data_type = 'bytea')
       and has_column_privilege(format('%I.%I', table_schema, table_name), column_name, 'select')`,
    )
    expect(columns).toEqual([])
  })

  it('may not write, create or refresh anything', async () => {
    expect(await resultOf('delete from scores')).toBe('42501')
    expect(
      await resultOf(
        `insert into sleep_stage_series values ('u', 's', 'sleep', '{}', gen_random_uuid(), now())`,
      ),
    ).toBe('42501')
    expect(await resultOf('create table public.mine (a int)')).toBe('42501')
    expect(await resultOf('refresh materialized view time_zones')).toBe('42501')
  })

  // A login role is made a member of it.
  it('can not log in, is no superuser, and may not create roles', async () => {
    const [role] = await reader.query(
      `select rolcanlogin, rolsuper, rolcreaterole from pg_roles where rolname = 'nightpost_reader'`,
    )
    expect(role).toEqual({ rolcanlogin: 'f', rolsuper: 'f', rolcreaterole: 'f' })
  })
})

describe('on a server without the role', () => {
  const suffix = randomBytes(4).toString('hex')
  const role = `reader_${suffix}`
  const migrator = `migrator_${suffix}`
  /** The migration, with a role name that no other database of the server uses. */
  const migration = readFileSync(join(import.meta.dirname, '../migrations/0006_reader.sql'), 'utf8')
    .replaceAll('nightpost_reader', role)
    .replaceAll('--> statement-breakpoint', '')

  const runQueries = async (url: string, ...queries: string[]) => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      let rows: unknown[] = []
      for (const query of queries) ({ rows } = await client.query(query))
      return rows
    } finally {
      await client.end()
    }
  }
  const server = () => inject('serverUrl')
  const roles = () => runQueries(server(), `select rolname from pg_roles where rolname = '${role}'`)
  const mayRead = (url: string) =>
    runQueries(url, `select has_table_privilege('${role}', 'sleep_nights', 'select') as may`)

  it('a migration by a user who may not create roles succeeds, and grant_nightpost_reader() works later', async () => {
    const db = await createDatabase('template0')
    await db.query(`create role ${migrator} login password '${suffix}'`)
    await db.query(
      `grant all on schema public to ${migrator}; grant create on database ${new URL(db.direct).pathname.slice(1)} to ${migrator}`,
    )
    const url = new URL(db.direct)
    url.username = migrator
    url.password = suffix
    await migrate(url.href)
    await runQueries(url.href, migration)
    expect(await roles()).toEqual([])
    expect(await runQueries(url.href, `select grant_${role}() as done`)).toEqual([{ done: false }])

    await runQueries(server(), `create role ${role}`)
    expect(await runQueries(url.href, `select grant_${role}() as done`)).toEqual([{ done: true }])
    expect(await mayRead(db.url)).toEqual([{ may: true }])

    await db.query(`drop owned by ${role}, ${migrator}; drop role ${role}; drop role ${migrator}`)
    await db.drop()
  })

  itOnOneServer('role')('concurrent migrations of several databases create the role once', async () => {
    const dbs: TestDatabase[] = []
    for (let count = 0; count < 5; count += 1) dbs.push(await createDatabase())
    // Each transaction stays open for a while, so that all try to create the role before one has committed.
    await Promise.all(
      dbs.map(({ url }) => runQueries(url, 'begin', migration, 'select pg_sleep(0.05)', 'commit')),
    )
    expect(await roles()).toHaveLength(1)
    for (const { url } of dbs) expect(await mayRead(url)).toEqual([{ may: true }])
    for (const db of dbs) await db.drop()
    await runQueries(server(), `drop role ${role}`)
  })
})
