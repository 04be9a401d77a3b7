import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { GroupCommit, type GroupWriter } from '../src/db/commit/group-commit.ts'
import { defaultLimits } from '../src/db/commit/limits.ts'
import { createPool } from '../src/db/connect/pool.ts'
import { connectToMigrate } from '../src/db/migrate/migrate.ts'
import { Writer } from '../src/db/write/writer.ts'
import { type Delivery, newArrival, Unavailable } from '../src/ingest/delivery.ts'
import { unpackAndJudge } from '../src/ingest/judge.ts'
import { vendors } from '../src/vendors/index.ts'
import { sahha } from '../src/vendors/sahha/index.ts'
import { biomarker, dataLog, score } from './setup/bodies.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'
import { guardedLog } from './setup/log-guard.ts'

let db: TestDatabase
let pool: pg.Pool
beforeAll(open)
afterAll(close)
// Whatever a test left to be written is written before the rows are deleted.
beforeEach(async () => {
  await expect.poll(() => pool.totalCount - pool.idleCount + pool.waitingCount, { interval: 5 }).toBe(0)
  if (await db.empty()) return
  await close()
  await open()
})

async function open() {
  db = await createDatabase()
  pool = createPool(db.url, guardedLog)
}

async function close() {
  await pool.end()
  await db.drop()
}

const writer = new Writer(vendors.flatMap(({ targets }) => targets))
const LIMIT = 2 ** 20
const store = (limits: Partial<typeof defaultLimits> = {}) =>
  new GroupCommit(pool, writer, { ...defaultLimits, ...limits })

function delivery(body: object): Delivery {
  const arrival = newArrival(Buffer.from(JSON.stringify(body)))
  return {
    arrival,
    verdict: unpackAndJudge(sahha, 'signature', {}, arrival.body, LIMIT),
    vendor: 'sahha',
    authenticatedBy: 'signature',
    headers: {},
    normaliserVersion: 1,
  }
}

const many = (count: number, fields: (n: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, n) => delivery(biomarker({ id: `b-${n}`, category: 'c', ...fields(n) })))

const count = async (table: string) => Number((await db.query(`select count(*) from ${table}`))[0]?.count)

describe('a group', () => {
  it('is one transaction for all that waits', async () => {
    const single = store({ writers: 1 })
    await Promise.all(
      [...many(200), delivery(score()), delivery(dataLog([{ id: 's' }]))].map((one) => single.commit(one)),
    )
    const [{ transactions } = { transactions: '' }] = await db.query(
      'select count(distinct xmin::text) as transactions from deliveries',
    )
    expect(await count('deliveries')).toBe(202)
    expect(Number(transactions)).toBe(2)
  })

  it('keeps to its limits, and a delivery larger than them goes alone', async () => {
    const small = store({ writers: 1, groupRows: 10 })
    const large = delivery(dataLog(Array.from({ length: 50 }, (_, n) => ({ id: `s-${n}` }))))
    await Promise.all([...many(30), large].map((one) => small.commit(one)))
    const groups = await db.query('select count(*) as size from deliveries group by xmin::text')
    expect(Math.max(...groups.map(({ size }) => Number(size)))).toBeLessThanOrEqual(5)
    expect(await count('data_logs')).toBe(50)
  })
})

/** A store whose transactions end when the test says so. */
function gated(limits: Partial<typeof defaultLimits> = {}) {
  const groups: Array<{ size: number; end(): void }> = []
  const idle = { connect: async () => ({ release() {} }) } as never
  const gate: GroupWriter = {
    write: (_, group) =>
      new Promise((resolve) => {
        const receipts = group.map(({ arrival }) => receiptOf(arrival.id))
        groups.push({ size: group.length, end: () => resolve(receipts) })
      }),
  }
  const commits = new GroupCommit(idle, gate, { ...defaultLimits, ...limits })
  return { commits, groups, sizes: () => groups.map(({ size }) => size) }
}
const receiptOf = (deliveryId: string) => ({ outcome: 'stored' as const, deliveryId, problem: null })
const takeAll = (commits: GroupCommit, deliveries: Delivery[]) => deliveries.map((one) => commits.commit(one))

