import { spawnSync } from 'node:child_process'
import { getTableName } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { distribute } from '../src/db/citus/distribute.ts'
import { joinBodies } from '../src/db/citus/join-bodies.ts'
import { connectToMigrate, migrate } from '../src/db/migrate/migrate.ts'
import { ledgerSizes } from '../src/db/upkeep/sizes.ts'
import { readState } from '../src/status/read.ts'
import { vendors } from '../src/vendors/index.ts'
import { CITUS_URL, distributeAt } from './setup/citus.ts'
import { sendClinicalData } from './setup/clinical-data.ts'
import { createCitusDatabase, createDatabase, type TestDatabase } from './setup/database.ts'
import { built } from './setup/program.ts'
import { serviceOn } from './setup/service.ts'

const targets = vendors.flatMap((vendor) => vendor.targets)

describe.skipIf(CITUS_URL)('without Citus', () => {
  it('says that the extension is missing, and changes nothing', async () => {
    const db = await createDatabase()
    const client = await connectToMigrate(db.direct)
    await expect(distribute(client, { targets: [] })).rejects.toThrow('does not have the extension Citus')
    await client.end()
    await db.drop()
  })

  it('names the online steps that have to be done before', async () => {
    const db = await createDatabase()
    await db.query('drop index deliveries_change_idx')
    const { stderr, status } = spawnSync(process.execPath, [...built('cli/main'), 'distribute'], {
      env: { PATH: process.env.PATH, DATABASE_URL: db.direct },
      encoding: 'utf8',
    })
    expect(stderr).toContain('Online steps of an upgrade are not done: index deliveries_change_idx.')
    expect(status).toBe(1)
    await db.drop()
  })
})

if (!CITUS_URL) process.stderr.write('TEST_CITUS_URL is not set: the tests on Citus are skipped.\n')

