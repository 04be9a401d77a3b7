import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/index.ts'
import { connectToMigrate, migrate } from '../../src/db/migrate/migrate.ts'
import { runOnlineSteps } from '../../src/db/migrate/online/background.ts'
import { OnlineRunner, onlineSteps } from '../../src/db/migrate/online/steps.ts'
import { hasKey } from '../../src/db/write/former-key.ts'
import { replay } from '../../src/replay/replay.ts'
import { startService } from '../../src/service.ts'
import { vendors } from '../../src/vendors/index.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { allRows } from '../setup/fixtures.ts'
import { catalogue, frozenDatabase, frozenStatements, versions } from '../setup/frozen.ts'
import { guardedLog, guardRequest } from '../setup/log-guard.ts'
import { environment, signed } from '../setup/service.ts'

const log = { info: () => {} }
const steps = onlineSteps(vendors)
const config = readConfig(environment)

/** Executes all online steps, without waiting for version 0.1.0. */
async function finish(db: TestDatabase) {
  const client = await connectToMigrate(db.direct)
  try {
    return await runOnlineSteps(client, { steps, log, quiet: 0 })
  } finally {
    await client.end()
  }
}

const NEW_KEY = ['profile_id', 'data_type', 'id']
const OLD_KEY = ['profile_id', 'id']
const keyIs = async (db: TestDatabase, columns: string[]) => {
  const client = await connectToMigrate(db.direct)
  const is = await hasKey(client, 'data_logs', columns)
  await client.end()
  return is
}

const rebuildAll = (databaseUrl: string) =>
  replay({
    ...{ databaseUrl, vendors, config, log: guardedLog, filter: {}, all: true, dryRun: false },
    ...{ signal: new AbortController().signal, progress: () => {} },
  })

const LATEST_OF_0_1_0 = 1_795_332_913_718
/** The query by which version 0.1.0 checks that the schema is current. */
const isCurrentFor010 = async (db: TestDatabase) => {
  const [row] = await db.query('select max(created_at)::text as latest from drizzle.__drizzle_migrations')
  return Number(row?.latest ?? 0) >= LATEST_OF_0_1_0
}

describe.each(versions)('the schema of version %s', (version) => {
  it('is upgraded to the schema of a new database, with its rows', async () => {
    const [db, fresh] = [await frozenDatabase(version), await createDatabase()]
    const ledger = (bodies = 'deliveries') =>
      db.query(
        `select d.owner, d.vendor, encode(body_digest, 'hex') as digest, delivery_id, event, user_id, authenticated_by, outcome,
           problem, b.body, headers, d.received_at, last_received_at, times_received, normaliser_version
         from deliveries as d join (select delivery_id, body from ${bodies}) as b using (delivery_id) order by delivery_id`,
      )
    const before = { rows: await allRows(db), ledger: await ledger() }
    expect(Object.entries(before.rows).filter(([, rows]) => rows.length === 0)).toEqual([])
    await migrate(db.direct)
    // The columns that are new since, without a value or with one that an online step fills in.
    const formerColumns = async () =>
      Object.fromEntries(
        Object.entries(await allRows(db)).map(([table, rows]) => [
          table,
          (rows as object[]).map(
            ({
              sleep_date,
              pulled_at,
              has_moved,
              ...others
            }: {
              sleep_date?: unknown
              pulled_at?: unknown
              has_moved?: unknown
            }) => others,
          ),
        ]),
      )
    expect(await formerColumns()).toEqual(before.rows)
    expect(await finish(db)).toEqual([])
    expect({ rows: await formerColumns(), ledger: await ledger('delivery_bodies') }).toEqual(before)
    // What is filled in is what the normalisers and the writer would have stored.
    const people = () =>
      Promise.all([
        db.query('select user_id, session_id, sleep_date from sleep_sessions order by 1, 2'),
        db.query('select owner, vendor, user_id, first_received_at from owners order by 1, 2'),
      ])
    const filled = await people()
    expect(await db.query('select count(*) from sleep_sessions where sleep_date is not null')).not.toEqual([
      { count: '0' },
    ])
    await db.query('delete from owners; update sleep_sessions set sleep_date = null')
    await rebuildAll(db.direct)
    expect(await people()).toEqual(filled)
    expect(await catalogue(db)).toEqual(await catalogue(fresh))
    await db.drop()
    await fresh.drop()
  })
})

const WAITS = [1, 2, 3].map(() => ({ waitsFor: expect.stringMatching(/^1 s more/) }))

