import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { migrate } from '../src/db/migrate.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'

/** Whoever may read these reads bodies and headers; every other table and view is for analysts. */
const WITHHELD = ['deliveries', 'unverified_deliveries']

describe('nightpost_reader', () => {
  let db: TestDatabase
  let relations: string[]
  beforeAll(async () => {
    db = await createDatabase()
    const rows = await db.query<{ relname: string }>(
      `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')`,
    )
    relations = rows.map(({ relname }) => relname)
    await db.query('set role nightpost_reader')
  })
  afterAll(() => db.drop())

  const refusal = (query: string) =>
    db.query(query).then(
      () => 'allowed',
      ({ code }) => code,
    )

  it('reads every table and view but the two with bodies; a new one is granted in a migration, or withheld here', async () => {
    const refused: string[] = []
    for (const name of relations)
      if ((await refusal(`select * from ${name}`)) !== 'allowed') refused.push(name)
    expect(relations.length).toBeGreaterThan(15)
    expect(refused.sort()).toEqual(WITHHELD)
  })

  it.each(['body', 'headers', 'body_digest', 'delivery_id'])(
    'does not read deliveries.%s',
    async (column) => {
      expect(await refusal(`select ${column} from deliveries`)).toBe('42501')
    },
  )

  it('finds no body in the columns it may read', async () => {
    const columns = await db.query(
      `select table_name, column_name from information_schema.columns where table_schema = 'public'
       and (column_name in ('body', 'headers', 'hashed_headers') or data_type = 'bytea')
       and has_table_privilege(format('%I.%I', table_schema, table_name), 'select')`,
    )
    expect(columns).toEqual([])
  })

  it('changes nothing', async () => {
    expect(await refusal('delete from scores')).toBe('42501')
    expect(
      await refusal(
        `insert into sleep_stage_series values ('u', 's', 'sleep', '{}', gen_random_uuid(), now())`,
      ),
    ).toBe('42501')
    expect(await refusal('create table public.mine (a int)')).toBe('42501')
    expect(await refusal('refresh materialized view time_zones')).toBe('42501')
  })

  it('can not log in: somebody with a password is made a member', async () => {
    const [role] = await db.query(
      `select rolcanlogin, rolsuper, rolcreaterole from pg_roles where rolname = 'nightpost_reader'`,
    )
    expect(role).toEqual({ rolcanlogin: 'f', rolsuper: 'f', rolcreaterole: 'f' })
  })
})

describe('a server that has no such role yet', () => {
  const suffix = randomBytes(4).toString('hex')
  const role = `reader_${suffix}`
  const plain = `plain_${suffix}`
  /** The migration with a name that no other database of the server has made. */
  const migration = readFileSync(join(import.meta.dirname, '../migrations/0006_reader.sql'), 'utf8')
    .replaceAll('nightpost_reader', role)
    .replaceAll('--> statement-breakpoint', '')

  const as = async (url: string, ...queries: string[]) => {
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
  const roles = () => as(server(), `select rolname from pg_roles where rolname = '${role}'`)
  const mayRead = (url: string) =>
    as(url, `select has_table_privilege('${role}', 'sleep_nights', 'select') as may`)

  it('is migrated by somebody without the right to make it, and the grant can follow', async () => {
    const db = await createDatabase('template0')
    await db.query(`create role ${plain} login password '${suffix}'`)
    await db.query(
      `grant all on schema public to ${plain}; grant create on database ${new URL(db.direct).pathname.slice(1)} to ${plain}`,
    )
    const url = new URL(db.direct)
    url.username = plain
    url.password = suffix
    await migrate(url.href)
    await as(url.href, migration)
    expect(await roles()).toEqual([])
    expect(await as(url.href, `select grant_${role}() as done`)).toEqual([{ done: false }])

    await as(server(), `create role ${role}`)
    expect(await as(url.href, `select grant_${role}() as done`)).toEqual([{ done: true }])
    expect(await mayRead(db.url)).toEqual([{ may: true }])

    await db.query(`drop owned by ${role}, ${plain}; drop role ${role}; drop role ${plain}`)
    await db.drop()
  })

  it('gets it from databases that are migrated at once', async () => {
    const dbs: TestDatabase[] = []
    for (let made = 0; made < 5; made += 1) dbs.push(await createDatabase())
    // Each keeps its transaction open for a while, so that all want to make the role before one has.
    await Promise.all(dbs.map(({ url }) => as(url, 'begin', migration, 'select pg_sleep(0.05)', 'commit')))
    expect(await roles()).toHaveLength(1)
    for (const { url } of dbs) expect(await mayRead(url)).toEqual([{ may: true }])
    for (const db of dbs) await db.drop()
    await as(server(), `drop role ${role}`)
  })
})
