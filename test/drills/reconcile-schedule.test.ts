import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/index.ts'
import { createPool } from '../../src/db/connect/pool.ts'
import { directConnection } from '../../src/db/migrate/migrate.ts'
import { adaptingStore } from '../../src/db/write/adapting-writer.ts'
import { Clock } from '../../src/ingest/clock.ts'
import { createMetrics } from '../../src/ops/metrics/index.ts'
import { publishReconciled } from '../../src/ops/metrics/process-state.ts'
import { ReconcileSchedule } from '../../src/reconcile/schedule.ts'
import { vendors } from '../../src/vendors/index.ts'
import { type FakeApi, startFakeApi } from '../setup/fake-api.ts'
import { guardedLog } from '../setup/log-guard.ts'
import { built } from '../setup/program.ts'
import { fastLimits } from '../setup/reconcile.ts'
import { setup, type TestService } from '../setup/service.ts'

const HOUR = 3_600_000
const targets = vendors.flatMap((vendor) => vendor.targets)

let api: FakeApi
let service: TestService
beforeAll(async () => {
  api = await startFakeApi()
  service = await setup({ MAINTENANCE: 'off' })
  await service.asleep(night('known'), 'user-1')
})
afterAll(() => Promise.all([service.close(), api.close()]))

const start = new Date(Date.now() - 24 * HOUR).toISOString()
const end = new Date(Date.now() - 16 * HOUR).toISOString()
const result = (id: string) => ({
  ...{ timezone: 'UTC', peculiarities: [], stat: null },
  session: { id, state: 'COMPLETE', start_time: start, end_time: end, created_timezone: 'UTC' },
})
const night = (id: string) => ({
  event: 'SESSION_COMPLETE',
  version: 'V3',
  data: { user_id: 'user-1', ...result(id) },
})

/** Asleep has these sessions. */
function has(...ids: string[]): void {
  api.answer = ({ pathname }) => {
    const list = ids.map((session_id) => ({
      ...{ session_id, state: 'COMPLETE', created_timezone: 'UTC' },
      ...{ session_start_time: start, session_end_time: end },
    }))
    if (pathname === '/data/v1/sessions') return { body: { result: { sleep_session_list: list } } }
    return { body: { result: result(pathname.split('/').at(-1) ?? '') } }
  }
}

function replica(every: number | null) {
  const config = readConfig({ ASLEEP_API_KEYS: 'key', ASLEEP_API_URL: api.url })
  const pool = createPool(service.db.url, guardedLog)
  const schedule = new ReconcileSchedule({
    ...{
      vendors,
      pool,
      every,
      clock: new Clock(),
      log: guardedLog,
      schema: 'public',
      days: 7,
      limits: fastLimits,
    },
    connect: () => directConnection(service.db.direct),
    store: adaptingStore(pool, targets),
    setting: config.pullSetting,
    credentials: config.credentials,
    onCall: () => {},
  })
  const close = async () => {
    await schedule.close()
    await pool.end()
  }
  return { schedule, close }
}

const runs = () => service.db.query('select outcome, missing, pulled from reconcile_runs order by began_at')

