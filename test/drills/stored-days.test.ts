import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/index.ts'
import type { GroupCommit } from '../../src/db/commit/group-commit.ts'
import { defaultLimits } from '../../src/db/commit/limits.ts'
import { createPool } from '../../src/db/connect/pool.ts'
import { computeDays, lockOwners } from '../../src/db/days/compute.ts'
import { storeDays } from '../../src/db/days/store.ts'
import { zoneRules } from '../../src/db/days/zone-rules.ts'
import { link, unlink } from '../../src/db/links.ts'
import { migrate, resetSession } from '../../src/db/migrate/migrate.ts'
import { deleteEntries } from '../../src/db/upkeep/retention.ts'
import { adaptingStore } from '../../src/db/write/adapting-writer.ts'
import { erase } from '../../src/erase/erase.ts'
import { personOfOwner } from '../../src/erase/person.ts'
import { newArrival } from '../../src/ingest/delivery.ts'
import { unpackAndJudge } from '../../src/ingest/judge.ts'
import { replay } from '../../src/replay/replay.ts'
import { startService } from '../../src/service.ts'
import { vendors } from '../../src/vendors/index.ts'
import { middleDay } from '../../src/vendors/sahha/tables/columns.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { guardedLog } from '../setup/log-guard.ts'
import { ASLEEP_KEY, SAHHA_SECRET } from '../setup/service.ts'

/** The days that are stored, with those that changed since, are the days that are computed from the rows. */

const RUNS = Number(process.env.CONVERGENCE_RUNS ?? 40)
const targets = vendors.flatMap(({ targets }) => targets)

let db: TestDatabase
let pool: pg.Pool
let client: pg.Client
let stores: GroupCommit[]
let rules: string
beforeAll(async () => {
  db = await createDatabase()
  // The database is a copy, so its change feed begins an epoch.
  await migrate(db.direct, guardedLog)
  pool = createPool(db.url, guardedLog)
  stores = [1, 2].map(() => adaptingStore(pool, targets, { ...defaultLimits, groupDeliveries: 3 }))
  client = new pg.Client(db.direct)
  await client.connect()
  await resetSession(client, 'public')
  rules = await zoneRules(client)
})
afterAll(async () => {
  for (const store of stores) await store.close()
  await client.end()
  await pool.end()
  await db.drop()
})

const DAYS = ['2025-01-14', '2025-01-15', '2025-01-16', '2025-02-20']
const day = fc.constantFrom(...DAYS)
const offset = fc.constantFrom('Z', '+09:00', '-08:00')
const name = (start: string, count: number) => fc.nat(count - 1).map((n) => `${start}${n}`)
const ofSahha = fc.record({
  profileId: name('profile-', 3),
  externalId: fc.constantFrom('', 'ann', 'bob', 'G-0', undefined),
  id: name('record-', 3),
  createdAtUtc: fc.constantFrom(undefined, '2025-03-01T00:00:00Z', '2025-03-02T00:00:00Z'),
})

const biomarker = fc
  .record({
    ...{ of: ofSahha, day, offset, end: fc.constantFrom(undefined, ...DAYS) },
    time: fc.constantFrom('00:00:00', '12:00:00', '23:59:59', '23:59:59.9999995'),
    type: fc.constantFrom('steps', 'weight'),
    unit: fc.constantFrom('count', 'kg'),
    periodicity: fc.constantFrom('daily', 'daily', 'weekly', undefined),
    aggregation: fc.constantFrom('total', 'maximum'),
    value: fc.nat(9),
  })
  .map(({ of, day, offset, end, time, value, ...fields }) => ({
    vendor: 'sahha',
    user: of.externalId,
    body: {
      ...{
        ...of,
        ...fields,
        category: 'activity',
        value: `${value}`,
        startDateTime: `${day}T${time}${offset}`,
      },
      ...(end && { endDateTime: `${end}T23:59:59${offset}` }),
    },
  }))

