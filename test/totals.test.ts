import { describe, expect, it } from 'vitest'
import { faultsOfAll, reportOf, shownOfAll } from '../src/ops/metrics/all-workers.ts'
import { createMetrics } from '../src/ops/metrics/index.ts'
import { addUp, type MetricValues, type ProcessReport, remaining } from '../src/ops/metrics/totals.ts'
import { RateCounts } from '../src/workers/rate-counts.ts'

const IN_ORDER = { database: null, schema: null, queue: null }
const EVENT = { vendor: 'sahha', event: 'ScoreCreatedIntegrationEvent' }

/** What a worker reports that has stored `deliveries`, the last one `silence` seconds ago. */
async function reportWith(deliveries: number, silence: number, faults: ProcessReport['faults'] = IN_ORDER) {
  const metrics = createMetrics()
  metrics.deliveries.add({ ...EVENT, outcome: 'stored' }, deliveries)
  for (let n = 0; n < deliveries; n += 1) metrics.groups.series({}).observe(n)
  metrics.silence.set(EVENT, silence)
  metrics.ready.set({ part: 'queue' }, faults.queue === null ? 1 : 0)
  metrics.queueLimitDeliveries.set({}, 5000)
  metrics.ledgerBytes.set({ kind: 'rows' }, 7)
  metrics.lastAuthenticationFailure.set({ vendor: 'sahha', reason: 'missing' }, 1000 + silence)
  return reportOf({ metrics, readiness: async () => faults, onlineSteps: () => [] })
}

const sampleOf = (metrics: readonly MetricValues[], name: string) =>
  metrics.find((metric) => metric.name === name)?.values[0]?.value

describe('the metrics of two workers', () => {
  it.each([
    ['nightpost_deliveries_total', 7],
    ['nightpost_silence_seconds', 10],
    ['nightpost_ready', 0],
    ['nightpost_queue_limit_deliveries', 10_000],
    ['nightpost_ledger_bytes', 7],
    ['nightpost_last_authentication_failure_timestamp_seconds', 1090],
  ])('%s is put together', async (name, value) => {
    const full = { ...IN_ORDER, queue: 'Too many deliveries are waiting.' }
    const reports = [await reportWith(3, 10), await reportWith(4, 90, full)]
    expect(sampleOf(await addUp(reports.map(({ metrics }) => metrics)), name)).toBe(value)
  })

  it('include what a worker counted that ended, but not its state', async () => {
    const [ended, other] = [await reportWith(3, 10), await reportWith(4, 90)]
    const metrics = await addUp([remaining(ended.metrics), other.metrics])
    expect(sampleOf(metrics, 'nightpost_deliveries_total')).toBe(7)
    expect(sampleOf(metrics, 'nightpost_silence_seconds')).toBe(90)
    expect(sampleOf(metrics, 'nightpost_queue_limit_deliveries')).toBe(5000)
  })

  it('are read in the shape of the metrics of one process, also histograms', async () => {
    const reports = [await reportWith(3, 10), await reportWith(4, 90)]
    const own = createMetrics({ ofProcess: false })
    const totals = {
      ...reports[0],
      metrics: await addUp(reports.map(({ metrics }) => metrics)),
    } as ProcessReport
    const state = { metrics: own, readiness: async () => IN_ORDER, onlineSteps: () => [] }
    const shown = shownOfAll(state, async () => totals)
    expect(await shown.metrics.deliveries.samples()).toMatchObject([{ labels: EVENT, value: 7 }])
    const [groups] = shown.metrics.groups.observed()
    expect(groups).toMatchObject({ count: 7, sum: 9 })
    expect([0.5, 1].map((part) => groups?.quantile(part))).toEqual([1, 4])
    expect(await shown.metricsText()).toContain('nightpost_group_deliveries_bucket{le="2"} 6')
  })

  it('fail without a supervisor, while readiness is that of the process', async () => {
    const state = { metrics: createMetrics(), readiness: async () => IN_ORDER, onlineSteps: () => [] }
    const shown = shownOfAll(state, async () => null)
    await expect(shown.metricsText()).rejects.toThrow()
    expect(await shown.readiness()).toEqual(IN_ORDER)
  })
})

it('a part is in order if it is so in one worker', async () => {
  const full = { ...IN_ORDER, queue: 'full' }
  expect(faultsOfAll([await reportWith(1, 1, full), await reportWith(1, 1)])).toEqual(IN_ORDER)
  expect(faultsOfAll([await reportWith(1, 1, full), await reportWith(1, 1, full)])).toEqual(full)
})

it('one worker says for all which nodes of the database are lost', async () => {
  const lost = { ...IN_ORDER, nodes: '1 of 2 nodes' }
  expect(faultsOfAll([await reportWith(1, 1), await reportWith(1, 1, lost)])).toEqual(lost)
})

it('rates are counted by key, until the window ends', () => {
  const rates = new RateCounts()
  const count = (key: string, now: number) => rates.count({ key, window: 1000 }, now)
  expect(count('a', 0)).toEqual({ current: 1, ttl: 1000 })
  expect(count('a', 400)).toEqual({ current: 2, ttl: 600 })
  expect(count('b', 400)).toEqual({ current: 1, ttl: 1000 })
  expect(count('a', 1000)).toEqual({ current: 1, ttl: 1000 })
})
