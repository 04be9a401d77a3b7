import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../src/db/connect/pool.ts'
import { erase } from '../src/erase/erase.ts'
import { personOfOwner } from '../src/erase/person.ts'
import { startVendors, type Vendors } from '../src/tools/simulate/serve/vendors.ts'
import { simulateLossyTraffic, type TrafficOptions } from '../src/tools/simulate/traffic.ts'
import { sahha } from '../src/vendors/sahha/index.ts'
import { contentRows, deliver, fastLimits, type Reconciler, reconcilerOn } from './setup/reconcile.ts'
import { setup, type TestService } from './setup/service.ts'

const options: TrafficOptions = {
  seed: 'faults',
  users: 3,
  nights: 5,
  until: '2025-11-03',
  duplicates: 0,
  invalid: 0,
  shuffle: false,
  finalOnly: true,
  callbackVersion: 'V3',
  without: ['DataLogReceivedIntegrationEvent', 'INFERENCE_COMPLETE'],
}
const period = { from: '2025-10-30T00:00:00Z', to: '2025-11-05T00:00:00Z' }
const limits = { ...fastLimits, attempts: 12, answerWithin: 400 }

let vendors: Vendors
let service: TestService
let reconciler: Reconciler
let expected: string[]
beforeAll(async () => {
  vendors = await startVendors(options)
  service = await setup({ MAINTENANCE: 'off' })
  await deliver(service, simulateLossyTraffic(options).sequences)
  expected = await contentRows(service.db)
  reconciler = reconcilerOn(service.db, vendors, period)
})
afterAll(async () => {
  await reconciler.close()
  await Promise.all([vendors.close(), service.close()])
})

let losses = 0

/** Many deliveries were never received, other ones each time. Everybody is still known. */
async function loseMany(): Promise<void> {
  losses += 1
  const lost = await service.db.query(
    `delete from deliveries where abs(hashtext(encode(body_digest, 'hex') || $1::text)) % 10 < 4 returning delivery_id`,
    [losses],
  )
  // Citus can't compare with the ledger by the id alone.
  for (const name of ['sleep_sessions', 'scores', 'biomarkers', 'archetypes'])
    await service.db.query(`delete from ${name} where delivery_id = any($1::uuid[])`, [
      lost.map(({ delivery_id }) => delivery_id),
    ])
}

afterEach(() => {
  vendors.setFaults({})
  vendors.forgetCalls()
})

/** The beginnings of the rows that are missing or too many. */
async function differences(wanted = expected): Promise<string[]> {
  const rows = await contentRows(service.db)
  const [is, should] = [new Set(rows), new Set(wanted)]
  const odd = [...wanted.filter((row) => !is.has(row)), ...rows.filter((row) => !should.has(row))]
  return odd.map((row) => row.slice(0, 80))
}

const both = async (options: Parameters<Reconciler['run']>[1] = {}) => [
  await reconciler.run('asleep', { limits, ...options }),
  await reconciler.run('sahha', { limits, ...options }),
]

describe('whatever the vendor does wrong, a run recovers everything within its limits', () => {
  it.each([
    ['errors', { error: 0.3 }],
    ['broken connections', { reset: 0.3 }],
    ['malformed answers', { malformed: 0.3 }],
    ['slow answers', { slow: 0.1, slowMs: 1_000 }],
    ['partial pages', { partialPages: 0.5 }],
    ['tokens that expire', { expireTokenAfter: 2 }],
    ['all of them', { error: 0.1, reset: 0.1, malformed: 0.1, partialPages: 0.3, expireTokenAfter: 5 }],
  ])('%s', async (_name, faults) => {
    await loseMany()
    vendors.setFaults(faults)
    for (const run of await both()) expect([run.outcome, run.failures]).toEqual(['complete', new Map()])
    expect(await differences()).toEqual([])
    expect(vendors.maxConcurrent('asleep')).toBeLessThanOrEqual(limits.concurrent)
    expect(vendors.maxConcurrent('sahha')).toBeLessThanOrEqual(limits.concurrent)
  })

  it('a limit of the rate, which Asleep tells by 403 and Sahha by 429', async () => {
    await loseMany()
    vendors.setFaults({ rate: 0.1 })
    for (const run of await both()) expect(run.outcome).toBe('complete')
    expect(await differences()).toEqual([])
  })
})