describe('a second transaction', () => {
  it('is begun once as many deliveries wait as are being written', async () => {
    const { commits, groups, sizes } = gated({ longTransaction: 60_000 })
    const all = many(40)
    const receipts = takeAll(commits, all.slice(0, 22))
    await expect.poll(sizes).toEqual([1, 1])
    groups[0]?.end()
    await expect.poll(sizes).toEqual([1, 1, 20])
    groups[1]?.end()
    receipts.push(...takeAll(commits, all.slice(22, 30)))
    await setTimeout(20)
    expect(sizes(), 'eight are too few beside twenty').toEqual([1, 1, 20])
    groups[2]?.end()
    await expect.poll(sizes).toEqual([1, 1, 20, 8])
    receipts.push(...takeAll(commits, all.slice(30)))
    await expect.poll(sizes).toEqual([1, 1, 20, 8, 8])
    groups[3]?.end()
    groups[4]?.end()
    await expect.poll(sizes).toEqual([1, 1, 20, 8, 8, 2])
    groups[5]?.end()
    expect((await Promise.all(receipts)).map(({ deliveryId }) => deliveryId)).toEqual(
      all.map(({ arrival }) => arrival.id),
    )
  })

  it('does not wait for one that is held up', async () => {
    const { commits, groups, sizes } = gated()
    const [first, ...others] = many(52)
    const receipts = takeAll(commits, [first as Delivery, ...others.slice(0, 50)])
    await expect.poll(sizes).toEqual([1, 1])
    groups[0]?.end()
    await expect.poll(sizes).toEqual([1, 1, 49])
    groups[1]?.end()
    await setTimeout(150)
    receipts.push(commits.commit(others[50] as Delivery))
    await expect.poll(sizes).toEqual([1, 1, 49, 1])
    for (const { end } of groups) end()
    await Promise.all(receipts)
  })

  it('takes a lone delivery whose neighbours were held up after it came', async () => {
    const { commits, groups, sizes } = gated()
    const receipts = takeAll(commits, many(51))
    await expect.poll(sizes).toEqual([1, 1])
    groups[0]?.end()
    await expect.poll(sizes).toEqual([1, 1, 49])
    groups[1]?.end()
    receipts.push(commits.commit(delivery(biomarker({ id: 'lone', category: 'c' }))))
    await expect.poll(sizes, { timeout: 3000 }).toEqual([1, 1, 49, 1])
    for (const { end } of groups) end()
    await Promise.all(receipts)
  })
})

it('shortenDeadlines answers every delivery, queued or new, within the given time', async () => {
  const { commits, groups } = gated()
  const taken = takeAll(commits, many(5))
  await expect.poll(() => groups.length).toBe(2)
  const began = Date.now()
  commits.shortenDeadlines(200)
  const late = takeAll(commits, many(2))
  const results = await Promise.allSettled([...taken, ...late])
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['rejected']))
  expect(Date.now() - began).toBeLessThan(5000)
  await expect(commits.commit(delivery(biomarker()))).rejects.toThrow('shutting down')
  for (const { end } of groups) end()
  await commits.close()
  expect(groups).toHaveLength(2)
})

describe('a delivery that the database refuses', () => {
  it('is kept as rejected; its neighbours are stored', async () => {
    await db.query(`alter table biomarkers add constraint no_poison check (value <> 'poison')`)
    const group = many(100, (n) => (n % 33 === 7 ? { value: 'poison' } : {}))
    const single = store({ writers: 1 })
    const receipts = await Promise.all(group.map((one) => single.commit(one)))
    expect(receipts.filter(({ outcome }) => outcome === 'stored')).toHaveLength(97)
    const refused = receipts.filter(({ outcome }) => outcome === 'rejected')
    expect(refused).toHaveLength(3)
    expect(refused[0]?.problem).toMatchObject({
      code: 'invalid_body',
      detail: expect.stringContaining('23514'),
    })
    expect(await count('biomarkers')).toBe(97)
    expect(
      await count(`deliveries where outcome = 'rejected' and problem is not null and length(body) > 0`),
    ).toBe(3)
  })
})

it('one locked row holds up its own delivery only', async () => {
  const group = many(20)
  const single = store({ writers: 1 })
  await Promise.all(group.map((one) => single.commit(one)))
  const holder = await pool.connect()
  await holder.query('begin')
  await holder.query(`select * from biomarkers where id = 'b-7' for update`)
  const updates = many(20, () => ({ value: 'new' }))
  const results = await Promise.allSettled(updates.map((one) => single.commit(one)))
  await holder.query('rollback')
  holder.release()
  expect(results.map(({ status }) => status)).toEqual(
    updates.map((_, n) => (n === 7 ? 'rejected' : 'fulfilled')),
  )
  expect((results[7] as PromiseRejectedResult).reason).toBeInstanceOf(Unavailable)
  expect(await count(`biomarkers where value = 'new'`)).toBe(19)
})

