import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { connectToMigrate, migrate } from '../../src/db/migrate/migrate.ts'
import { runOnlineSteps } from '../../src/db/migrate/online/background.ts'
import { onlineSteps } from '../../src/db/migrate/online/steps.ts'
import { vendors } from '../../src/vendors/index.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { frozenDatabase } from '../setup/frozen.ts'
import { guardProcess } from '../setup/log-guard.ts'
import { built } from '../setup/program.ts'
import { setup } from '../setup/service.ts'

const steps = onlineSteps(vendors)

async function finish(db: TestDatabase): Promise<string[]> {
  const said: string[] = []
  const client = await connectToMigrate(db.direct)
  const log = { info: (text: string) => void said.push(text) }
  expect(await runOnlineSteps(client, { steps, log, quiet: 0 })).toEqual([])
  await client.end()
  return said
}

/** Starts a manual index build and cancels it while it waits for a transaction. The index stays, INVALID. */
async function leaveInvalid(db: TestDatabase, statement: string, table: string) {
  const holder = await db.lock(`lock table ${table} in row exclusive mode`)
  const client = await connectToMigrate(db.direct)
  await client.query(`set lock_timeout = '200ms'`)
  await expect(client.query(statement)).rejects.toMatchObject({ code: '55P03' })
  await client.end()
  await holder.release()
}

const invalid = (db: TestDatabase) =>
  db.query('select indexrelid::regclass::text as index from pg_index where not indisvalid order by 1')

it("rebuilds an INVALID index that an interrupted manual build left under the name of a migration's index", async () => {
  const db = await createDatabase()
  await db.query('drop index deliveries_not_stored_idx')
  await leaveInvalid(
    db,
    `create index concurrently deliveries_not_stored_idx on deliveries (delivery_id) where outcome <> 'stored'`,
    'deliveries',
  )
  // The migration has IF NOT EXISTS, so it accepts the invalid index.
  await db.query(`delete from nightpost_migrations where name = '0004_not_stored'`)
  await migrate(db.direct)
  expect(await invalid(db)).toEqual([{ index: 'deliveries_not_stored_idx' }])
  expect(await finish(db)).toEqual(['rebuilding invalid index deliveries_not_stored_idx'])
  expect(await invalid(db)).toEqual([])
  await db.drop()
})

it('waits for an index build that is running, and does not touch its index', async () => {
  const db = await createDatabase()
  await db.query('drop index deliveries_not_stored_idx')
  const holder = await db.lock('lock table deliveries in row exclusive mode')
  const builder = await connectToMigrate(db.direct)
  const building = builder.query(
    'create index concurrently deliveries_not_stored_idx on deliveries (delivery_id)',
  )
  await expect.poll(() => invalid(db)).toHaveLength(1)
  const finishing = finish(db)
  await new Promise((resolve) => setTimeout(resolve, 1500))
  await holder.release()
  await building
  await builder.end()
  expect(await finishing).toEqual([
    'rebuild invalid indexes waits for the index build that is running on table deliveries',
  ])
  expect(await invalid(db)).toEqual([])
  await db.drop()
})

it('drops the index that a killed REINDEX left', async () => {
  const db = await createDatabase()
  await leaveInvalid(db, 'reindex index concurrently deliveries_not_stored_idx', 'deliveries')
  expect(await invalid(db)).toEqual([{ index: 'deliveries_not_stored_idx_ccnew' }])
  expect(await finish(db)).toEqual([
    'dropping index deliveries_not_stored_idx_ccnew, which a failed REINDEX left',
  ])
  expect(await invalid(db)).toEqual([])
  await db.drop()
})

it('a service with an invalid index starts, becomes ready, and rebuilds the index', async () => {
  const service = await setup()
  await leaveInvalid(service.db, 'reindex index concurrently deliveries_not_stored_idx', 'deliveries')
  const again = await service.restart()
  expect((await again.inject('/health/ready')).statusCode).toBe(200)
  await expect.poll(() => invalid(service.db)).toEqual([])
  await service.close()
})

it('continues after a kill -9 during an index build', async () => {
  const db = await frozenDatabase('0.1.0')
  const holder = await db.lock('lock table data_logs in row exclusive mode')
  const child = spawn(process.execPath, [...built('cli/main'), 'migrate'], {
    ...{ cwd: tmpdir(), env: { PATH: process.env.PATH, DATABASE_URL: db.direct } },
  })
  guardProcess(child)
  const builders = () =>
    db.query(
      `select pid from pg_stat_activity where datname = current_database() and query like 'create unique index%'`,
    )
  await expect.poll(builders).toHaveLength(1)
  await expect.poll(() => invalid(db)).toHaveLength(1)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const [builder] = await builders()
  await db.query('select pg_terminate_backend($1::int)', [builder?.pid])
  await expect.poll(builders).toEqual([])
  await holder.release()
  expect(await invalid(db)).toEqual([{ index: 'data_logs_new_key_idx' }])
  expect(await finish(db)).toEqual([
    'rebuilding invalid index data_logs_new_key_idx',
    'data_logs has its new primary key: profile_id, data_type, id',
    'dropping index deliveries_stored_idx, which this version does not use',
    'recording the owners and sleep dates of earlier rows',
  ])
  await db.drop()
})

it('a failed migration stops the start with one readable message on stderr', async () => {
  const db = await createDatabase('template0')
  await db.query('create table scores (occupied int)')
  for (const program of [[...built('main')], [...built('cli/main'), 'migrate']]) {
    const child = spawn(process.execPath, program, {
      cwd: tmpdir(),
      env: { PATH: process.env.PATH, DATABASE_URL: db.direct, ASLEEP_API_KEYS: 'key', LOG_LEVEL: 'silent' },
    })
    guardProcess(child)
    let errors = ''
    child.stderr.on('data', (data) => {
      errors += data
    })
    expect(await once(child, 'close')).toEqual([1, null])
    expect(errors).toBe(
      'DATABASE_URL: Migration 0000_tables failed: relation "scores" already exists (SQLSTATE 42P07).\n',
    )
  }
  await db.drop()
})

it('a breaking migration of a newer version makes the service not ready, and it refuses deliveries', async () => {
  const service = await setup()
  const body = { profileId: 'p', externalId: 'u', dataType: 'steps', dataLogs: [{ id: 'a', value: 1 }] }
  const event = 'DataLogReceivedIntegrationEvent'
  const record = (name: string, breaking: string | null) =>
    service.db.query(`insert into nightpost_migrations values ($1, '', 9e12, now(), $2)`, [name, breaking])
  await record('9998_more', null)
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  expect((await service.app.inject('/health/ready')).statusCode).toBe(200)
  expect(await service.sahha(body, event)).toMatchObject({ status: 200 })
  await record('9999_other', 'deliveries are partitioned.')
  await expect
    .poll(async () => (await service.app.inject('/health/ready')).json().detail)
    .toBe(
      'The database has migration 9999_other of a newer version. This version can not use it: deliveries are partitioned.',
    )
  expect(await service.sahha({ ...body, dataType: 'other' }, event)).toMatchObject({ status: 503 })
  const again = await service.restart()
  expect((await again.inject('/health/ready')).statusCode).toBe(503)
  await service.close()
})
