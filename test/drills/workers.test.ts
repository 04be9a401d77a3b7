import { mkdtempSync, rmSync } from 'node:fs'
import { Agent } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { warnOfFewConnections } from '../../src/db/connect/room.ts'
import type { ServiceStatus } from '../../src/ops/status-route.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { guardSecret } from '../setup/log-guard.ts'
import { endOf, send, startLoad, startWorkers, type Workers } from '../setup/workers.ts'

const KEY = 'workers-test-key'
const directory = mkdtempSync(join(tmpdir(), 'nightpost-workers-'))

/** Each test starts and ends processes. */
const SLOW = { timeout: 120_000 }

let db: TestDatabase
const all: Workers[] = []
beforeAll(async () => {
  guardSecret(KEY)
  db = await createDatabase()
})
afterAll(async () => {
  for (const { child } of all) if (child.exitCode === null) child.kill('SIGKILL')
  await db.drop()
  rmSync(directory, { recursive: true })
})

async function start(settings: Record<string, string> = {}): Promise<Workers> {
  const workers = await startWorkers(directory, { DATABASE_URL: db.url, SAHHA_API_KEYS: KEY, ...settings })
  all.push(workers)
  return workers
}

const later = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const lost = (acked: string[]) =>
  db.query('select id from unnest($1::text[]) as acked(id) except select id from biomarkers', [acked])

/** The sum of a metric's samples. */
async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const samples = [...text.matchAll(new RegExp(`^${name}(?:{.*})? (\\S+)$`, 'gm'))]
  return samples.reduce((sum, [, value]) => sum + Number(value), 0)
}

const ready = async (port: number) => (await fetch(`http://127.0.0.1:${port}/health/ready`)).status

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Those that are still alive after a while: a process that ended is there until it is reaped. */
async function left(pids: number[]): Promise<number[]> {
  for (let tries = 0; tries < 200 && pids.some(isAlive); tries += 1) await later(50)
  return pids.filter(isAlive)
}

