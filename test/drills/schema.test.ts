import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { readHypnogramFrom } from '../../src/cli/hypnogram.ts'
import { printed } from '../../src/cli/sql.ts'
import { readConfig } from '../../src/config/index.ts'
import { databaseOf } from '../../src/db/connect/database.ts'
import { connect } from '../../src/db/connect/pool.ts'
import { replay } from '../../src/replay/replay.ts'
import { readState } from '../../src/status/read.ts'
import { vendors } from '../../src/vendors/index.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { allRows, bare, fixtures, send } from '../setup/fixtures.ts'
import { guardedLog } from '../setup/log-guard.ts'
import { hasPooler, type Pooler, startPooler } from '../setup/pooler.ts'
import { environment, serviceOn, setup } from '../setup/service.ts'

const role = `schema_${randomBytes(4).toString('hex')}`
let isRole = false
let pooler: Pooler | undefined
const poolerUrl = async (url: string) => {
  pooler ??= await startPooler(inject('serverUrl'), 'transaction', { default_pool_size: 3 })
  return pooler.url(url)
}
const made: TestDatabase[] = []
afterAll(async () => {
  await pooler?.stop()
  const [last, ...others] = made.reverse()
  for (const db of others) await db.drop()
  if (isRole) await last?.query(`drop owned by ${role}; drop role ${role}`)
  await last?.drop()
})

/** Tables with the same names that must get no rows. */
const decoys = (schema: string) => `create schema if not exists ${schema};
  create table ${schema}.deliveries (like "Odd.".deliveries); create table ${schema}.scores (like "Odd.".scores);
  create table ${schema}.biomarkers (like "Odd.".biomarkers)`

describe.each([
  ['directly', async (url: string) => url],
  ...(hasPooler ? ([['behind a pooler in transaction mode', poolerUrl]] as const) : []),
] as const)('%s', (_name, way) => {
  it('reads and writes only the configured schema, although other schemas have tables with the same names', async () => {
    const db = await createDatabase()
    made.push(db)
    await db.query(`alter schema public rename to "Odd$"`)
    await db.query(decoys('public').replaceAll('Odd.', 'Odd$'))
    await db.query('set search_path = "Odd$"')
    const service = await serviceOn(
      { ...db, url: await way(db.direct), drop: async () => {} },
      { DATABASE_SCHEMA: 'Odd$' },
    )
    for (const fixture of fixtures) expect((await send(service, fixture)).json.outcome).toBe('stored')
    expect((await service.app.inject('/health/ready')).statusCode).toBe(200)
    const direct = await setup()
    for (const fixture of fixtures) await send(direct, fixture)
    const rows = await allRows(db)
    expect(bare(rows)).toEqual(bare(await allRows(direct.db)))
    await direct.close()

    const config = readConfig({ ...environment, DATABASE_SCHEMA: 'Odd$' })
    const database = databaseOf(config, service.db.url)
    const rebuilt = await replay({
      ...{
        databaseUrl: database.url,
        vendors,
        config,
        log: guardedLog,
        filter: {},
        all: true,
        dryRun: false,
      },
      ...{ signal: new AbortController().signal, progress: () => {} },
    })
    expect(rebuilt).toMatchObject({ deliveries: fixtures.length, failed: 0, changedRows: 0 })
    expect(await allRows(db)).toEqual(rows)
    const client = await connect(database, { name: 'nightpost status', use: 'read' })
    expect((await readState(client, vendors)).lastStored).not.toEqual([])
    await client.end()
    expect(await printed(database, 'select count(*) as all from deliveries')).toContain(`${fixtures.length}`)
    expect(await readHypnogramFrom(database, {})).not.toBeNull()
    expect(await db.query('select count(*) from public.deliveries')).toEqual([{ count: '0' }])
    await service.close()
  })

  it('a schema with the name of the role gets no rows', async () => {
    const db = await createDatabase()
    made.push(db)
    if (!isRole) await db.query(`create role ${role} login password 'secret'`)
    isRole = true
    await db.query(decoys(role).replaceAll('"Odd."', 'public'))
    await db.query(`grant all on schema public, ${role} to ${role};
      grant all on all tables in schema public, ${role} to ${role};
      grant create on database ${new URL(db.direct).pathname.slice(1)} to ${role}`)
    const url = new URL(db.direct)
    url.username = role
    url.password = 'secret'
    const service = await serviceOn({ ...db, url: await way(url.href), drop: async () => {} })
    for (const fixture of fixtures) expect((await send(service, fixture)).json.outcome).toBe('stored')
    expect(
      await db.query(`select (select count(*) from public.deliveries) as meant,
      (select count(*) from ${role}.deliveries) as caught`),
    ).toEqual([{ meant: `${fixtures.length}`, caught: '0' }])
    await service.close()
  })
})