const score = fc
  .record({ of: ofSahha, day, offset, type: fc.constantFrom('sleep', 'activity'), value: fc.nat(9) })
  .map(({ of, day, offset, type, value }) => ({
    vendor: 'sahha',
    user: of.externalId,
    body: { ...of, type, score: value / 10, factors: [], scoreDateTime: `${day}T00:00:00${offset}` },
  }))

const session = fc
  .record({
    ...{ user: fc.constantFrom('ann', 'G-0', 'G-1'), id: name('session-', 3), day, offset },
    end: fc.option(fc.nat(40)),
    zone: fc.constantFrom('Asia/Seoul', 'America/Los_Angeles', 'No/Where', undefined),
    asleep: fc.option(fc.nat(480)),
  })
  .map(({ user, id, day, offset, end, zone, asleep }) => {
    const start = `${day}T23:00:00${offset}`
    const at = (hours: number) => new Date(Date.parse(start) + hours * 3_600_000).toISOString()
    return {
      vendor: 'asleep',
      user,
      body: {
        ...{ event: 'SESSION_COMPLETE', version: 'V3' },
        data: {
          user_id: user,
          session: {
            ...{ id, state: 'COMPLETE', start_time: start, created_timezone: zone },
            ...(end !== null && { end_time: at(end) }),
          },
          stat:
            asleep === null ? null : { time_in_sleep: asleep * 60, sleep_time: at(0.2), wake_time: at(8) },
        },
      },
    }
  })

const deliveries = fc.array(fc.oneof(biomarker, score, session), { minLength: 1, maxLength: 8 })
type Sent = typeof deliveries extends fc.Arbitrary<Array<infer T>> ? T : never

/** Commits deliveries as the route would, through two instances. */
async function deliver(all: readonly Sent[]): Promise<void> {
  await Promise.all(
    all.map(({ vendor: of, user, body }, at) => {
      const vendor = vendors.find(({ name }) => name === of) as (typeof vendors)[number]
      const arrival = newArrival(Buffer.from(JSON.stringify(body)))
      const isAsleep = of === 'asleep'
      const headers = user ? { [isAsleep ? 'x-user-id' : 'x-external-id']: user } : {}
      const authenticatedBy = isAsleep ? 'api_key' : 'signature'
      const verdict = unpackAndJudge(vendor, authenticatedBy, headers, arrival.body, 10 * 2 ** 20)
      expect(verdict.outcome).toBe('stored')
      return (stores[at % 2] as GroupCommit).commit({
        ...{ arrival, verdict, vendor: of, authenticatedBy, headers, source: 'push' as const, isLate: true },
        normaliserVersion: vendor.normaliserVersion,
      })
    }),
  )
}

/** Days of which the two views differ, in one snapshot. */
const DIFFERENCE = `select count(*) as n from (
  (select * from user_days except all select * from computed_days)
  union all (select * from computed_days except all select * from user_days)) as days`
const difference = async (on: pg.ClientBase = client) => (await on.query(DIFFERENCE)).rows[0].n as string

async function step(limits?: { changes: number; owners: number }) {
  const on = await pool.connect()
  try {
    return await storeDays(on, { schema: 'public', targets, rules, ...(limits && { limits }) })
  } finally {
    on.release()
  }
}

/** Stores the days of all changes that no slower transaction of the server holds up. */
async function storeDaysNow(): Promise<void> {
  for (let steps = 0; ; steps += 1) {
    const progress = await step()
    if (progress === 'done') return
    if (steps > 1_000) throw new Error(`not done after ${steps} steps: ${progress}`)
  }
}

/** Stores the days of all changes. A transaction of another test on the server may hold them up for a moment. */
async function storeAll(): Promise<void> {
  await expect
    .poll(async () => {
      await storeDaysNow()
      return db.query('select * from changed_persons()')
    })
    .toEqual([])
}