describe('in a group of 512', () => {
  const SIZE = 512
  const updates = (value = 'new') => many(SIZE, () => ({ value }))
  const stored = async (single: GroupCommit) => {
    await Promise.all(many(SIZE).map((one) => single.commit(one)))
  }
  const outcomes = async (single: GroupCommit, group: Delivery[]) => {
    const started = performance.now()
    const results = await Promise.allSettled(group.map((one) => single.commit(one)))
    const failed = results.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))
    return { failed, results, seconds: (performance.now() - started) / 1000 }
  }

  it.each([
    ['one row', [300], 1, 3],
    ['one row, beside another writer', [300], 2, 3],
    // It takes 2.2 s where nothing else has the processors. The first delivery goes alone, so it is not held.
    ['ten rows', Array.from({ length: 10 }, (_, n) => n * 51 + 1), 1, 8],
  ])(
    'held by another transaction: %s. The others are committed soon',
    async (_name, held, writers, within) => {
      const single = store({ writers })
      await stored(single)
      const ids = held.map((n) => `'b-${n}'`).join()
      const holder = await db.lock(`select from biomarkers where id in (${ids}) for update`)
      const { failed, seconds } = await outcomes(single, updates())
      await holder.release()
      expect(failed).toEqual(held)
      expect(seconds).toBeLessThan(within)
      expect(await count(`biomarkers where value = 'new'`)).toBe(SIZE - held.length)
    },
  )

  it('a locked table keeps its deliveries waiting, and no others', async () => {
    const single = store({ writers: 1 })
    const group = [...many(250), ...Array.from({ length: 250 }, (_, n) => delivery(score({ id: `s-${n}` })))]
    const holder = await db.lock('lock table biomarkers in access exclusive mode')
    const answers = Promise.allSettled(group.map((one) => single.commit(one)))
    await expect.poll(() => count('scores')).toBe(250)
    await holder.release()
    const failed = (await answers).filter(({ status }) => status === 'rejected')
    expect(failed.length).toBeLessThan(100)
    expect(await count('biomarkers')).toBe(250 - failed.length)
  })

  it('one that takes too long is found', async () => {
    await db.query(`create function slow() returns trigger language plpgsql as
      $$ begin if new.value = 'slow' then perform pg_sleep(60); end if; return new; end $$;
      create trigger slow before insert on biomarkers for each row execute function slow()`)
    const quick = createPool(db.url, guardedLog, { statementTimeout: 1000 })
    const single = new GroupCommit(quick, writer, { ...defaultLimits, writers: 1 })
    const { failed, seconds } = await outcomes(
      single,
      many(SIZE, (n) => (n === 77 ? { value: 'slow' } : {})),
    )
    await quick.end()
    expect(failed).toEqual([77])
    expect(seconds).toBeLessThan(5)
    expect(await count('biomarkers')).toBe(SIZE - 1)
  })

  it.each(['P0001', 'XX000', '53100', '42501'])(
    'one that fails with %s is answered 503, and its neighbours are stored',
    async (code) => {
      await db.query(`create function refuse() returns trigger language plpgsql as
        $$ begin if new.value = 'poison' then raise 'no' using errcode = '${code}'; end if; return new; end $$;
        create trigger refuse before insert on biomarkers for each row execute function refuse()`)
      const group = many(SIZE, (n) => (n === 77 ? { value: 'poison' } : {}))
      const { failed, results } = await outcomes(store({ writers: 1 }), group)
      expect(failed).toEqual([77])
      expect((results[77] as PromiseRejectedResult).reason).toBeInstanceOf(Unavailable)
      expect(await count('biomarkers')).toBe(SIZE - 1)
      expect(await count(`deliveries where outcome = 'stored'`)).toBe(SIZE - 1)
    },
  )

  it('a server that can write nothing is asked few times', async () => {
    await db.query(`create function refuse() returns trigger language plpgsql as
      $$ begin perform nextval('tries'); raise 'no space' using errcode = '53100'; end $$;
      create sequence tries;
      create trigger refuse before insert on biomarkers for each statement execute function refuse()`)
    const { failed } = await outcomes(store({ writers: 1 }), many(SIZE))
    expect(failed).toHaveLength(SIZE)
    // The first delivery goes alone, and then the other 511.
    expect(Number((await db.query(`select last_value from tries`))[0]?.last_value)).toBeLessThan(20)
  })

  it("a fault of Nightpost's own is not blamed on the vendor, and its neighbours are stored", async () => {
    const group = many(SIZE)
    const [rows] = group[77]?.verdict.rows ?? []
    const broken = new Proxy(rows?.rows[0] as object, {
      get: (row, key) =>
        key === 'value' ? (undefined as never as { oops: string }).oops : Reflect.get(row, key),
    })
    const verdict = { ...group[77]?.verdict, rows: [{ target: rows?.target, rows: [broken] }] }
    group[77] = { ...group[77], verdict } as Delivery
    const single = store({ writers: 1 })
    const faults: Error[] = []
    single.onFault = (error) => faults.push(error)
    const { failed, results } = await outcomes(single, group)
    expect(failed).toEqual([])
    expect(faults).toEqual([expect.any(TypeError)])
    expect((results[77] as PromiseFulfilledResult<object>).value).toMatchObject({
      outcome: 'rejected',
      problem: { code: 'internal', status: 500 },
    })
    expect(await count('biomarkers')).toBe(SIZE - 1)
    expect(await count(`deliveries where outcome = 'rejected' and problem->>'code' = 'internal'`)).toBe(1)
  })
})

