import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readConfig } from '../../src/config/index.ts'
import { Clock } from '../../src/ingest/clock.ts'
import { newArrival } from '../../src/ingest/delivery.ts'
import { replay } from '../../src/replay/replay.ts'
import { faultsOf } from '../../src/status/faults.ts'
import { readState } from '../../src/status/read.ts'
import { askService } from '../../src/status/service.ts'
import { vendors } from '../../src/vendors/index.ts'
import { biomarker, session, USER } from '../setup/bodies.ts'
import { guardProcess, guardRequest } from '../setup/log-guard.ts'
import { metricsOf } from '../setup/metrics.ts'
import { built } from '../setup/program.ts'
import { ASLEEP_KEY, environment, setup, type TestService } from '../setup/service.ts'

let service: TestService
const started: ChildProcess[] = []
beforeEach(async () => {
  service = await setup()
})
afterEach(async () => {
  for (const child of started.splice(0)) await stop(child)
  await service.close()
})

/** Another replica, whose machine's clock is wrong by a number of milliseconds. */
async function replica(shift: number): Promise<{ url: string; child: ChildProcess }> {
  const preload = `const now = Date.now
    globalThis.Date = class extends Date {
      constructor(...given) { given.length > 0 ? super(...given) : super(now() + ${shift}) }
      static now() { return now() + ${shift} }
    }`
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(preload)}`, ...built('main')],
    { env: { PATH: process.env.PATH, DATABASE_URL: service.db.url, PORT: '0', ...environment } },
  )
  started.push(child)
  guardProcess(child)
  let output = ''
  child.stdout.on('data', (data) => {
    output += data
  })
  await expect.poll(() => output, { timeout: 60_000 }).toContain('listens on')
  return { url: /listens on (\S+)/.exec(output)?.[1] ?? '', child }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}

/** The delivery of one night. `state` identifies the analysis. */
async function analysed(url: string, state: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json', 'x-api-key': ASLEEP_KEY, 'x-user-id': USER }
  const body = JSON.stringify(session({ state }))
  guardRequest(headers, Buffer.from(body))
  const answer = await fetch(`${url}/webhooks/asleep`, { method: 'POST', headers, body })
  return ((await answer.json()) as { outcome: string }).outcome
}

const states = async () =>
  (await service.db.query('select state from sleep_sessions')).map(({ state }) => state)

describe('replicas whose clocks differ', () => {
  it('agree on the last analysis of a night, also after a restart with a slow clock', async () => {
    const right = await service.app.listen({ port: 0, host: '127.0.0.1' })
    const ahead = await replica(90_000)
    expect(await analysed(ahead.url, 'first')).toBe('stored')
    expect(await analysed(right, 'second')).toBe('stored')
    expect(await states()).toEqual(['second'])

    const { skew } = await askService(ahead.url, undefined)
    expect(skew).toBeGreaterThan(89)
    expect(skew).toBeLessThan(91)
    await stop(ahead.child)

    const behind = await replica(-600_000)
    expect(await analysed(behind.url, 'third')).toBe('stored')
    expect(await states()).toEqual(['third'])
    expect((await askService(behind.url, undefined)).skew).toBeLessThan(-599)

    // Ids contain the same times, so the order of ids is the order of arrival.
    const [order] = await service.db.query(
      `select array_agg(delivery_id order by received_at) = array_agg(delivery_id order by delivery_id) as same,
         max(received_at) <= clock_timestamp() as is_past from deliveries`,
    )
    expect(order).toEqual({ same: 't', is_past: 't' })
  }, 60_000)
})

it('no counter decreases when the clock is set back', async () => {
  const holder = await service.db.lock('lock table biomarkers in access exclusive mode')
  const answer = service.sahha(biomarker({ category: 'c' }))
  await expect.poll(async () => (await metricsOf(service.app)).get('nightpost_writers_busy', {})).toBe(1)
  const now = Date.now
  const spy = vi.spyOn(Date, 'now').mockImplementation(() => now() - 600_000)
  await holder.release()
  expect((await answer).status).toBe(200)
  spy.mockRestore()
  const lag = (await metricsOf(service.app)).get('nightpost_commit_lag_seconds_sum', { vendor: 'sahha' })
  expect(lag).toBeGreaterThanOrEqual(0)
})

describe('the estimate of the database clock', () => {
  const local = { wall: 0, steady: 0 }
  const clock = () => new Clock({ wall: () => local.wall, steady: () => local.steady })
  const at = (wall: number, steady: number) => Object.assign(local, { wall, steady })

  it("equals the machine's clock before the first reading, and ignores its jumps later", () => {
    at(1_000_000, 50)
    const one = clock()
    expect(one.now()).toBe(1_000_000)
    expect(one.skew).toBe(0)
    one.learn({ database: 990_000, sent: 40, answered: 60 })
    expect(one.now()).toBe(990_000)
    expect(one.skew).toBe(10_000)
    at(400_000, 150)
    expect(one.now()).toBe(990_100)
    expect(one.skew).toBe(400_000 - 990_100)
  })

  it('uses the fastest of the last answers', () => {
    at(0, 0)
    const one = clock()
    one.learn({ database: 1000, sent: 0, answered: 4 })
    one.learn({ database: 10_100, sent: 9_000, answered: 9_400 })
    at(0, 10_000)
    expect(one.now()).toBe(10_998)
  })

  it('follows a change of the database clock, however slow the answer', () => {
    at(0, 0)
    const one = clock()
    one.learn({ database: 1000, sent: 0, answered: 2 })
    one.learn({ database: 500_000, sent: 10_000, answered: 10_100 })
    at(0, 10_100)
    expect(one.now()).toBe(500_050)
    const before = one.tick()
    one.learn({ database: 10_000, sent: 10_200, answered: 10_202 })
    expect(one.tick(), 'arrivals stay in order').toBe(before + 1)
  })

  it('gives every arrival its own time, in the order of ids', () => {
    at(1_700_000_000_000, 5)
    const one = clock()
    const all = Array.from({ length: 3000 }, () => newArrival(Buffer.alloc(0), one))
    const moments = all.map(({ receivedAt }) => receivedAt)
    const ids = all.map(({ id }) => id)
    expect(moments[1001]).toBe('2023-11-14T22:13:20.001001Z')
    expect(new Set(moments).size).toBe(3000)
    expect([...moments].sort()).toEqual(moments)
    expect([...ids].sort()).toEqual(ids)
  })
})

describe('rows with the time of a wrong clock', () => {
  const faults = async (skew = 0) => {
    const { default: pg } = await import('pg')
    const client = new pg.Client({ connectionString: service.db.url })
    await client.connect()
    const state = await readState(client, vendors)
    await client.end()
    const one = { faults: [], queue: { deliveries: 0, full: 0 }, refused: [], skew }
    return faultsOf(state, one, [], { silence: new Map(), rejected: 0 })
  }

  it('are reported by nightpost status and repaired by the commands of docs/operations.md', async () => {
    await service.asleep(session({ state: 'first' }), USER)
    const stamp = `received_at = received_at + interval '2 days'`
    await service.db.query(`update sleep_sessions set ${stamp}`)
    await service.db.query(`update deliveries set ${stamp}, last_received_at = last_received_at + interval '2 days',
      delivery_id = 'fffffff0-0000-7000-8000-000000000000'`)
    await service.db.query(`update sleep_sessions set delivery_id = 'fffffff0-0000-7000-8000-000000000000'`)
    await service.asleep(session({ state: 'second' }), USER)
    expect(await states()).toEqual(['first'])
    expect(await faults()).toEqual([
      expect.stringMatching(/^1 deliveries are stamped up to (2 d|48 h) later than now/),
    ])

    const page = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8')
    const statements = /## Clocks[\s\S]*?```sql\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
    expect(statements).toContain('update')
    await service.db.query(statements)
    await replay({
      ...{ databaseUrl: service.db.url, vendors, config: readConfig(environment), log: { warn: () => {} } },
      ...{ filter: {}, all: true, dryRun: false, signal: new AbortController().signal, progress: () => {} },
    })
    await service.asleep(session({ state: 'third' }), USER)
    expect(await states()).toEqual(['third'])
    expect(await faults()).toEqual([])
  })

  it('nightpost status reports a service whose clock is wrong by more than five seconds', async () => {
    expect(await faults(4.9)).toEqual([])
    expect(await faults(-5.1)).toEqual([expect.stringContaining("is 5 s behind the database's.")])
    expect(await faults(90)).toEqual([expect.stringContaining("is 90 s ahead of the database's.")])
  })
})
