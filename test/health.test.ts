import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { type DatabaseAnswer, readinessOf } from '../src/ops/readiness.ts'
import { biomarker, inference, USER } from './setup/bodies.ts'
import { metricsOf } from './setup/metrics.ts'
import { setup, type TestService } from './setup/service.ts'

async function ready({ app }: TestService) {
  const answer = await app.inject('/health/ready')
  return { ...(answer.json() as { parts: Record<string, string> }), status: answer.statusCode }
}

const packageVersion: string = JSON.parse(
  readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'),
).version

const ok = { database: 'ok', schema: 'ok', queue: 'ok' }

it('reports ready if database, schema and queue are in order', async () => {
  const service = await setup()
  expect(await ready(service)).toEqual({ status: 200, version: packageVersion, parts: ok })
  const build = { version: packageVersion, node: process.versions.node }
  expect((await metricsOf(service.app)).get('nightpost_build_info', build)).toBe(1)
  await service.close()
})

it('reports a database that does not answer', async () => {
  const service = await setup()
  await service.db.drop()
  expect(await ready(service)).toMatchObject({
    status: 503,
    code: 'unavailable',
    version: packageVersion,
    parts: { ...ok, database: 'The database does not answer.' },
  })
  expect((await service.app.inject('/health/live')).statusCode).toBe(200)
  await service.app.close()
})

it('reports a schema that lacks a migration', async () => {
  const service = await setup()
  await service.db.query(`delete from nightpost_migrations where name = '0007_stored'`)
  expect(await ready(service)).toMatchObject({
    status: 503,
    parts: { ...ok, schema: 'The database lacks a migration.' },
  })
  await service.close()
})

it('reports a read-only database, and recovers when it is writable again', async () => {
  const service = await setup()
  const [{ name } = { name: '' }] = await service.db.query('select current_database() as name')
  const send = async (id: string) => (await service.sahha(biomarker({ id, category: 'c' }))).status
  expect(await send('before')).toBe(200)
  await service.db.query(`alter database ${name} set default_transaction_read_only = on`)
  // Existing connections keep their setting.
  expect([await send('existing'), (await ready(service)).status]).toEqual([200, 200])

  const reconnect = () =>
    service.db.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`)
  await reconnect()
  await expect
    .poll(() => ready(service), { interval: 600 })
    .toMatchObject({
      status: 503,
      parts: { ...ok, database: 'The database is read-only.' },
    })
  // As many concurrent deliveries as the pool has connections.
  const refused = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(send))
  expect(new Set(refused)).toEqual(new Set([503]))

  await service.db.query(`alter database ${name} reset default_transaction_read_only`)
  // A pooler's connections keep the settings that they started with until the pooler gets RECONNECT.
  if (process.env.TEST_POOLER) await reconnect()
  await expect.poll(async () => (await ready(service)).status, { interval: 600, timeout: 6000 }).toBe(200)
  expect(await Promise.all(['g', 'h', 'i'].map(send))).toEqual([200, 200, 200])
  await service.close()
})

it('reports a full queue, answers deliveries 503 with Retry-After, and recovers', async () => {
  const service = await setup({}, { writers: 1, waitingDeliveries: 3 })
  const holder = await service.db.lock('lock table deliveries in exclusive mode')
  const send = (n: number) => service.sahha(biomarker({ id: `full-${n}`, category: 'c' }))
  const first = send(0)
  await until(async () => (await metricsOf(service.app)).get('nightpost_writers_busy', {}) === 1)
  const waiting = [1, 2, 3].map(send)
  await until(async () => (await metricsOf(service.app)).get('nightpost_queue_deliveries', {}) === 3)

  expect(await ready(service)).toMatchObject({
    status: 503,
    parts: { ...ok, queue: 'Too many deliveries are waiting.' },
  })
  expect((await metricsOf(service.app)).get('nightpost_ready', { part: 'queue' })).toBe(0)
  const refused = await service.asleep(inference(), USER)
  expect(refused).toMatchObject({ status: 503, json: { code: 'unavailable' } })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)

  await holder.release()
  for (const { status } of await Promise.all([first, ...waiting])) expect(status).toBe(200)
  expect(await ready(service)).toMatchObject({ status: 200 })
  await service.close()
})

async function until(holds: () => Promise<boolean>) {
  for (let tries = 0; !(await holds()); tries += 1) {
    if (tries > 200) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

it('asks the database again only after it has answered', async () => {
  vi.useFakeTimers()
  const questions: Array<(said: DatabaseAnswer) => void> = []
  const readiness = readinessOf({
    askDatabase: () => new Promise((answer) => questions.push(answer)),
    schemaFault: () => null,
    queueFault: () => null,
  })
  const noAnswer = { database: 'The database does not answer.', schema: null, queue: null }
  const first = readiness()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await first).toEqual(noAnswer)
  expect(await readiness()).toEqual(noAnswer)
  expect(questions).toHaveLength(1)

  questions[0]?.({ fault: null, isCurrent: true })
  await vi.advanceTimersByTimeAsync(1000)
  const second = readiness()
  questions[1]?.({ fault: null, isCurrent: true })
  expect(await second).toEqual({ database: null, schema: null, queue: null })
  vi.useRealTimers()
})