describe('two workers', () => {
  let workers: Workers
  beforeAll(async () => {
    workers = await start({
      RATE_LIMIT_PER_CREDENTIAL: '60',
      CONSOLE_TOKEN: 'a-token-for-this-test',
      CONSOLE_PORT: '0',
    })
  }, SLOW.timeout)

  it('get the same number of connections, and keep them', async () => {
    const agents = Array.from({ length: 10 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
    for (const round of [1, 2, 3]) {
      for (const [at, agent] of agents.entries())
        expect(await send(workers.port, `spread-${round}-${at}`, { agent, key: KEY })).toBe(200)
    }
    for (const agent of agents) agent.destroy()
    await later(100)
    const served = workers.lines.flatMap(({ status, worker }) => (status === 200 ? worker : []))
    expect([1, 2].map((worker) => served.filter((each) => each === worker).length)).toEqual([15, 15])
  })

  it('show their sums in /metrics and in /status, whoever answers', async () => {
    for (const _ of [1, 2]) {
      expect(await metric(workers.port, 'nightpost_deliveries_total')).toBe(30)
      expect(await metric(workers.port, 'nightpost_group_deliveries_sum')).toBe(30)
      expect(await metric(workers.port, 'nightpost_workers')).toBe(2)
      expect(await metric(workers.port, 'nightpost_queue_limit_deliveries')).toBe(10_000)
      expect(await metric(workers.port, 'nightpost_silence_seconds')).toBeLessThan(30)
      expect(await metric(workers.port, 'nightpost_ready')).toBe(3)
    }
    for (const _ of [1, 2, 3]) await send(workers.port, 'refused', { agent: new Agent(), key: 'not the key' })
    const answer = await fetch(`http://127.0.0.1:${workers.port}/status`)
    const status = (await answer.json()) as ServiceStatus
    expect(status.refused).toMatchObject([{ vendor: 'sahha', reason: 'x-api-key wrong', count: 3 }])
    expect(status.parts).toEqual({ database: 'ok', schema: 'ok', queue: 'ok' })
  })

  it('count together for the rate limits', async () => {
    const agent = new Agent({ keepAlive: true })
    const statuses = await Promise.all(
      Array.from({ length: 60 }, (_, n) => send(workers.port, `limited-${n}`, { agent, key: KEY })),
    )
    agent.destroy()
    // 30 of this minute were sent by the test before.
    expect(statuses.filter((status) => status === 200)).toHaveLength(30)
    expect(statuses.filter((status) => status === 429)).toHaveLength(30)
  })

  it('have one console, and one set of connections for it', async () => {
    const listening = workers.lines.filter(({ msg }) => msg.startsWith('Server listening at'))
    expect(listening.map(({ worker }) => worker).sort()).toEqual([1, 1, 2])
  })

  it('end when their supervisor is killed', SLOW, async () => {
    const pids = workers.pids()
    await endOf(workers, 'SIGKILL')
    expect(await left(pids)).toEqual([])
  })
})

describe('under load', () => {
  let workers: Workers
  beforeAll(async () => {
    workers = await start({ SHUTDOWN_DELAY_SECONDS: '1' })
  }, SLOW.timeout)

  it(
    'kill -9 of a worker loses no acknowledged delivery, and the worker is started again',
    SLOW,
    async () => {
      const { acked, stop } = startLoad(workers.port, 'killed', KEY, { senders: 16 })
      while (acked().length < 50) await later(50)
      const before = await metric(workers.port, 'nightpost_deliveries_total')
      process.kill(workers.pids()[1] as number, 'SIGKILL')
      await later(200)
      expect(await ready(workers.port)).toBe(200)
      expect(await metric(workers.port, 'nightpost_deliveries_total')).toBeGreaterThanOrEqual(before)
      await workers.listened(3)
      await later(300)
      await stop()
      expect(await lost(acked())).toEqual([])
      expect(await metric(workers.port, 'nightpost_worker_deaths_total')).toBe(1)
      expect(await metric(workers.port, 'nightpost_workers')).toBe(2)
    },
  )

  it('SIGHUP replaces all workers, and every delivery is answered 200 or 503', SLOW, async () => {
    const { answers, acked, stop } = startLoad(workers.port, 'rolling', KEY, { pause: 15 })
    const before = workers.pids()
    workers.child.kill('SIGHUP')
    await workers.listened(before.length + 1)
    expect(await ready(workers.port)).toBe(200)
    await workers.listened(before.length + 2)
    expect(await left(before)).toEqual([])
    await stop()
    expect([...new Set(answers.values())].filter((status) => status !== 200 && status !== 503)).toEqual([])
    expect(await lost(acked())).toEqual([])
    // What the former workers counted is still in the sum.
    expect(await metric(workers.port, 'nightpost_deliveries_total')).toBeGreaterThan(acked().length)
  })

  it(
    'SIGTERM first reports that the service is not ready, then ends all, also those that start',
    SLOW,
    async () => {
      const { answers, acked, stop } = startLoad(workers.port, 'ending', KEY, { pause: 5 })
      workers.child.kill('SIGHUP')
      await later(300)
      const ending = endOf(workers, 'SIGTERM')
      await later(300)
      expect([await ready(workers.port), await ready(workers.port)]).toEqual([503, 503])
      const sofar = answers.size
      await later(200)
      expect(answers.size).toBeGreaterThan(sofar)
      expect(await ending).toBe(0)
      await stop()
      expect(await lost(acked())).toEqual([])
    },
  )
})

it('the start warns if the server has too few connections for the workers', async () => {
  const warnings: unknown[] = []
  const log = { warn: (fields: unknown) => warnings.push(fields) } as never
  await warnOfFewConnections(db.url, 2, log)
  await warnOfFewConnections(db.url, 64, log)
  expect(warnings).toMatchObject([{ workers: 64, needed: 261 }])
})

describe('a supervisor', () => {
  it('ends at once with a second SIGTERM, and so do its workers', SLOW, async () => {
    const workers = await start()
    const holder = await db.lock('lock table deliveries in exclusive mode')
    const answer = send(workers.port, 'held', { agent: new Agent(), key: KEY })
    await later(300)
    const ending = endOf(workers, 'SIGTERM')
    await later(300)
    expect(workers.child.exitCode).toBe(null)
    workers.child.kill('SIGTERM')
    expect(await ending).toBe(1)
    expect(await left(workers.pids())).toEqual([])
    expect(await answer).toBe(0)
    await holder.release()
  })

  it('explains once why no worker can start', SLOW, async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as { port: number }
    const failure = start({ PORT: `${port}` }).then(
      () => '',
      (error) => String(error),
    )
    expect((await failure).match(/PORT: \d+ is in use/g)).toHaveLength(1)
    taken.close()
  })
})
