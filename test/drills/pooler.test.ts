import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { readHypnogramFrom } from '../../src/cli/hypnogram.ts'
import { printed } from '../../src/cli/sql.ts'
import { readConfig } from '../../src/config/index.ts'
import { connect, createPool } from '../../src/db/connect/pool.ts'
import { poolingOf } from '../../src/db/connect/pooling.ts'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { freePort } from '../../src/embedded/index.ts'
import { replay } from '../../src/replay/replay.ts'
import { readState } from '../../src/status/read.ts'
import { vendors } from '../../src/vendors/index.ts'
import { biomarker } from '../setup/bodies.ts'
import { createDatabase } from '../setup/database.ts'
import { allRows, bare, fixtures, send } from '../setup/fixtures.ts'
import { guardedLog } from '../setup/log-guard.ts'
import { hasPooler, keepsStatements, type Pooler, type PoolMode, startPooler } from '../setup/pooler.ts'
import { environment, setup, type TestService } from '../setup/service.ts'

if (!hasPooler) process.stderr.write('No pgbouncer is installed: the tests behind one are left out.\n')

/** Server connections. In transaction mode fewer than Nightpost opens. */
const sizes = { session: 30, transaction: 3, statement: 3 }

describe.runIf(hasPooler).each(['session', 'transaction'] as const)('behind PgBouncer in %s mode', (mode) => {
  let pooler: Pooler
  beforeAll(async () => {
    pooler = await startPooler(inject('serverUrl'), mode, { default_pool_size: sizes[mode] })
  })
  afterAll(() => pooler.stop())

  let service: TestService
  let close = async () => {}
  afterEach(() => close())
  const start = async (overrides = {}) => {
    service = await setup(overrides, {}, pooler.url)
    close = async () => {
      close = async () => {}
      await service.close()
    }
    return service
  }
  const ready = async () => (await service.app.inject('/health/ready')).statusCode

  it('stores every fixture as without a pooler, and counts repeats as duplicates', async () => {
    await start()
    const direct = await setup()
    for (const fixture of fixtures) {
      expect((await send(direct, fixture)).json.outcome).toBe('stored')
      expect((await send(service, fixture)).json.outcome).toBe('stored')
    }
    expect(bare(await allRows(service.db))).toEqual(bare(await allRows(direct.db)))
    await direct.close()

    const again = await Promise.all(fixtures.map((fixture) => send(service, fixture)))
    expect(new Set(again.map(({ json }) => json.outcome))).toEqual(new Set(['duplicate']))
    const many = Array.from({ length: 60 }, (_, n) =>
      service.sahha(biomarker({ id: `many-${n}`, category: 'c' })),
    )
    expect(new Set((await Promise.all(many)).map(({ json }) => json.outcome))).toEqual(new Set(['stored']))
    expect(await ready()).toBe(200)
  })

  it("every statement and transaction has Nightpost's settings, whatever the defaults of the database", async () => {
    const db = await createDatabase()
    const [{ name } = { name: '' }] = await db.query('select current_database() as name')
    await db.query(`alter database ${name} set synchronous_commit = off;
      alter database ${name} set default_transaction_isolation = serializable;
      alter database ${name} set statement_timeout = '1min'; alter database ${name} set search_path = nowhere`)
    const pool = createPool(pooler.url(db.direct), guardedLog)
    const question = `select current_setting('synchronous_commit') as commit, current_setting('statement_timeout') as time,
      current_setting('lock_timeout') as lock, current_setting('transaction_isolation') as isolation, current_setting('jit') as jit,
      count(*)::int as found from deliveries`
    const found = await Promise.all(
      Array.from({ length: 30 }, async () => (await pool.query(question)).rows[0]),
    )
    expect(new Set(found.map((row) => JSON.stringify(row)))).toEqual(
      new Set([
        JSON.stringify({
          ...{ commit: 'on', time: '15s', lock: '1100ms', isolation: 'read committed', jit: 'off', found: 0 },
        }),
      ]),
    )
    await pool.end()
    await db.drop()
  })

  it('executes statements while server connections are lost faster than a detection takes', async () => {
    const db = await createDatabase()
    const warnings: string[] = []
    const log = { warn: (_: object, message: string) => warnings.push(message) }
    const pool = createPool(pooler.url(db.direct), log as never)
    // On a busy machine no statement ends within 30 ms, so the time between two losses grows until one does.
    let pause = 30
    const end = new AbortController()
    const killing = (async () => {
      while (!end.signal.aborted) {
        await sleep(pause)
        await db
          .query(
            `select pg_terminate_backend(pid) from pg_stat_activity
             where pid <> pg_backend_pid() and datname = current_database()`,
          )
          .catch(() => {})
      }
    })()
    const question = `select current_setting('statement_timeout') as limit, current_setting('search_path') as path`
    const found: string[] = []
    for (let tries = 0; tries < 2_000 && found.length < 10; tries += 1) {
      const result = await pool.query(question).catch(() => null)
      if (result) found.push(JSON.stringify(result.rows[0]))
      else pause += 0.1
    }
    end.abort()
    await killing
    expect(new Set(found)).toEqual(new Set([JSON.stringify({ limit: '15s', path: '"public", pg_temp' })]))
    expect(found).toHaveLength(10)
    await expect
      .poll(() =>
        pool
          .query(question)
          .then(() => true)
          .catch(() => false),
      )
      .toBe(true)
    warnings.length = 0
    await Promise.all(Array.from({ length: 12 }, () => pool.query(question)))
    expect(warnings).not.toContain('the pooling mode could not be detected')
    await pool.end()
    await db.drop()
  })

  it('returns 503 for a delivery whose row is locked, and stores the others', async () => {
    await start()
    const one = biomarker({ id: 'held', category: 'c' })
    await service.sahha(one)
    const holder = await service.db.lock(`select from biomarkers where id = 'held' for update`)
    const [held, free] = await Promise.all([
      service.sahha(biomarker({ id: 'held', category: 'newer' })),
      service.sahha(biomarker({ id: 'free', category: 'c' })),
    ])
    expect([held.status, free.status]).toEqual([503, 200])
    await holder.release()
    expect((await service.sahha(biomarker({ id: 'held', category: 'newer' }))).status).toBe(200)
  })

  it('loses no acknowledged delivery when all server connections are lost', async () => {
    await start()
    await service.sahha(biomarker({ id: 'before', category: 'c' }))
    const sent = Array.from({ length: 200 }, (_, n) => `lost-${n}`)
    const acked: string[] = []
    const sending = Promise.all(
      sent.map(async (id, n) => {
        await new Promise((resolve) => setTimeout(resolve, n * 4))
        if ((await service.sahha(biomarker({ id, category: 'c' }))).status === 200) acked.push(id)
      }),
    )
    for (let kills = 0; kills < 4; kills += 1) {
      await new Promise((resolve) => setTimeout(resolve, 150))
      await service.db.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and application_name = 'nightpost'`)
    }
    await sending
    const stored = await service.db.query('select id from biomarkers')
    const ids = new Set(stored.map(({ id }) => id))
    expect(acked.filter((id) => !ids.has(id))).toEqual([])
    await expect.poll(ready, { interval: 600 }).toBe(200)
    expect((await service.sahha(biomarker({ id: 'after', category: 'c' }))).status).toBe(200)
  })

  it('quarantine, replay and the read commands work', async () => {
    await start({ SAHHA_WEBHOOK_SECRETS: 'wrong', QUARANTINE_UNVERIFIED_MAX_BYTES: '1000000' })
    for (const fixture of fixtures) await send(service, fixture)
    const config = readConfig(environment)
    const common = { databaseUrl: service.db.url, vendors, config, log: guardedLog, dryRun: false }
    const signal = new AbortController().signal
    const recovered = await replay({
      ...common,
      ...{ filter: { outcomes: ['unverified'] }, all: false, signal, progress: () => {} },
    })
    const ofSahha = fixtures.filter(({ vendor }) => vendor === 'sahha').length
    expect(Object.fromEntries(recovered.transitions)).toEqual({ 'unverified → stored': ofSahha })
    const before = await allRows(service.db)
    const rebuilt = await replay({ ...common, filter: {}, all: true, signal, progress: () => {} })
    expect(rebuilt.changedRows).toBe(0)
    expect(await allRows(service.db)).toEqual(before)

    const client = await connect(service.db.url, { name: 'nightpost status', use: 'read' })
    const state = await readState(client, vendors)
    expect(state.recent.reduce((sum, { day }) => sum + day, 0)).toBe(fixtures.length)
    await expect(client.query('delete from biomarkers')).rejects.toThrow(/read-only/)
    await client.end()
    expect(await printed(service.db.url, 'select count(*) from biomarkers')).toContain('1 row')
    expect(await readHypnogramFrom(service.db.url, {})).not.toBeNull()
  })

  it('the mode is detected, also while other clients use the pool', async () => {
    const db = await createDatabase()
    const others = await Promise.all(
      [1, 2].map(() => connect(pooler.url(db.direct), { name: 'other', use: 'read' })),
    )
    let isOver = false
    const busy = others.map(async (other) => {
      while (!isOver) await other.query('select pg_sleep(0.002)')
    })
    const expected = mode === 'transaction' ? { mode, keepsStatements } : { mode }
    const found = await Promise.all([1, 2, 3, 4].map(() => poolingOf(pooler.url(db.direct))))
    expect(found).toEqual(found.map(() => expected))
    isOver = true
    await Promise.all(busy)
    await Promise.all(others.map((other) => other.end()))
    await db.drop()
  })

  it(mode === 'session' ? 'migrates' : 'refuses to migrate and names MIGRATE_DATABASE_URL', async () => {
    const db = await createDatabase('template0')
    const migrating = migrate(pooler.url(db.direct))
    if (mode === 'transaction') await expect(migrating).rejects.toThrow('MIGRATE_DATABASE_URL')
    else await migrating
    const database = {
      url: pooler.url(db.direct),
      directUrl: db.direct,
      schema: 'public',
      pooling: 'auto' as const,
    }
    await migrate(database)
    // No migration is missing, so no direct connection is needed.
    await migrate(database.url)
    await db.drop()
  })
})

it.runIf(hasPooler)('detects without a restart that a pooler came back in another mode', async () => {
  const port = await freePort(0)
  const begin = (mode: PoolMode) =>
    startPooler(inject('serverUrl'), mode, { default_pool_size: sizes[mode], listen_port: port })
  const session = await begin('session')
  const service = await setup({}, {}, session.url)
  const [{ name } = { name: '' }] = await service.db.query('select current_database() as name')
  await service.db.query(`alter database ${name} set search_path = nowhere`)
  expect((await service.sahha(biomarker({ id: 'session', category: 'c' }))).status).toBe(200)
  await session.stop()
  const transaction = await begin('transaction')
  const ready = async () => (await service.app.inject('/health/ready')).statusCode
  await expect.poll(ready, { interval: 600 }).toBe(200)
  const many = Array.from({ length: 60 }, (_, n) => service.sahha(biomarker({ id: `${n}`, category: 'c' })))
  expect(new Set((await Promise.all(many)).map(({ status }) => status))).toEqual(new Set([200]))
  expect(await ready()).toBe(200)
  await service.close()
  await transaction.stop()
})

it.runIf(hasPooler)('refuses a pooler in statement mode, with the reason', async () => {
  const pooler = await startPooler(inject('serverUrl'), 'statement' satisfies PoolMode, {
    default_pool_size: sizes.statement,
  })
  const db = await createDatabase()
  await expect(poolingOf(pooler.url(db.direct))).rejects.toThrow('The pooler is in statement mode')
  await db.drop()
  await pooler.stop()
})

it('detects session mode on a direct connection', async () => {
  expect(await poolingOf(inject('serverUrl'))).toEqual({ mode: 'session' })
})