/** What is stored, without the days that are computed at the moment. */
const stored = () => db.query('select * from stored_days order by person_id, local_date')

async function empty(): Promise<void> {
  const tables = ['deliveries', 'body_groups', 'owners', 'person_links', 'erasures', 'stored_days']
  for (const table of [...tables, 'scores', 'biomarkers', 'sleep_sessions'])
    await db.query(`delete from ${table}`)
  await db.query('update stored_days_state set change_position = null, epoch = null, began_at = null')
}

async function rebuildAll(): Promise<void> {
  const config = readConfig({ DATABASE_URL: db.direct })
  await replay({
    ...{ databaseUrl: db.direct, vendors, config, log: guardedLog, filter: {}, all: true, dryRun: false },
    ...{ signal: new AbortController().signal, progress: () => {} },
  })
}

const owner = fc.constantFrom(
  ['asleep', 'ann'],
  ['asleep', 'G-0'],
  ['sahha', 'profile-0'],
  ['sahha', 'profile-1'],
)
const action = fc.oneof(
  { weight: 8, arbitrary: deliveries.map((all) => ({ do: 'deliver' as const, all })) },
  { weight: 4, arbitrary: fc.constant({ do: 'step' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'store' as const }) },
  {
    weight: 2,
    arbitrary: fc
      .record({ of: owner, person: fc.constantFrom('ann', 'bob', 'profile-0') })
      .map(({ of, person }) => ({ do: 'link' as const, of, person })),
  },
  { weight: 1, arbitrary: owner.map((of) => ({ do: 'unlink' as const, of })) },
  { weight: 1, arbitrary: owner.map((of) => ({ do: 'erase' as const, of })) },
)

async function act(given: typeof action extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
  if (given.do === 'deliver') return deliver(given.all)
  if (given.do === 'step') return void (await step({ changes: 3, owners: 1 }))
  if (given.do === 'store') return storeAll()
  const [vendor, owner] = given.of as [string, string]
  if (given.do === 'link') return link(client, vendor, owner, given.person).catch(ignoreErased)
  if (given.do === 'unlink') return void (await unlink(client, vendor, owner))
  const of = vendors.find(({ name }) => name === vendor) as (typeof vendors)[number]
  const { after } = await erase(client, await personOfOwner(client, of, owner))
  expect(Object.values(after.counts).filter((n) => n !== 0)).toEqual([])
}

function ignoreErased(error: Error): void {
  if (error.name !== 'ErasedPerson') throw error
}

