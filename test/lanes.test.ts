import { describe, expect, it } from 'vitest'
import { hashText } from '../src/db/citus/hash-text.ts'
import { ShardLanes } from '../src/db/citus/lanes.ts'
import { defaultLimits } from '../src/db/commit/limits.ts'
import { type Lanes, type PendingDelivery, Queue } from '../src/db/commit/queue.ts'
import { Transactions } from '../src/db/commit/transactions.ts'
import { createDatabase } from './setup/database.ts'

/** The lane of an owner is the number in its name. */
const lanes: Lanes = { areMany: true, of: (owner) => Number(owner), nodes: 1, nodeOf: () => 0 }

function pending(owner: string, number = 0): PendingDelivery {
  return {
    delivery: {
      arrival: { id: `${owner}-${number}`, body: Buffer.alloc(10) },
      verdict: { owner, rows: [] },
    } as unknown as PendingDelivery['delivery'],
    deadline: 0,
    isExpired: false,
    resolve: () => {},
    reject: () => {},
  }
}

const ownersOf = (group: { deliveries: PendingDelivery[] } | null) =>
  group?.deliveries.map(({ delivery }) => delivery.verdict.owner)

describe('the queue', () => {
  it('puts deliveries of one lane into a group, in order of arrival', () => {
    const queue = new Queue(defaultLimits, lanes)
    for (const [at, owner] of ['1', '2', '1', '3', '2'].entries()) queue.push(pending(owner, at))
    const groups = [queue.takeGroup(), queue.takeGroup(), queue.takeGroup(), queue.takeGroup()]
    expect(groups.map(ownersOf)).toEqual([['1', '1'], ['2', '2'], ['3'], undefined])
    expect(groups[0]?.deliveries.map(({ delivery }) => delivery.arrival.id)).toEqual(['1-0', '1-2'])
    expect(queue.load.deliveries.now).toBe(0)
    expect(queue.load.bytes.now).toBe(0)
    expect(queue.load.rows.now).toBe(0)
  })

  it('gives every lane its turn while one is flooded', () => {
    const queue = new Queue({ ...defaultLimits, groupDeliveries: 10 }, lanes)
    for (let n = 0; n < 1000; n += 1) queue.push(pending('7', n))
    queue.push(pending('1'))
    queue.push(pending('2'))
    const served = [0, 1, 2, 3].map(() => queue.takeGroup()?.lane)
    expect(served).toEqual([7, 1, 2, 7])
    // A delivery that arrives now waits for one group of the flooded lane at most.
    queue.push(pending('1'))
    expect([queue.takeGroup()?.lane, queue.takeGroup()?.lane]).toEqual([7, 1])
  })

  it('limits what all lanes take together', () => {
    const queue = new Queue({ ...defaultLimits, waitingDeliveries: 3 }, lanes)
    for (const owner of ['1', '2']) queue.push(pending(owner))
    expect(queue.isFull).toBe(false)
    queue.push(pending('3'))
    expect(queue.isFull).toBe(true)
    queue.takeGroup()
    expect(queue.isFull).toBe(false)
  })

  it('passes over a lane that is not ready, which keeps its turn', () => {
    const queue = new Queue(defaultLimits, lanes)
    for (const owner of ['1', '2']) queue.push(pending(owner))
    expect(queue.takeGroup((_, lane) => lane !== 1)?.lane).toBe(2)
    queue.push(pending('2'))
    expect(queue.takeGroup()?.lane).toBe(1)
  })
})

describe('transactions', () => {
  it('run beside one of another lane, up to the limit of writers', () => {
    const transactions = new Transactions({ ...defaultLimits, laneWriters: 2 }, lanes)
    const never = new Promise<void>(() => {})
    void transactions.run(1, 100, () => never)
    expect(transactions.shouldBegin(1, 1)).toBe(false)
    expect(transactions.shouldBegin(1, 2)).toBe(true)
    expect(transactions.hasFreeWriter).toBe(true)
    void transactions.run(2, 1, () => never)
    expect(transactions.hasFreeWriter).toBe(false)
  })

  it('leave a writer to the other nodes, and take only one of a node where one was lost', async () => {
    const nodeOf = (lane: number) => lane % 2
    const transactions = new Transactions(defaultLimits, { areMany: true, nodes: 2, nodeOf })
    const never = new Promise<void>(() => {})
    for (const lane of [1, 3]) void transactions.run(lane, 1, () => never)
    let end = () => {}
    const third = transactions.run(5, 1, () => new Promise((resolve) => (end = resolve)))
    expect(transactions.shouldBegin(9, 7)).toBe(false)
    expect(transactions.shouldBegin(9, 2)).toBe(true)
    end()
    await third
    expect(transactions.shouldBegin(9, 7)).toBe(true)
    transactions.note(5, true)
    expect(transactions.shouldBegin(9, 7)).toBe(false)
    transactions.note(5, false)
    expect(transactions.shouldBegin(9, 7)).toBe(true)
  })

  it('run beside the usual number of others only for as many deliveries as these write', () => {
    const limits = { ...defaultLimits, writers: 2, laneWriters: 4 }
    const transactions = new Transactions(limits, lanes)
    const never = new Promise<void>(() => {})
    void transactions.run(1, 100, () => never)
    void transactions.run(2, 20, () => never)
    expect(transactions.shouldBegin(119, 3)).toBe(false)
    expect(transactions.shouldBegin(120, 3)).toBe(true)
  })

  it('do not wait for those that take long', () => {
    const transactions = new Transactions({ ...defaultLimits, writers: 2, longTransaction: 0 }, lanes)
    const never = new Promise<void>(() => {})
    void transactions.run(1, 100, () => never)
    void transactions.run(2, 100, () => never)
    expect(transactions.shouldBegin(1, 3)).toBe(true)
  })
})

it('looks for no text in the shard of one owner, which has a single hash', async () => {
  const hash = hashText('alone')
  const ranges = [
    { shard: 1, from_hash: -(2 ** 31), to_hash: hash - 1 },
    { shard: 2, from_hash: hash, to_hash: hash },
    { shard: 3, from_hash: hash + 1, to_hash: 2 ** 31 - 1 },
  ]
  const shards = new ShardLanes()
  await shards.read({
    query: async (text: string, values?: [string[]]) => {
      if (values) return { rows: values[0].map((owner) => ({ owner, shard: shards.of(owner) })) }
      return { rows: text.includes('from_hash') ? ranges : [] }
    },
  } as never)
  expect(shards.of('alone')).toBe(2)
  expect(shards.probeIn(2)).toBeNull()
  expect(shards.of(shards.probeIn(3) ?? '')).toBe(3)
})

it('computes the hash of Postgres, by which Citus finds the shard', async () => {
  const db = await createDatabase()
  const texts = [
    '',
    'é',
    '日本語のテキスト',
    '😀😀😀😀',
    ...Array.from({ length: 40 }, (_, n) => 'aZ09-é_ß'.repeat(6).slice(0, n)),
  ]
  const rows = await db.query('select t, hashtext(t) as hash from unnest($1::text[]) as u(t)', [texts])
  await db.drop()
  expect(rows.map(({ t }) => String(hashText(t ?? '')))).toEqual(rows.map(({ hash }) => hash))
})