describe.skipIf(!CITUS_URL)('a ledger with rows that is distributed later', () => {
  let db: TestDatabase
  let before: Map<string, string[]>
  let columns: Map<string, string>
  beforeAll(async () => {
    db = await createCitusDatabase({ isDistributed: false })
    await migrate(db.direct)
    const service = await serviceOn({ ...db, drop: async () => {} }, { MAINTENANCE: 'off' })
    await sendClinicalData(service)
    await service.close()
    // As 0.1.0 stored them.
    await db.query(
      `update deliveries as d set body = b.body, body_group = null, body_start = null, body_size = null
       from delivery_bodies as b where b.delivery_id = d.delivery_id and d.vendor = 'sahha'`,
    )
    columns = new Map(
      (await db.query<{ name: string; column: string }>(VIEWS)).map(({ name, column }) => [name, column]),
    )
    before = await contents(db, columns.keys())
  }, 120_000)
  afterAll(() => db.drop())

  it('says what it would do, and does nothing', async () => {
    const { distributed, before: done } = await distributeAt(db.direct, { dryRun: true })
    expect(distributed).toContain('deliveries')
    expect(done).toEqual([])
    expect(await db.query('select from citus_tables')).toEqual([])
  })

  it('keeps every row of every table and view, for all owners', async () => {
    await distributeAt(db.direct)
    const after = await contents(db, columns.keys())
    const other = [...before].filter(([name, rows]) => `${rows}` !== `${after.get(name)}`)
    expect(other.map(([name]) => name)).toEqual([])
    expect(before.get('fhir_observations')?.length).toBeGreaterThan(20)
  }, 120_000)

  it('answers for one owner as one task', async () => {
    const tasks = new Map<string, number>()
    for (const [name, column] of columns) {
      if (!column) continue
      const plan = await db.query(`explain (costs off) select * from ${name} where ${column} = 'somebody'`)
      const counts = plan.flatMap((row) => /Task Count: (\d+)/.exec(row['QUERY PLAN'] as string)?.[1] ?? [])
      tasks.set(
        name,
        counts.reduce((sum, n) => sum + Number(n), 0),
      )
    }
    // A person has owners of several vendors, whose rows may be on several nodes.
    const onlyByPerson = ['computed_days', 'user_days']
    expect([...tasks].flatMap(([name, n]) => (n > 1 ? [name] : []))).toEqual(onlyByPerson)
  })

  it('hashes the owner of every row with nightpost_person', async () => {
    const hashed = await db.query(
      'select distinct owner, nightpost_person(vendor, owner) as person from deliveries',
    )
    const [one] = hashed
    const [alone] = await db.query(
      `select nightpost_person('asleep', $1) as a, nightpost_person('sahha', $1) as b`,
      [one?.owner],
    )
    expect([alone?.a, alone?.b]).toContain(one?.person)
  })

  it('reads bodies by the ids of deliveries in each shard, and copies none to other nodes', async () => {
    const plan = await db.query(
      `explain (costs off) select b.body from deliveries as d join ${joinBodies(`'{01980000-0000-7000-8000-000000000000}'`)}`,
    )
    const text = plan.map((row) => row['QUERY PLAN']).join('\n')
    expect(text).toContain('Task Count')
    expect(text).not.toContain('Distributed Subplan')
  })

  it('has sizes of the whole cluster', async () => {
    const client = await connectToMigrate(db.direct)
    const sizes = await ledgerSizes(client, targets)
    const [whole] = await db.query(
      `select citus_total_relation_size('deliveries') as entries, (select sum(citus_total_relation_size(quote_ident(name)::regclass))
        from unnest($1::text[]) as name) as rows`,
      [targets.map(({ table }) => getTableName(table))],
    )
    expect({ entries: `${sizes.entries}`, rows: `${sizes.rows}` }).toEqual(whole)
    const { ledgerBytes, databaseBytes } = await readState(client, vendors)
    expect(ledgerBytes).toBeGreaterThanOrEqual(sizes.entries)
    const [coordinator] = await db.query('select pg_database_size(current_database()) as bytes')
    expect(databaseBytes).toBeGreaterThan(2 * Number(coordinator?.bytes))
    await client.end()
  })

  it('tells the changes in their order, page by page', async () => {
    const seen = new Set<string | null>()
    let cursor: string | null = null
    for (;;) {
      const rows: Array<Record<string, string | null>> = await db.query(
        'select * from nightpost_changes($1, 20)',
        [cursor],
      )
      if (rows.length === 0) break
      for (const row of rows) seen.add(row.delivery_id ?? null)
      cursor = rows.at(-1)?.cursor ?? null
    }
    const [stored] = await db.query(`select count(*) as n from deliveries where outcome = 'stored'`)
    expect(seen.size).toBe(Number(stored?.n))
    const [now] = await db.query('select nightpost_changes_now() as cursor')
    expect(now?.cursor).toBe(cursor)
  })

  it('finds nothing to do the next time', async () => {
    const { distributed, copied } = await distributeAt(db.direct)
    expect([distributed, copied]).toEqual([[], []])
  })
})

/** Every table and view, and the column with the owner. */
const VIEWS = `select c.relname as name, (array_agg(a.attname order by a.attnum) filter (
    where a.attname in ('owner', 'user_id', 'profile_id')))[1] as column
  from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'p', 'm') and not c.relispartition
    and c.relname not like 'citus%' and c.relname not in ('nightpost_migrations', 'upkeep_tasks', 'body_groups')
  group by c.relname order by 1`

/** Where a body is differs: a distributed ledger has no groups. */
const LEFT_OUT = ['body', 'body_group', 'body_start', 'body_size']

/** The rows of each table. Column by column: to_jsonb of a row that a shard sends has no names. */
async function contents(db: TestDatabase, names: Iterable<string>): Promise<Map<string, string[]>> {
  const all = new Map<string, string[]>()
  for (const name of names) {
    const rows = await db.query(`select * from ${name}`)
    for (const row of name === 'deliveries' ? rows : []) for (const column of LEFT_OUT) delete row[column]
    all.set(name, rows.map((row) => JSON.stringify(row)).sort())
  }
  return all
}