describe('what was pulled stays pulled', () => {
  it('where an answer is empty by mistake: nothing is lost, and the next run finds it', async () => {
    await loseMany()
    const before = await contentRows(service.db)
    vendors.setFaults({ empty: 1 })
    expect((await reconciler.run('sahha', { limits })).outcome).toBe('complete')
    expect(await differences(before)).toEqual([])
    vendors.setFaults({})
    await both()
    expect(await differences()).toEqual([])
  })

  it.each([
    ['quota', { quotaAfter: 5 }, /quota/],
    ['plan', { planAfter: 5 }, /plan/],
  ])('where the %s ends a run', async (_name, faults, reason) => {
    await loseMany()
    const before = (await contentRows(service.db)).length
    vendors.setFaults(faults)
    const run = await reconciler.run('asleep', { limits, isQuick: true })
    expect(run.outcome).toBe('failed')
    expect(run.reason).toMatch(reason)
    // Requests that were under way beside the refused one.
    expect(run.calls).toBeLessThanOrEqual(5 + limits.concurrent)
    expect((await contentRows(service.db)).length).toBeGreaterThan(before)
    vendors.setFaults({})
    await both()
    expect(await differences()).toEqual([])
  })

  it('where the budget ends it, and runs that follow complete the work', async () => {
    await loseMany()
    // Requests that are repeated: one that waits when the budget is spent must not change what the run reports.
    vendors.setFaults({ error: 0.3 })
    let runs = 0
    for (let isDone = false; !isDone; runs += 1) {
      const run = await reconciler.run('asleep', { limits: { ...limits, calls: 5 }, isQuick: true })
      expect(run.calls).toBeLessThanOrEqual(5)
      isDone = run.outcome === 'complete'
      expect(runs).toBeLessThan(40)
      if (!isDone) expect(run.reason).toBe('The budget of 5 calls is spent.')
    }
    expect(runs).toBeGreaterThan(1)
  })

  it('where it is interrupted: what was fetched is stored', async () => {
    await loseMany()
    const interruption = new AbortController()
    let calls = 0
    const run = await reconciler.run('asleep', {
      limits,
      isQuick: true,
      signal: interruption.signal,
      onCall: () => {
        calls += 1
        if (calls === 5) interruption.abort()
      },
    })
    expect([run.outcome, run.reason]).toEqual(['incomplete', 'The run was interrupted.'])
    expect(run.pulled).toBeGreaterThan(0)
    await both()
    expect(await differences()).toEqual([])
  })

  it('where every request fails: the run ends', async () => {
    await loseMany()
    const before = await contentRows(service.db)
    vendors.setFaults({ error: 1 })
    const few = { ...limits, attempts: 3, failuresInARow: 2 }
    for (const run of await both({ limits: few })) {
      expect(run.outcome).toBe('failed')
      expect(run.calls).toBeLessThanOrEqual(3 * (2 + few.concurrent))
    }
    expect(await differences(before)).toEqual([])
  })
})

describe('what a run does not do', () => {
  it('shows a credential: a wrong one is named by its setting', async () => {
    const secret = 'a-wrong-secret-of-this-test'
    const wrong = { setting: (name: string) => (name.endsWith('_URL') ? urlOf(name) : secret) }
    const runs = await both({ ...wrong, credentials: () => [secret] })
    expect(runs.map(({ outcome }) => outcome)).toEqual(['failed', 'failed'])
    expect(runs[0]?.reason).toMatch(/ASLEEP_API_KEYS/)
    expect(runs[1]?.reason).toMatch(/SAHHA_CLIENT_ID/)
    const recorded = JSON.stringify(await service.db.query('select * from reconcile_runs'))
    expect(recorded).not.toContain(secret)
  })

  it('write with --dry-run, which finds what a run would', async () => {
    await loseMany()
    const before = await contentRows(service.db)
    const runsBefore = await service.db.query('select * from reconcile_runs')
    const dry = await both({ isDryRun: true })
    expect(await differences(before)).toEqual([])
    expect(await service.db.query('select * from reconcile_runs')).toEqual(runsBefore)
    const real = await both()
    expect(dry.map(({ byEvent }) => byEvent)).toEqual(real.map(({ byEvent }) => byEvent))
    // What is missing needs no fetch to be counted.
    expect(dry[0]?.calls).toBeLessThan(real[0]?.calls ?? 0)
  })

  it('ask about an erased person', async () => {
    await loseMany()
    const [{ owner }] = (await service.db.query(
      "select owner from owners where vendor = 'sahha' order by owner limit 1",
    )) as [{ owner: string }]
    const client = await connect(service.db.direct, { name: 'erase', use: 'write' })
    await erase(client, await personOfOwner(client, sahha, owner))
    await client.end()
    const run = await reconciler.run('sahha', { limits })
    expect([run.outcome, run.notes.get('erased')]).toEqual(['complete', 1])
    expect(vendors.calls()['sahha GET /api/v1/profile/biomarker/:externalId']).toBe(options.users - 1)
    expect(await service.db.query('select * from biomarkers where profile_id = $1', [owner])).toEqual([])
  })
})

const urlOf = (name: string) => (name === 'ASLEEP_API_URL' ? vendors.asleepUrl : vendors.sahhaUrl)