it('whatever holds up the database, every delivery is answered in time', async () => {
  const holder = await pool.connect()
  await holder.query('begin; lock table biomarkers in access exclusive mode')
  const started = Date.now()
  const prompt = store({ answerWithin: 1500 })
  const results = await Promise.allSettled(many(12).map((one) => prompt.commit(one)))
  const took = Date.now() - started
  await holder.query('rollback')
  holder.release()
  for (const result of results) {
    expect(result).toMatchObject({ status: 'rejected', reason: expect.any(Unavailable) })
  }
  expect(took).toBeLessThan(6000)
  await expect(prompt.commit(delivery(biomarker({ category: 'c' })))).resolves.toMatchObject({
    outcome: 'stored',
  })
})

it('refuses more rows than may wait, however few deliveries and bytes they are', async () => {
  const holder = await pool.connect()
  await holder.query('begin; lock table data_logs in access exclusive mode')
  const small = store({ writers: 1, waitingRows: 50, answerWithin: 3000 })
  const samples = (id: string) =>
    delivery(dataLog(Array.from({ length: 60 }, (_, at) => ({ id: `${id}-${at}` }))))
  const first = small.commit(samples('writing'))
  const second = small.commit(samples('waiting'))
  await expect(small.commit(samples('too many'))).rejects.toThrow('Too many deliveries are waiting.')
  await holder.query('rollback')
  holder.release()
  expect((await Promise.all([first, second])).map(({ outcome }) => outcome)).toEqual(['stored', 'stored'])
})

it('of identical bytes in a group the best verdict counts', async () => {
  const good = delivery(biomarker({ category: 'c' }))
  const verdict = unpackAndJudge(
    sahha,
    'signature',
    { 'x-external-id': 'somebody-else' },
    good.arrival.body,
    LIMIT,
  )
  const bad = { ...good, arrival: newArrival(good.arrival.body), verdict }
  expect(verdict.outcome).toBe('rejected')
  const single = store({ writers: 1 })
  const later = { ...bad, arrival: newArrival(good.arrival.body) }
  const receipts = await Promise.all([...many(3), bad, good, later].map((one) => single.commit(one)))
  expect(receipts.slice(3).map(({ outcome }) => outcome)).toEqual(['rejected', 'stored', 'duplicate'])
  expect(
    await db.query(`select outcome, times_received from deliveries where delivery_id = $1`, [bad.arrival.id]),
  ).toEqual([{ outcome: 'stored', times_received: '3' }])
  expect(await count(`biomarkers where id = 'biomarker-1'`)).toBe(1)
})

it('commits durably and in UTC, whatever the database was told', async () => {
  const [{ name } = { name: '' }] = await db.query('select current_database() as name')
  await db.query(`alter database ${name} set synchronous_commit = off`)
  await db.query(`alter database ${name} set timezone = 'Asia/Kathmandu'`)
  const { rows } = await pool.query(
    `select current_setting('synchronous_commit') as commit, current_setting('timezone') as zone`,
  )
  expect(rows).toEqual([{ commit: 'on', zone: 'UTC' }])
})

