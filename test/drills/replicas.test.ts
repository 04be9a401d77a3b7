import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lostDeliveries, openAnswerFile, unexpectedAnswers } from '../../chaos/answers.ts'
import { audit } from '../../chaos/audit.ts'
import { credentials, numberedRequest } from '../../chaos/numbered-request.ts'
import { readConfig } from '../../src/config/index.ts'
import { GroupCommit } from '../../src/db/commit/group-commit.ts'
import { createPool } from '../../src/db/connect/pool.ts'
import { Writer } from '../../src/db/write/writer.ts'
import { freePort } from '../../src/embedded/index.ts'
import { type Delivery, newArrival } from '../../src/ingest/delivery.ts'
import { unpackAndJudge } from '../../src/ingest/judge.ts'
import { startService } from '../../src/service.ts'
import { vendors } from '../../src/vendors/index.ts'
import { sahha } from '../../src/vendors/sahha/index.ts'
import { archetype, biomarker, dataLog, score } from '../setup/bodies.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { guardedLog, guardRequest } from '../setup/log-guard.ts'

const REPLICAS = 3

let db: TestDatabase
afterEach(() => db.drop())

/** A connection reports its deadlocks at the latest when it ends. */
const deadlocks = async () =>
  (await db.query('select deadlocks from pg_stat_database where datname = current_database()'))[0]?.deadlocks

/** Makes Postgres report a deadlock after 50 ms. Its default, 1 s, is close to the lock timeout, which would end the wait first. */
async function reportDeadlocksEarly() {
  const [{ name } = { name: '' }] = await db.query('select current_database() as name')
  await db.query(`alter database ${name} set deadlock_timeout = '50ms'`)
}

const auditor = async () => {
  const client = new pg.Client({ connectionString: db.url })
  await client.connect()
  return client
}

describe('three services on one database', () => {
  it('lose and duplicate nothing when they start together on an empty database, get the same deliveries and are restarted in turn', async () => {
    db = await createDatabase('template0')
    await reportDeadlocksEarly()
    const directory = mkdtempSync(join(tmpdir(), 'nightpost-replicas-'))
    const ports = await Promise.all(Array.from({ length: REPLICAS }, () => freePort(0)))
    const replicas = await Promise.all(ports.map(startReplica))
    try {
      const numbers = Array.from({ length: 120 }, (_, at) => 1_000_000 + at)
      const answers = await Promise.all(numbers.flatMap((n) => ports.map((port) => send(port, n))))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      const outcomes = answers.map(({ json }) => json.outcome)
      expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(numbers.length)
      expect(outcomes.filter((outcome) => outcome === 'duplicate')).toHaveLength(2 * numbers.length)
      expect(await db.query('select times_received, count(*) from deliveries group by 1')).toEqual([
        { times_received: `${REPLICAS}`, count: `${numbers.length}` },
      ])

      await rolling(replicas, directory)
      await Promise.all(replicas.map(({ app }) => app.close()))
      expect(await deadlocks()).toBe('0')
    } finally {
      await Promise.all(replicas.map(({ app }) => app.close()))
      rmSync(directory, { recursive: true })
    }
  }, 120_000)
})

interface Replica {
  readonly port: number
  app: FastifyInstance
}

/** A service with its own pool and queue, as in another process. */
async function startReplica(port: number): Promise<Replica> {
  const { app } = await startService(
    readConfig({ ...credentials, MIGRATE_DATABASE_URL: db.direct }),
    db.url,
    guardedLog,
  )
  await app.listen({ port, host: '127.0.0.1' })
  return { port, app }
}

/** Restarts the replicas one after the other while a sender posts to all of them. */
async function rolling(replicas: Replica[], directory: string): Promise<void> {
  const file = join(directory, 'answers.jsonl')
  const sender = fork(join(resolve(import.meta.dirname, '../..'), 'chaos/sender.ts'), {
    execArgv: ['--import', 'tsx'],
  })
  const ended = once(sender, 'exit')
  const answers = openAnswerFile(file)
  sender.send({ ports: replicas.map(({ port }) => port), file, connections: 12, pause: 20 })
  while (answers.readNew().length === 0) await sleep(20)
  for (const replica of replicas) {
    await sleep(200)
    await replica.app.close()
    await sleep(100)
    replica.app = (await startReplica(replica.port)).app
  }
  await sleep(200)
  sender.send('stop')
  await ended
  answers.readNew()
  answers.close()

  const client = await auditor()
  expect([
    ...unexpectedAnswers(answers.all),
    ...(await lostDeliveries(client, answers.all)),
    ...(await audit(client)),
  ]).toEqual([])
  await client.end()
  const acked = new Set(answers.all.filter(({ status }) => status === 200).map(({ n }) => n))
  expect(new Set(answers.all.map(({ n }) => n))).toEqual(acked)
  expect(acked.size).toBeGreaterThan(100)
  // A service that shuts down commits the accepted deliveries: no sender gets a 503 because of the database.
  expect(answers.all.filter(({ status }) => status === 503)).toEqual([])
}

async function send(port: number, n: number) {
  const { path, headers, body } = numberedRequest(n)
  guardRequest(headers, Buffer.from(body))
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    ...{ method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } },
  })
  return { status: answer.status, json: (await answer.json()) as { outcome?: string } }
}

