import { expect, it, vi } from 'vitest'
import { readinessOf } from '../src/ops/health.ts'
import { biomarker, inference, USER } from './setup/bodies.ts'
import { metricsOf } from './setup/metrics.ts'
import { setup, type TestService } from './setup/service.ts'

async function ready({ app }: TestService) {
  const answer = await app.inject('/health/ready')
  return { ...(answer.json() as { parts: Record<string, string> }), status: answer.statusCode }
}

const ok = { database: 'ok', schema: 'ok', queue: 'ok' }

it('is ready when database, schema and queue are in order', async () => {
  const service = await setup()
  expect(await ready(service)).toEqual({ status: 200, parts: ok })
  await service.close()
})

it('says that the database does not answer', async () => {
  const service = await setup()
  await service.db.drop()
  expect(await ready(service)).toMatchObject({
    status: 503,
    code: 'unavailable',
    parts: { ...ok, database: 'The database does not answer.' },
  })
  expect((await service.app.inject('/health/live')).statusCode).toBe(200)
  await service.app.close()
})

it('says that the schema is not current', async () => {
  const service = await setup()
  await service.db.query(`delete from nightpost_migrations where name = '0007_stored'`)
  expect(await ready(service)).toMatchObject({
    status: 503,
    parts: { ...ok, schema: 'The database lacks a migration.' },
  })
  await service.close()
})

it('says that the queue is full, answers 503 with Retry-After meanwhile, and recovers by itself', async () => {
  const service = await setup({}, { writers: 1, waitingDeliveries: 3 })
  const holder = await service.db.hold('lock table deliveries in exclusive mode')
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

it('asks the database one question at a time, however long the answer takes', async () => {
  vi.useFakeTimers()
  const questions: Array<(isCurrent: boolean) => void> = []
  const readiness = readinessOf(
    () => new Promise((answer) => questions.push(answer)),
    () => null,
  )
  const noAnswer = { database: 'The database does not answer.', schema: null, queue: null }
  const first = readiness()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await first).toEqual(noAnswer)
  expect(await readiness()).toEqual(noAnswer)
  expect(questions).toHaveLength(1)

  questions[0]?.(true)
  await vi.advanceTimersByTimeAsync(1000)
  const second = readiness()
  questions[1]?.(true)
  expect(await second).toEqual({ database: null, schema: null, queue: null })
  vi.useRealTimers()
})