it('commits durably in commands that delete and link, too', async () => {
  const [{ name } = { name: '' }] = await db.query('select current_database() as name')
  await db.query(`alter database ${name} set synchronous_commit = off`)
  const client = await connectToMigrate(db.direct)
  const { rows } = await client.query(`select current_setting('synchronous_commit') as commit`)
  await client.end()
  expect(rows).toEqual([{ commit: 'on' }])
})

it.each([
  ['remote_apply', 'remote_apply'],
  ['on', 'on'],
  ['remote_write', 'on'],
  ['local', 'on'],
])('where the database commits with %s, Nightpost does with %s', async (given, used) => {
  const [{ name } = { name: '' }] = await db.query('select current_database() as name')
  await db.query(`alter database ${name} set synchronous_commit = ${given}`)
  for (const pooling of [{ mode: 'session' }, { mode: 'transaction', keepsStatements: false }] as const) {
    const own = createPool({ url: db.url, directUrl: db.url, schema: 'public', pooling }, guardedLog)
    const { rows } = await own.query(`select current_setting('synchronous_commit') as commit`)
    expect(rows).toEqual([{ commit: used }])
    await own.end()
  }
})

it('tells Postgres not to quote rows in its log, where its role may', async () => {
  const { rows } = await pool.query(
    `select current_setting('log_min_messages') as now, has_parameter_privilege('log_min_messages', 'SET') as may`,
  )
  expect(rows).toEqual([{ now: 'log', may: true }])
})

it('a delivery of many rows is written in slices of one transaction', async () => {
  const samples = Array.from({ length: 25_000 }, (_, n) => ({ id: `s-${n % 24_000}`, value: n }))
  expect(await store().commit(delivery(dataLog(samples)))).toMatchObject({ outcome: 'stored' })
  expect(await count('data_logs')).toBe(24_000)
  expect(await count('data_logs where value >= 24000')).toBe(1000)
  expect(await db.query('select count(distinct xmin::text) from data_logs')).toEqual([{ count: '1' }])
})

describe('text of the body that stands in each of its rows', () => {
  /** Few bytes of body whose rows are large, as a long `accountId` makes them. */
  const repeating = (id: string, samples: number, length: number) => {
    const one = delivery(dataLog(Array.from({ length: samples }, (_, n) => ({ id: `${id}-${n}` }))))
    const rows = one.verdict.rows.map((into) => ({
      ...into,
      rows: into.rows.map((row) => ({ ...row, account_id: 'x'.repeat(length) })),
    }))
    return { ...one, verdict: { ...one.verdict, rows } }
  }

  it('is sent in bounded statements of one transaction', async () => {
    const sizes: number[] = []
    const watching = {
      connect: async () => {
        const client = await pool.connect()
        const wrapped = Object.create(client)
        wrapped.release = (broken?: boolean) => client.release(broken)
        wrapped.query = (statement: string | { values?: unknown[] }) => {
          const values = typeof statement === 'string' ? [] : (statement.values ?? [])
          sizes.push(values.reduce<number>((sum, value) => sum + ((value as string | null)?.length ?? 0), 0))
          return client.query(statement as string)
        }
        return wrapped
      },
    }
    const one = repeating('s', 3000, 16_000)
    expect(await new GroupCommit(watching as never, writer).commit(one)).toMatchObject({ outcome: 'stored' })
    expect(Math.max(...sizes)).toBeLessThan(10 * 2 ** 20)
    expect(sizes.reduce((sum, size) => sum + size)).toBeGreaterThan(3000 * 16_000)
    expect(await count('data_logs')).toBe(3000)
    expect(await db.query('select count(distinct xmin::text) from data_logs')).toEqual([{ count: '1' }])
  })

  it('counts where deliveries are gathered', async () => {
    const { commits, groups, sizes } = gated({ writers: 1, longTransaction: 60_000 })
    const receipts = takeAll(commits, [
      ...many(1),
      ...Array.from({ length: 4 }, (_, n) => repeating(`r${n}`, 300, 10_000)),
    ])
    await expect.poll(sizes).toEqual([1])
    groups[0]?.end()
    await expect.poll(sizes).toEqual([1, 2])
    groups[1]?.end()
    await expect.poll(sizes).toEqual([1, 2, 2])
    groups[2]?.end()
    await Promise.all(receipts)
  })
})

