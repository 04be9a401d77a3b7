import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startBalancer } from '../setup/balancer.ts'
import { biomarker } from '../setup/bodies.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { guardProcess, guardRequest, guardSecret } from '../setup/log-guard.ts'
import { built } from '../setup/program.ts'

const KEY = 'shutdown-test-key'
const directory = mkdtempSync(join(tmpdir(), 'nightpost-shutdown-'))

/** Each test starts and ends processes. */
const SLOW = { timeout: 120_000 }

interface Replica {
  readonly child: ChildProcess
  readonly port: number
}

let db: TestDatabase
const all: Replica[] = []
beforeAll(async () => {
  guardSecret(KEY)
  db = await createDatabase()
})
afterAll(async () => {
  for (const { child } of all) if (child.exitCode === null) child.kill('SIGKILL')
  await db.drop()
  rmSync(directory, { recursive: true })
})

async function start(settings: Record<string, string> = {}): Promise<Replica> {
  const child = spawn(process.execPath, built('main'), {
    cwd: directory,
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      DATABASE_URL: db.url,
      SAHHA_API_KEYS: KEY,
      PORT: '0',
      ...settings,
    },
  })
  guardProcess(child)
  const port = await new Promise<number>((found, failed) => {
    let output = ''
    child.stdout.on('data', (data) => {
      output += data
      const [, port] = /listening at http:\/\/127\.0\.0\.1:(\d+)"/.exec(output) ?? []
      if (port) found(Number(port))
    })
    child.once('exit', () => failed(new Error(`ended at once: ${output}`)))
  })
  const replica = { child, port }
  all.push(replica)
  return replica
}

async function end({ child }: Replica, signal: NodeJS.Signals = 'SIGTERM') {
  const exit = once(child, 'exit')
  const began = Date.now()
  child.kill(signal)
  const [code] = await exit
  return { code, seconds: (Date.now() - began) / 1000 }
}

const agent = new Agent({ keepAlive: true })
afterAll(() => agent.destroy())

const bodyOf = (id: string) => Buffer.from(JSON.stringify(biomarker({ id, category: 'c' })))

/** The status of the answer; 0 if there was none. */
function post(port: number, id: string): Promise<number> {
  const headers = { 'content-type': 'application/json', 'x-api-key': KEY, 'x-user-id': 'user-1' }
  const body = bodyOf(id)
  guardRequest(headers, body)
  return new Promise((answered) => {
    const outgoing = request({
      port,
      host: '127.0.0.1',
      agent,
      path: '/webhooks/sahha',
      method: 'POST',
      headers,
    })
    outgoing.on('error', () => answered(0))
    outgoing.on('response', (response) => {
      response.resume()
      response.on('end', () => answered(response.statusCode ?? 0))
    })
    outgoing.end(body)
  })
}

/** Locks the ledger until the test ends, whatever its result. */
async function lockLedger() {
  const holder = await db.lock('lock table deliveries in exclusive mode')
  onTestFinished(() => holder.release())
}

/** Sends deliveries, and resolves when the replica has received all of them; `answers` are still to come. */
async function hold(replica: Replica, ids: string[]) {
  const answers = ids.map((id) => post(replica.port, id))
  const bytes = ids.reduce((sum, id) => sum + bodyOf(id).length, 0)
  const inFlight = async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${replica.port}/metrics`)).text()
    return Number(/^nightpost_in_flight_bytes (\d+)$/m.exec(metrics)?.[1])
  }
  await expect.poll(inFlight, { timeout: 60_000 }).toBe(bytes)
  return { answers: Promise.all(answers) }
}

/** Starts senders that send until `stop` is called. `answers`: the status of each delivery by its id. */
function load(port: number, name: string, senders: number, pause = 0) {
  const answers = new Map<string, number>()
  let stopped = false
  const sending = Array.from({ length: senders }, async (_, sender) => {
    for (let n = 0; !stopped; n += 1) {
      const id = `${name}-${sender}-${n}`
      const status = await post(port, id)
      answers.set(id, status)
      const wait = status === 0 ? 20 : pause
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    }
  })
  return {
    answers,
    async stop() {
      stopped = true
      await Promise.all(sending)
    },
  }
}

async function lost(answers: Map<string, number>) {
  const acked = [...answers].flatMap(([id, status]) => (status === 200 ? [id] : []))
  expect(acked.length).toBeGreaterThan(50)
  return db.query('select id from unnest($1::text[]) as acked(id) except select id from biomarkers', [acked])
}

describe('two replicas behind a balancer', () => {
  it(
    'answer only 200 or 503 while they are restarted in turn, and lose no acknowledged delivery',
    SLOW,
    async () => {
      const settings = { SHUTDOWN_DELAY_SECONDS: '1' }
      let [first, second] = await Promise.all([start(settings), start(settings)])
      const balancer = await startBalancer([first.port, second.port])
      const { answers, stop } = load(balancer.port, 'rolling', 8, 15)

      const firstEnd = end(first)
      const next = start(settings)
      expect(await firstEnd).toMatchObject({ code: 0 })
      first = await next
      balancer.replicas = [first.port, second.port]
      await new Promise((resolve) => setTimeout(resolve, 300))
      const secondEnd = end(second)
      const last = start(settings)
      expect(await secondEnd).toMatchObject({ code: 0 })
      second = await last
      balancer.replicas = [first.port, second.port]
      await new Promise((resolve) => setTimeout(resolve, 300))

      await stop()
      balancer.close()
      expect(balancer.failed).toEqual([])
      expect([...new Set(answers.values())].filter((status) => status !== 200 && status !== 503)).toEqual([])
      expect(await lost(answers)).toEqual([])
    },
  )
})

describe('SIGTERM', () => {
  it('under load loses no acknowledged delivery, and the process exits in time', SLOW, async () => {
    const replica = await start()
    const { answers, stop } = load(replica.port, 'under-load', 32)
    const acked = () => [...answers.values()].filter((status) => status === 200).length
    await expect.poll(acked, { timeout: 60_000 }).toBeGreaterThan(100)
    const { code, seconds } = await end(replica)
    await stop()
    expect(code).toBe(0)
    expect(seconds).toBeLessThan(10)
    expect(await lost(answers)).toEqual([])
  })

  it(
    'while the database is locked answers every delivery 503, and the process exits in time',
    SLOW,
    async () => {
      const replica = await start()
      await lockLedger()
      const { answers } = await hold(
        replica,
        Array.from({ length: 60 }, (_, n) => `held-up-${n}`),
      )
      const { code, seconds } = await end(replica)
      expect(code).toBe(0)
      expect(seconds).toBeLessThan(20)
      expect(new Set(await answers)).toEqual(new Set([503]))
    },
  )

  it('sent twice ends the process immediately', SLOW, async () => {
    const replica = await start()
    await lockLedger()
    const { answers } = await hold(replica, ['held'])
    const ending = end(replica)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(replica.child.exitCode).toBe(null)
    replica.child.kill('SIGTERM')
    expect(await ending).toMatchObject({ code: 1 })
    expect((await ending).seconds).toBeLessThan(2)
    expect(await answers).toEqual([0])
  })
})