describe('the schedule', () => {
  it('runs on one replica at a time, when it is due, and tells every replica what the run found', async () => {
    has('known', 'lost')
    const replicas = [replica(HOUR), replica(HOUR), replica(null)]
    await Promise.all(replicas.map(({ schedule }) => schedule.pass()))
    await Promise.all(replicas.map(({ schedule }) => schedule.pass()))
    expect(await runs()).toEqual([{ outcome: 'complete', missing: '1', pulled: '1' }])
    for (const { schedule } of replicas)
      expect(schedule.state).toMatchObject([{ vendor: 'asleep', missing: 1, pulled: 1 }])

    const metrics = createMetrics()
    publishReconciled(metrics, () => replicas[2]?.schedule.state ?? [])
    const text = await metrics.registry.metrics()
    expect(text).toContain('nightpost_reconcile_last_run_records{vendor="asleep",result="missing"} 1')
    expect(text).toContain('nightpost_reconcile_last_run_complete{vendor="asleep"} 1')
    expect(text).toMatch(/nightpost_reconcile_last_run_timestamp_seconds\{vendor="asleep"\} \d{10}/)

    // An hour later it is due again.
    await service.db.query("update reconcile_runs set finished_at = finished_at - interval '61 minutes'")
    await Promise.all(replicas.map(({ schedule }) => schedule.pass()))
    expect(await runs()).toHaveLength(2)
    await Promise.all(replicas.map(({ close }) => close()))
  })

  it('ends a run when the service stops, and stores what was fetched', async () => {
    await service.db.query('delete from reconcile_runs')
    has('known', 'second', 'third')
    const answer = api.answer
    const one = replica(HOUR)
    api.answer = (url, request) => {
      if (url.pathname.endsWith('/second')) void one.schedule.close()
      return answer(url, request)
    }
    const passing = one.schedule.pass()
    await Promise.race([passing, sleep(10_000)])
    await one.close()
    expect(await runs()).toEqual([{ outcome: 'incomplete', missing: '1', pulled: '1' }])
    expect(await service.db.query("select 1 from sleep_sessions where session_id = 'second'")).toHaveLength(1)
  })

  it('does not hide that a webhook is silent', async () => {
    const { lastStored } = await import('../../src/db/last-stored.ts')
    const before = await lastStored(createPoolOnce(), vendors)
    has('known', 'fourth')
    await service.db.query('delete from reconcile_runs')
    const one = replica(HOUR)
    await one.schedule.pass()
    await one.close()
    expect((await runs())[0]?.pulled).toBe('1')
    expect(await lastStored(createPoolOnce(), vendors)).toEqual(before)
    await onlyPool?.end()
  })
})

let onlyPool: ReturnType<typeof createPool> | undefined
function createPoolOnce() {
  onlyPool ??= createPool(service.db.url, guardedLog)
  return onlyPool
}

describe('nightpost reconcile', () => {
  const run = (...words: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const env = { DATABASE_URL: service.db.url, ASLEEP_API_KEYS: 'a-secret-key', ASLEEP_API_URL: api.url }
      const settings = { env: { PATH: process.env.PATH, ...env }, cwd: tmpdir() }
      execFile(
        process.execPath,
        [...built('cli/main'), 'reconcile', ...words],
        settings,
        (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      )
    })

  it('shows what is missing with --dry-run and exits with 1, stores it, and then finds nothing', async () => {
    has('known', 'fifth')
    const dry = await run('asleep', '--dry-run')
    expect(dry.code).toBe(1)
    expect(dry.stdout).toMatch(/asleep +│ SESSION_COMPLETE +│ missing +│ 1 +│ 1 /)
    expect(dry.stdout).toContain('Dry run: nothing was written.')
    const real = await run('asleep', '--json')
    expect(real.code).toBe(0)
    expect(JSON.parse(real.stdout)).toMatchObject({
      outcome: 'complete',
      missing: 1,
      pulled: 1,
      dryRun: false,
    })
    expect((await run('asleep', '--dry-run')).stdout).toContain('Nothing is missing, and nothing differs.')
    expect([dry, real].map(({ stdout, stderr }) => stdout + stderr).join()).not.toContain('a-secret-key')
  })

  it('names the settings that are absent', async () => {
    const { code, stderr } = await run('sahha')
    expect(code).toBe(1)
    expect(stderr).toMatch(/SAHHA_CLIENT_ID, SAHHA_CLIENT_SECRET: not set/)
  })

  it('exits with 2 if it is used wrongly', async () => {
    expect((await run('withings')).code).toBe(2)
    // A number is a year for `Date.parse`, and the 30th of February is in March.
    for (const from of ['yesterday', '7', '2025-02-30'])
      expect((await run('asleep', '--from', from, '--dry-run')).code, from).toBe(2)
  })
})