describe('writers that get the same rows in opposite order', () => {
  let pools: pg.Pool[]
  beforeEach(async () => {
    db = await createDatabase()
    await reportDeadlocksEarly()
    pools = Array.from({ length: REPLICAS }, () => createPool(db.url, guardedLog))
  })

  const writer = new Writer(vendors.flatMap(({ targets }) => targets))

  /** All stores write their shares of every round concurrently. Returns the number of deadlocks. */
  async function race(rounds: number, share: (round: number, replica: number) => Delivery[]) {
    const stores = pools.map((pool) => new GroupCommit(pool, writer))
    for (let round = 0; round < rounds; round += 1) {
      const receipts = stores.flatMap((store, replica) =>
        share(round, replica).map((delivery) => store.commit(delivery)),
      )
      for (const { outcome } of await Promise.all(receipts)) expect(outcome).not.toBe('rejected')
    }
    await Promise.all(pools.map((pool) => pool.end()))
    const client = await auditor()
    const faults = await audit(client)
    await client.end()
    expect(faults).toEqual([])
    return deadlocks()
  }

  const directed = <T>(items: T[], replica: number) => (replica % 2 === 0 ? items : [...items].reverse())
  const ROUNDS = 12
  const KEYS = Array.from({ length: 60 }, (_, at) => `key-${at}`)

  it('do not deadlock: the ledger', async () => {
    const same = (round: number, replica: number) =>
      directed(KEYS, replica).map((id) => accepted(biomarker({ id, category: 'c', value: `${round}` })))
    expect(await race(ROUNDS, same)).toBe('0')
  })

  it('do not deadlock: the rows of many deliveries', async () => {
    const own = (round: number, replica: number) =>
      directed(KEYS, replica).map((id) =>
        accepted(biomarker({ id, category: 'c', value: `${round} ${replica}` })),
      )
    expect(await race(ROUNDS, own)).toBe('0')
  })

  it('do not deadlock: the rows of one delivery', async () => {
    const own = (round: number, replica: number) => [
      accepted(dataLog(directed(KEYS, replica).map((id) => ({ id, value: round * 10 + replica })))),
    ]
    expect(await race(30, own)).toBe('0')
  })

  const few = KEYS.slice(0, 20)
  const mixed = (round: number, replica: number, scores: readonly string[]) => {
    const mark = `${round} ${replica}`
    return [
      ...few.map((id) => biomarker({ id, category: 'c', value: mark })),
      ...few.map((id) => archetype({ id, value: mark })),
      ...scores.map((id) => score({ id, score: round * 10 + replica, factors: [{ name: mark }] })),
      dataLog(few.map((id) => ({ id, value: round * 10 + replica }))),
    ]
  }

  // Without scores: their rows are locked first, so the order of the others would not matter.
  it.each([
    ['new deliveries, and some that were rejected before', few],
    ['the same without scores', []],
  ])('do not deadlock: %s', async (_name, scores) => {
    const before = new GroupCommit(pools[0] as pg.Pool, writer)
    const rejected = Array.from({ length: 2 * ROUNDS }, (_, round) => mixed(round, 2, scores)).flat()
    await Promise.all(rejected.map((body) => before.commit(accepted(body, 'somebody-else'))))
    const own = (round: number, replica: number) =>
      mixed(round, replica, scores).map((body) => accepted(body))
    expect(await race(2 * ROUNDS, own)).toBe('0')
  })

  it('lock the tables in the same order, however a group is written', async () => {
    const [client, holder] = await Promise.all([pools[0]?.connect(), pools[1]?.connect()])
    if (!client || !holder) throw new Error('there are three pools')
    await client.query('set lock_timeout = 0')
    const tables = ['biomarkers', 'archetypes', 'data_logs', 'scores']
    const bodies = (mark: string) => [
      ...[biomarker({ category: 'c', value: mark }), archetype({ value: mark })],
      ...[dataLog([{ id: 's', source: mark }]), score({ state: mark, factors: [{ name: mark }] })],
    ]
    const isWaiting = async () =>
      (
        await db.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
      ).length > 0

    /** Locks a row of one table after the other, and returns in which other tables the waiting writer has locks. */
    async function lockOrder(group: (held: string) => Delivery[]) {
      const places = new Map<string, number>()
      for (const held of tables) {
        await holder?.query(`begin; select from ${held} for update`)
        const writing = writer.write(client as pg.PoolClient, group(held))
        while (!(await isWaiting())) await sleep(10)
        const free = await Promise.all(
          tables.map((table) => db.query(`select from ${table} for update skip locked`)),
        )
        places.set(held, free.filter((rows) => rows.length === 0).length)
        await holder?.query('rollback')
        await writing
      }
      return [...places].sort(([, a], [, b]) => a - b).map(([table]) => table)
    }

    const accept = (mark: string) => bodies(mark).map((body) => accepted(body))
    await writer.write(client, accept('first'))
    const fresh = await lockOrder((held) => accept(`fresh ${held}`))
    for (const held of tables) {
      await writer.write(
        client,
        bodies(`again ${held}`).map((body) => accepted(body, 'somebody-else')),
      )
    }
    expect(await lockOrder((held) => accept(`again ${held}`))).toEqual(fresh)
    for (const one of [client, holder]) one.release()
    await Promise.all(pools.map((pool) => pool.end()))
  })

  it('do not deadlock: owners and their parts', async () => {
    const factors = Array.from({ length: 4 }, (_, at) => ({ name: `factor ${at}` }))
    const own = (round: number, replica: number) =>
      directed(KEYS, replica).map((id) => accepted(score({ id, score: round * 10 + replica, factors })))
    expect(await race(ROUNDS, own)).toBe('0')
  })
})

/** A delivery from Sahha. It is rejected if its header and body name different users. */
function accepted(body: object, user?: string): Delivery {
  const arrival = newArrival(Buffer.from(JSON.stringify(body)))
  return {
    ...{ arrival, vendor: 'sahha', authenticatedBy: 'signature', headers: {}, normaliserVersion: 1 },
    verdict: unpackAndJudge(
      sahha,
      'signature',
      user ? { 'x-external-id': user } : {},
      arrival.body,
      10 * 2 ** 20,
    ),
  }
}