describe('user_days', { timeout: 240_000 }, () => {
  it('is what computed_days is, after whatever was done, and so is what is stored in the end', async () => {
    let computed = 0
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 16 }), async (actions) => {
        await empty()
        for (const given of actions) {
          await act(given)
          expect(await difference()).toBe('0')
        }
        await storeAll()
        expect(await stored()).toEqual(
          await db.query('select * from computed_days order by person_id, local_date'),
        )
        computed += (await stored()).length
      }),
      { numRuns: RUNS },
    )
    expect(computed).toBeGreaterThan(RUNS)
  })

  it('is so at every moment while deliveries, links, erasures and the storing run at once', async () => {
    await empty()
    const end = new AbortController()
    let looks = 0
    const loop = async (pause: number, work: () => Promise<void>) => {
      while (!end.signal.aborted) {
        await work()
        await sleep(pause)
      }
    }
    const look = async () => {
      const reader = new pg.Client(db.direct)
      await reader.connect()
      await loop(5, async () => {
        expect(await difference(reader)).toBe('0')
        looks += 1
      })
      await reader.end()
    }
    const samples = (n: number) => fc.sample(deliveries, n)
    const changes = fc
      .sample(action, 2_000)
      .filter(({ do: what }) => ['link', 'unlink', 'erase'].includes(what))
    let nth = 0
    const results = await Promise.allSettled(
      [
        ...[1, 2].map(() => loop(0, async () => deliver(samples(1)[0] as Sent[]))),
        loop(0, async () => void (await step({ changes: 5, owners: 1 }))),
        loop(20, async () => {
          await act(changes[nth++ % changes.length] as (typeof changes)[number])
          await db.query('delete from erasures')
        }),
        ...[1, 2].map(look),
        sleep(12_000).then(() => end.abort()),
      ].map((work) =>
        work.catch((error) => {
          end.abort()
          throw error
        }),
      ),
    )
    for (const result of results) if (result.status === 'rejected') throw result.reason
    expect(looks).toBeGreaterThan(50)
    await storeAll()
    expect(await stored()).toEqual(
      await db.query('select * from computed_days order by person_id, local_date'),
    )
  })

  it('is stored by the service, and computed after that only for persons with changed data', async () => {
    await empty()
    const config = readConfig({ ASLEEP_API_KEYS: ASLEEP_KEY, SAHHA_WEBHOOK_SECRETS: SAHHA_SECRET })
    const { app } = await startService(config, db.url, guardedLog)
    await deliver(fc.sample(deliveries, { numRuns: 10, seed: 9 }).flat())
    const isStored = async () => {
      const [row] = await db.query(
        'select stored_days_are_complete() and not exists (select from changed_persons()) as is',
      )
      return row?.is
    }
    await expect.poll(isStored, { timeout: 30_000, interval: 200 }).toBe('t')
    const computed = 'select * from computed_days order by person_id, local_date'
    expect(await stored()).toEqual(await db.query(computed))
    await deliver(fc.sample(deliveries, { numRuns: 10, seed: 10 }).flat())
    expect(await difference()).toBe('0')
    await expect.poll(isStored, { timeout: 30_000, interval: 200 }).toBe('t')
    expect(await stored()).toEqual(await db.query(computed))
    await app.close()
  })

  it('waits for a slow transaction, and forgets no day that it changes', async () => {
    await empty()
    const slow = { profileId: 'profile-0', id: 'record-0', externalId: 'ann' }
    const fast = { profileId: 'profile-1', id: 'record-0', externalId: 'bob' }
    const of = (body: object, day: string): Sent =>
      ({
        ...{ vendor: 'sahha', user: 'externalId' in body ? body.externalId : '' },
        body: { ...body, type: 'sleep', score: 0.5, scoreDateTime: `${day}T00:00:00Z` },
      }) as Sent
    await deliver([of(slow, '2025-01-14')])
    await storeAll()
    const held = await db.lock(`select from scores where profile_id = 'profile-0' for update`)
    const delivered = deliver([of(slow, '2025-01-16')])
    await expect
      .poll(() =>
        db.query(
          `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        ),
      )
      .toHaveLength(1)
    await deliver([of(fast, '2025-01-15')])
    await storeDaysNow()
    expect(await difference()).toBe('0')
    await held.release()
    await delivered
    expect(await difference()).toBe('0')
    await storeAll()
    expect(await stored()).toMatchObject([
      { person_id: 'ann', local_date: '2025-01-16' },
      { person_id: 'bob', local_date: '2025-01-15' },
    ])
  })

  it('an erasure waits for the days that are being stored, and deletes them', async () => {
    await empty()
    await deliver(fc.sample(session, { numRuns: 30, seed: 1 }))
    const range = { persons: ['ann'], first_day: '-infinity', last_day: 'infinity' }
    const on = await pool.connect()
    await on.query('begin')
    await lockOwners(on, range.persons)
    await computeDays(on, [range])
    const asleep = vendors.find(({ name }) => name === 'asleep') as (typeof vendors)[number]
    let isErased = false
    const erased = erase(client, await personOfOwner(client, asleep, 'ann')).then(() => {
      isErased = true
    })
    await expect
      .poll(() =>
        db.query(
          `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        ),
      )
      .toHaveLength(1)
    expect(isErased).toBe(false)
    await on.query('commit')
    on.release()
    await erased
    expect(await stored()).toEqual([])
    expect((await db.query('select from computed_days')).length).toBeGreaterThan(1)
  })

  it('is so after nightpost replay --all gave back rows that were missing', async () => {
    await empty()
    await deliver(fc.sample(deliveries, { numRuns: 20, seed: 7 }).flat())
    await storeAll()
    const before = await stored()
    expect(before.length).toBeGreaterThan(3)
    await db.query(`delete from sleep_sessions where session_id <> 'session-0'`)
    await db.query(
      `update biomarkers set value_number = value_number + 1, start_date_time = start_date_time + interval '10 days'`,
    )
    await rebuildAll()
    expect(await difference()).toBe('0')
    await storeAll()
    expect(await stored()).toEqual(before)
  })

  it('is computed whole after retention deleted changes that were not read, by other rules of time zones, and in another epoch', async () => {
    await empty()
    await deliver(fc.sample(deliveries, { numRuns: 5, seed: 3 }).flat())
    await storeAll()
    const isComplete = async () => (await client.query('select stored_days_are_complete() as is')).rows[0].is
    expect(await isComplete()).toBe(true)
    const entries = (await db.query('select * from deliveries')).length
    await deliver(fc.sample(deliveries, { numRuns: 5, seed: 4 }).flat())
    expect(await deleteEntries(client, Date.now() + 60_000, new AbortController().signal)).toBeGreaterThan(
      entries,
    )
    expect(await isComplete()).toBe(false)
    expect(await difference()).toBe('0')
    await storeAll()
    expect(await isComplete()).toBe(true)
    expect(await difference()).toBe('0')

    expect(await storeDays(client as never, { schema: 'public', targets, rules: 'others' })).toBe('computing')
    expect(await isComplete()).toBe(false)
    await storeAll()
    expect(await isComplete()).toBe(true)
    await db.query(`update change_feed set epoch = 'another'`)
    expect(await isComplete()).toBe(false)
    expect(await difference()).toBe('0')
    await storeAll()
    expect(await isComplete()).toBe(true)
  })
})

