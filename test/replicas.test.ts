import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answersIn, lost, strange } from '../chaos/answers.ts'
import { audit } from '../chaos/audit.ts'
import { delivery as numbered } from '../chaos/deliveries.ts'
import { type Service, startService } from '../chaos/service.ts'
import { freePort } from '../src/db/embedded/postmaster.ts'
import { GroupCommit } from '../src/db/group-commit.ts'
import { createPool } from '../src/db/pool.ts'
import { Writer } from '../src/db/writer.ts'
import { arrive, type Delivery } from '../src/ingest/delivery.ts'
import { judge } from '../src/ingest/judge.ts'
import { vendors } from '../src/vendors/index.ts'
import { sahha } from '../src/vendors/sahha/index.ts'
import { archetype, biomarker, dataLog, score } from './setup/bodies.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'

const REPLICAS = 3

let db: TestDatabase
afterEach(() => db.drop())

/** What went wrong between transactions; connections report it when they end, at the latest. */
const conflicts = async () =>
  (
    await db.query(
      'select deadlocks, xact_rollback as given_up from pg_stat_database where datname = current_database()',
    )
  )[0]
const NONE = { deadlocks: '0', given_up: '0' }

const auditor = async () => {
  const client = new pg.Client({ connectionString: db.url })
  await client.connect()
  return client
}

describe('three services on one database', () => {
  it('that start at once on an empty one, take the same deliveries and are restarted in turn: nothing is lost or doubled', async () => {
    db = await createDatabase('template0')
    const directory = mkdtempSync(join(tmpdir(), 'nightpost-replicas-'))
    const ports = await Promise.all(Array.from({ length: REPLICAS }, () => freePort(0)))
    const replicas = ports.map((port) => startService(directory, port, db.url))
    try {
      await Promise.all(ports.map(isReady))
      expect(replicas.map(({ starts, errors }) => [starts(), errors()])).toEqual(ports.map(() => [1, '']))

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
      await Promise.all(replicas.map((replica) => replica.stop()))
      expect(await conflicts()).toEqual(NONE)
    } finally {
      await Promise.all(replicas.map((replica) => replica.kill('SIGKILL').then(() => replica.stop())))
      rmSync(directory, { recursive: true })
    }
  }, 60_000)
})

/** Restarts one replica after the other, as a deployment does, while a sender posts to all of them. */
async function rolling(replicas: Service[], directory: string): Promise<void> {
  const file = join(directory, 'answers.jsonl')
  const poster = fork(join(resolve(import.meta.dirname, '..'), 'chaos/poster.ts'), {
    execArgv: ['--import', 'tsx'],
  })
  const ended = once(poster, 'exit')
  const answers = answersIn(file)
  poster.send({ ports: replicas.map(({ port }) => port), file, connections: 12, pause: 20 })
  while (answers.read().length === 0) await sleep(20)
  for (const replica of replicas) {
    await replica.kill('SIGTERM')
    await isReady(replica.port)
  }
  poster.send('stop')
  await ended
  answers.read()
  answers.close()

  const client = await auditor()
  expect([...strange(answers.all), ...(await lost(client, answers.all)), ...(await audit(client))]).toEqual(
    [],
  )
  await client.end()
  const acked = new Set(answers.all.filter(({ status }) => status === 200).map(({ n }) => n))
  expect(new Set(answers.all.map(({ n }) => n))).toEqual(acked)
  expect(acked.size).toBeGreaterThan(100)
  // A service that ends in order finishes what it took: nobody is told that the database did not commit.
  expect(answers.all.filter(({ status }) => status === 503)).toEqual([])
}

async function isReady(port: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined)
    if (answer?.ok) return
    await sleep(50)
  }
}

async function send(port: number, n: number) {
  const { path, headers, body } = numbered(n)
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    ...{ method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } },
  })
  return { status: answer.status, json: (await answer.json()) as { outcome?: string } }
}

describe('writers that need the same rows in opposite order', () => {
  let pools: pg.Pool[]
  beforeEach(async () => {
    db = await createDatabase()
    const [{ name } = { name: '' }] = await db.query('select current_database() as name')
    await db.query(`alter database ${name} set deadlock_timeout = '50ms'`)
    pools = Array.from({ length: REPLICAS }, () => createPool(db.url, pino({ level: 'silent' })))
  })

  const writer = new Writer(vendors.flatMap(({ targets }) => targets))

  /** Each store writes its share of every round, all of them at once; returns what conflicts that made. */
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
    return conflicts()
  }

  const directed = <T>(items: T[], replica: number) => (replica % 2 === 0 ? items : [...items].reverse())
  const ROUNDS = 12
  const KEYS = Array.from({ length: 60 }, (_, at) => `key-${at}`)

  it('do not wait for each other in a circle: the ledger', async () => {
    const same = (round: number, replica: number) =>
      directed(KEYS, replica).map((id) => accepted(biomarker({ id, category: 'c', value: `${round}` })))
    expect(await race(ROUNDS, same)).toEqual(NONE)
  })

  it('do not wait for each other in a circle: the rows of many deliveries', async () => {
    const own = (round: number, replica: number) =>
      directed(KEYS, replica).map((id) =>
        accepted(biomarker({ id, category: 'c', value: `${round} ${replica}` })),
      )
    expect(await race(ROUNDS, own)).toEqual(NONE)
  })

  it('do not wait for each other in a circle: the rows of one delivery', async () => {
    const own = (round: number, replica: number) => [
      accepted(dataLog(directed(KEYS, replica).map((id) => ({ id, value: round * 10 + replica })))),
    ]
    expect(await race(30, own)).toEqual(NONE)
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

  // Without scores, whose rows are locked first and would keep the order of the others from mattering.
  it.each([
    ['new deliveries, and some that were rejected before', few],
    ['the same without scores', []],
  ])('do not wait for each other in a circle: %s', async (_name, scores) => {
    const before = new GroupCommit(pools[0] as pg.Pool, writer)
    const rejected = Array.from({ length: 2 * ROUNDS }, (_, round) => mixed(round, 2, scores)).flat()
    await Promise.all(rejected.map((body) => before.commit(accepted(body, 'somebody-else'))))
    const own = (round: number, replica: number) =>
      mixed(round, replica, scores).map((body) => accepted(body))
    expect(await race(2 * ROUNDS, own)).toEqual(NONE)
  })

  it('do not wait for each other in a circle: owners and their parts', async () => {
    const factors = Array.from({ length: 4 }, (_, at) => ({ name: `factor ${at}` }))
    const own = (round: number, replica: number) =>
      directed(KEYS, replica).map((id) => accepted(score({ id, score: round * 10 + replica, factors })))
    expect(await race(ROUNDS, own)).toEqual(NONE)
  })
})

/** A delivery by Sahha; rejected where its header names another user than its body. */
function accepted(body: object, user?: string): Delivery {
  const arrival = arrive(Buffer.from(JSON.stringify(body)))
  return {
    ...{ arrival, vendor: 'sahha', authenticatedBy: 'signature', headers: {}, normaliserVersion: 1 },
    verdict: judge(sahha, 'signature', user ? { 'x-external-id': user } : {}, arrival.body, 10 * 2 ** 20),
  }
}