describe('a lost connection', () => {
  it('loses no delivery that was acknowledged, however often it happens', async () => {
    const commits = store({ groupDeliveries: 5 })
    let kills = 0
    const timer = setInterval(() => {
      // Groups commit between two kills on a quick machine, and after the last one on any.
      kills += 1
      if (kills === 20) clearInterval(timer)
      db.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
      ).catch(() => {})
    }, 40)
    const results = await Promise.allSettled(many(600).map((one) => commits.commit(one)))
    clearInterval(timer)
    const acked = results.filter(({ status }) => status === 'fulfilled').length
    expect(acked).toBeGreaterThan(0)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(Unavailable)
    expect(await count('biomarkers')).toBeGreaterThanOrEqual(acked)
    expect(await count('deliveries')).toBe(await count('biomarkers'))
  })

  it('after the commit, before its answer, is answered as stored and counted once', async () => {
    let lost = false
    const losing = {
      connect: async () => {
        const client = await pool.connect()
        const query = client.query.bind(client)
        const wrapped = Object.create(client)
        wrapped.release = (broken?: boolean) => client.release(broken)
        wrapped.query = async (...args: Parameters<typeof query>) => {
          const result = await query(...args)
          if (!lost) {
            lost = true
            throw new Error('Connection terminated unexpectedly')
          }
          return result
        }
        return wrapped
      },
    }
    const commits = new GroupCommit(losing as never, writer)
    const one = delivery(biomarker({ category: 'c' }))
    expect(await commits.commit(one)).toMatchObject({ outcome: 'stored', deliveryId: one.arrival.id })
    expect(lost).toBe(true)
    expect(await db.query('select times_received from deliveries')).toEqual([{ times_received: '1' }])
  })
})

it('a conflict with another transaction is tried again', async () => {
  let conflicts = 0
  const conflicting = {
    connect: async () => {
      const client = await pool.connect()
      if (conflicts++ < 2) {
        const wrapped = Object.create(client)
        wrapped.release = (broken?: boolean) => client.release(broken)
        wrapped.query = async (statement: unknown) => {
          if (statement === 'rollback') return client.query(statement)
          throw Object.assign(new pg.DatabaseError('deadlock detected', 0, 'error'), { code: '40P01' })
        }
        return wrapped
      }
      return client
    },
  }
  const commits = new GroupCommit(conflicting as never, writer)
  expect(await commits.commit(delivery(biomarker({ category: 'c' })))).toMatchObject({ outcome: 'stored' })
  expect(conflicts).toBe(3)
})

it('past its limit refuses, and stores what it took', async () => {
  const tight = store({ writers: 1, groupDeliveries: 2, waitingDeliveries: 5 })
  const results = await Promise.allSettled(many(20).map((one) => tight.commit(one)))
  const refused = results.filter(({ status }) => status === 'rejected')
  expect(refused.length).toBeGreaterThan(0)
  for (const result of refused) expect((result as PromiseRejectedResult).reason).toBeInstanceOf(Unavailable)
  expect(await count('biomarkers')).toBe(20 - refused.length)
})

it('closing commits all that was taken, and takes nothing more', async () => {
  const closing = store({ groupDeliveries: 3 })
  const taken = many(50).map((one) => closing.commit(one))
  const closed = closing.close()
  await expect(closing.commit(delivery(biomarker()))).rejects.toBeInstanceOf(Unavailable)
  await closed
  expect(await count('biomarkers')).toBe(50)
  await Promise.all(taken)
})

it('two stores on one database agree on identical deliveries sent to both', async () => {
  const [left, right] = [store(), store()]
  const deliveries = many(100)
  const copies = deliveries.map(({ arrival }) => delivery(JSON.parse(arrival.body.toString())))
  const receipts = await Promise.all([
    ...deliveries.map((each) => left.commit(each)),
    ...copies.reverse().map((each) => right.commit(each)),
  ])
  expect(receipts.filter(({ outcome }) => outcome === 'stored')).toHaveLength(100)
  expect(receipts.filter(({ outcome }) => outcome === 'duplicate')).toHaveLength(100)
  expect(await count('deliveries where times_received = 2')).toBe(100)
})