it('middleDay agrees with Postgres about the day of a biomarker', async () => {
  const text = fc
    .record({
      day: fc.date({ min: new Date('2024-12-30'), max: new Date('2025-01-03'), noInvalidDate: true }),
      offset,
    })
    .chain(({ day, offset }) =>
      fc
        .constantFrom(
          day.toISOString().slice(0, -1),
          `${day.toISOString().slice(0, 10)}T00:00:00`,
          `${day.toISOString().slice(0, 10)}T23:59:59.999999`,
        )
        .map((text) => `${text}${offset}`),
    )
  const periods = fc.sample(
    fc.record({ start: text, end: fc.option(text), minutes: fc.option(fc.integer({ min: -840, max: 840 })) }),
    2_000,
  )
  const rows = await db.query(
    `select ((s::timestamptz at time zone 'UTC') + coalesce(e::timestamptz - s::timestamptz, '0') / 2
       + coalesce(m, 0) * interval '1 minute')::date as day from unnest($1::text[], $2::text[], $3::int[]) with ordinality as r(s, e, m, nth) order by nth`,
    [periods.map(({ start }) => start), periods.map(({ end }) => end), periods.map(({ minutes }) => minutes)],
  )
  const wrong = periods.filter(({ start, end, minutes }, at) => {
    const found = middleDay({ start_date_time: start, end_date_time: end, utc_offset_minutes: minutes })
    return found !== undefined && found !== rows[at]?.day
  })
  expect(wrong).toEqual([])
  const known = periods.filter(({ start, end, minutes }) =>
    middleDay({ start_date_time: start, end_date_time: end, utc_offset_minutes: minutes }),
  )
  expect(known.length).toBeGreaterThan(1_000)
})
