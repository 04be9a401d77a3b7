import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/index.ts'
import { replay } from '../../src/replay/replay.ts'
import { startVendors, type Vendors } from '../../src/tools/simulate/serve/vendors.ts'
import { simulateLossyTraffic, type TrafficOptions } from '../../src/tools/simulate/traffic.ts'
import { vendors as registered } from '../../src/vendors/index.ts'
import { guardedLog } from '../setup/log-guard.ts'
import { allContent, contentRows, deliver, type Reconciler, reconcilerOn } from '../setup/reconcile.ts'
import { setup, type TestService } from '../setup/service.ts'

/** The size of the story: the figures of docs/reconcile.md are those of RECONCILE_USERS=40 RECONCILE_NIGHTS=25. */
const USERS = Number(process.env.RECONCILE_USERS ?? 4)
const NIGHTS = Number(process.env.RECONCILE_NIGHTS ?? 6)

const UNTIL = '2025-11-03'
const DAY = 86_400_000
const period = {
  from: new Date(Date.parse(UNTIL) - NIGHTS * DAY).toISOString(),
  to: new Date(Date.parse(UNTIL) + 2 * DAY).toISOString(),
}

const options: TrafficOptions = {
  seed: 'reconcile',
  users: USERS,
  nights: NIGHTS,
  until: UNTIL,
  duplicates: 0,
  invalid: 0,
  shuffle: false,
  reanalysed: NIGHTS > 20 ? 0.02 : 0.1,
  finalOnly: true,
  callbackVersion: 'V3',
}

describe('what never came is recovered', { timeout: 600_000 }, () => {
  let vendors: Vendors
  let service: TestService
  let whole: TestService
  let reconciler: Reconciler
  beforeAll(async () => {
    vendors = await startVendors({ ...options, sendReanalysed: true })
    whole = await setup({ MAINTENANCE: 'off' })
    service = await setup({ MAINTENANCE: 'off' })
    await deliver(whole, simulateLossyTraffic({ ...options, sendReanalysed: true }).sequences)
    await deliver(service, simulateLossyTraffic({ ...options, drop: 0.05 }).sequences)
    reconciler = reconcilerOn(service.db, vendors, period)
  }, 600_000)
  afterAll(async () => {
    await reconciler.close()
    await Promise.all([vendors.close(), whole.close(), service.close()])
  })

  it('by one run, and a second run finds nothing and changes nothing', async () => {
    const expected = await contentRows(whole.db)
    const differing = async () => {
      const [rows, should] = [await contentRows(service.db), new Set(expected)]
      return rows.filter((row) => !should.has(row)).length + Math.abs(rows.length - expected.length)
    }
    expect(await differing()).toBeGreaterThan(0)

    const runs = [await reconciler.run('asleep'), await reconciler.run('sahha')]
    for (const run of runs) {
      if (process.env.RECONCILE_PRINT)
        console.log(run.vendor, run.calls, run.people, run.byEvent, run.notes, run.suspectDays)
      expect(run.failures).toEqual(new Map())
      expect(run.outcome).toBe('complete')
      expect(run.count('kept')).toBe(0)
      expect(run.pulled).toBe(run.count('missing') + run.count('differing'))
    }
    expect(runs[0]?.count('missing')).toBeGreaterThan(0)
    expect(runs[0]?.count('differing')).toBeGreaterThan(0)
    expect(runs[1]?.count('missing')).toBeGreaterThan(0)
    expect(await differing()).toBe(0)

    const before = await service.db.query('select * from deliveries order by delivery_id')
    for (const vendor of ['asleep', 'sahha']) {
      const again = await reconciler.run(vendor)
      if (process.env.RECONCILE_PRINT) console.log('again', again.vendor, again.calls, again.byEvent)
      expect(again.found).toEqual([])
      expect(again.committed.size).toBe(0)
    }
    expect(await service.db.query('select * from deliveries order by delivery_id')).toEqual(before)
  })

  it('with rows that say that they were pulled, and by which run', async () => {
    const rows = await service.db.query(
      `select t.pulled_at = d.received_at as is_at_arrival, d.authenticated_by, d.headers ? 'nightpost-run' as has_run,
         r.vendor = d.vendor as is_of_run, count(*) as rows
       from (select delivery_id, pulled_at from sleep_sessions union all select delivery_id, pulled_at from biomarkers
             union all select delivery_id, pulled_at from scores union all select delivery_id, pulled_at from archetypes) as t
       join deliveries as d using (delivery_id)
       left join reconcile_runs as r on r.run_id::text = d.headers->>'nightpost-run'
       where d.source = 'pull' or t.pulled_at is not null group by 1, 2, 3, 4`,
    )
    expect(rows).toEqual([
      {
        ...{ is_at_arrival: 't', authenticated_by: 'pull', has_run: 't', is_of_run: 't' },
        rows: expect.any(String),
      },
    ])
  })

  it('and a replay makes the same rows, where they come from included', async () => {
    const before = await allContent(service.db)
    const config = readConfig({ ASLEEP_API_KEYS: 'any', SAHHA_API_KEYS: 'any' })
    const replayed = (all: boolean) =>
      replay({
        ...{ databaseUrl: service.db.url, vendors: registered, config, log: guardedLog, all },
        ...{ filter: {}, dryRun: false, signal: new AbortController().signal, progress: () => {} },
      })
    const rebuilt = await replayed(true)
    expect([rebuilt.failed, rebuilt.changedRows]).toEqual([0, 0])
    expect((await replayed(false)).failed).toBe(0)
    expect((await allContent(service.db)) === before).toBe(true)
    await service.db.query(
      'delete from sleep_sessions; delete from scores; delete from biomarkers; delete from archetypes',
    )
    await replayed(true)
    expect((await allContent(service.db)) === before).toBe(true)
  })
})