describe('a rolling update from version 0.1.0', () => {
  it('lets version 0.1.0 write until it is replaced, then makes it not ready', async () => {
    const db = await frozenDatabase('0.1.0')
    await migrate(db.direct)
    const former = new pg.Client({ connectionString: db.direct, application_name: 'nightpost' })
    await former.connect()
    const write = async () => {
      await db.query(
        'delete from deliveries; delete from data_logs; delete from scores; delete from sleep_sessions',
      )
      for (const statement of frozenStatements('0.1.0')) await former.query(statement)
    }
    await write()
    expect(await db.query('select value from data_logs order by 1')).toEqual([{ value: '79' }])
    expect(await isCurrentFor010(db)).toBe(true)

    // Only indexes are built, because version 0.1.0 is connected.
    const client = await connectToMigrate(db.direct)
    const said: string[] = []
    const runner = new OnlineRunner({ steps, log: { info: (text) => void said.push(text) }, quiet: 0 })
    expect(await runner.pass(client)).toEqual([
      { name: 'key of data_logs', waitsFor: 'version 0.1.0, which has 1 connections' },
      { name: 'drop index deliveries_stored_idx', waitsFor: 'version 0.1.0, which has 1 connections' },
      {
        name: 'owners and sleep dates of earlier rows',
        waitsFor: 'version 0.1.0, which has 1 connections',
      },
    ])
    expect(said).toEqual([
      'building the index of the change feed',
      'building index sleep_sessions_sleep_date_idx',
      'building index scores_local_date_idx',
      'building index biomarkers_day_idx',
      'building index biomarkers_profile_day_idx',
      'building index owners_person_hash_idx',
      'building index owners_change_idx',
      'building index sleep_sessions_moved_idx',
      'building index scores_moved_idx',
      'building index biomarkers_moved_idx',
      'building the index of the new primary key of data_logs: profile_id, data_type, id',
    ])
    await write()
    expect(await keyIs(db, OLD_KEY)).toBe(true)

    await former.end()
    await expect.poll(() => runner.pass(client)).toEqual([])
    expect(await keyIs(db, NEW_KEY)).toBe(true)
    expect(await isCurrentFor010(db)).toBe(false)
    await client.end()
    await db.drop()
  })

  it('waits until version 0.1.0 had no connection for a while, because an idle replica has none', async () => {
    const db = await frozenDatabase('0.1.0')
    await migrate(db.direct)
    const client = await connectToMigrate(db.direct)
    const runner = new OnlineRunner({ steps, log, quiet: 500 })
    expect(await runner.pass(client)).toMatchObject(WAITS)
    const former = new pg.Client({ connectionString: db.direct, application_name: 'nightpost' })
    await former.connect()
    await runner.pass(client)
    await former.end()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await runner.pass(client)).toMatchObject(WAITS)
    await expect.poll(() => runner.pass(client)).toEqual([])
    await client.end()
    await db.drop()
  })
})

describe('the key of data_logs', () => {
  const pressure = (type: string, value: number, id = 'pressure-2') => ({
    ...{ logType: 'heart', dataType: `blood_pressure_${type}`, profileId: 'profile-2', externalId: 'user-2' },
    ...{ receivedAtUtc: '2025-01-22T10:00:00Z', dataLogs: [{ id, value, unit: 'mmHg' }] },
  })
  const rows = (db: TestDatabase, profile = 'profile-2') =>
    db.query(`select data_type, value from data_logs where profile_id = '${profile}' order by 1`)
  const BOTH = [
    { data_type: 'blood_pressure_diastolic', value: '79' },
    { data_type: 'blood_pressure_systolic', value: '121' },
  ]

  it('changes while a service accepts deliveries, and replay --all restores overwritten rows', async () => {
    const db = await frozenDatabase('0.1.0')
    const { app } = await startService(config, db.direct, guardedLog)
    const post = async (...bodies: object[]) => {
      const answers = await Promise.all(
        bodies.map((body) => {
          const payload = JSON.stringify(body)
          const headers = {
            'content-type': 'application/json',
            'x-external-id': 'user-2',
            ...signed(payload),
          }
          guardRequest(headers, Buffer.from(payload))
          return app.inject({ method: 'POST', url: '/webhooks/sahha', headers, payload })
        }),
      )
      return answers.map((answer) => answer.json().outcome)
    }
    const pending = async () =>
      /^nightpost_online_steps_pending (\d+)$/m.exec((await app.inject('/metrics')).body)?.[1]

    expect(await keyIs(db, OLD_KEY)).toBe(true)
    // In one group, whose rows must not contain the previous primary key twice.
    expect(await post(pressure('systolic', 121), pressure('diastolic', 79))).toEqual(['stored', 'stored'])
    expect(await rows(db)).toHaveLength(1)
    await expect.poll(pending).toBe('3')
    expect((await app.inject('/health/ready')).statusCode).toBe(200)

    await expect.poll(() => finish(db), { interval: 500 }).toEqual([])
    expect(await post(pressure('systolic', 130, 'b'), pressure('diastolic', 80, 'b'))).toEqual([
      'stored',
      'stored',
    ])
    expect(await rows(db)).toHaveLength(3)
    await expect.poll(pending).toBe('0')

    await rebuildAll(db.direct)
    // A delivery that 0.1.0 rejected because of one value with a wrong type is stored without that value.
    expect(await rows(db, 'profile-1')).toEqual([...BOTH, { data_type: 'steps', value: null }])
    expect(await rows(db)).toHaveLength(4)
    await app.close()
    await db.drop()
  })

  it('is the new one at once on a new database', async () => {
    const db = await createDatabase()
    expect(await keyIs(db, NEW_KEY)).toBe(true)
    expect(await finish(db)).toEqual([])
    await db.drop()
  })
})
