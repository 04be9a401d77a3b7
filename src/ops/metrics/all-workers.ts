import { partFaultsOf, type Readiness } from '../health.ts'
import { Histogram } from './histogram.ts'
import { createMetrics, type Metrics } from './index.ts'
import { Metric } from './metric.ts'
import type { PendingStep } from './process-state.ts'
import { type MetricValues, metricsOf, type ProcessReport, textOf } from './totals.ts'

/** What a service shows of itself: of this process, or of all workers that listen on one port. */
export interface Shown {
  readonly metrics: Metrics
  readonly readiness: Readiness
  readonly onlineSteps: () => readonly PendingStep[]
  /** The metrics in Prometheus' text format. */
  readonly metricsText: () => Promise<string>
}

/** Milliseconds for which an answer is used again: a page reads several metrics, one after the other. */
const FRESH_MS = 10

/**
 * The metrics and the state of all workers. `ask` returns their totals, or null if the supervisor does not answer:
 * then the state is that of this process, and the metrics can't be read, because a part of a counter would look like a
 * restart. Each metric, also a histogram, is up to date once the samples of any metric were read.
 */
export function shownOfAll(own: Omit<Shown, 'metricsText'>, ask: () => Promise<ProcessReport | null>): Shown {
  const metrics = createMetrics({ ofProcess: false })
  let onlineSteps = own.onlineSteps
  let latest: Promise<ProcessReport | null> | null = null
  let answeredAt = 0

  const totals = () => {
    if (latest && performance.now() - answeredAt < FRESH_MS) return latest
    answeredAt = Number.POSITIVE_INFINITY
    latest = ask().then((found) => {
      answeredAt = performance.now()
      if (found) load(found)
      return found
    })
    return latest
  }
  let values = new Map<string, MetricValues>()
  const load = (found: ProcessReport) => {
    onlineSteps = () => found.onlineSteps
    values = new Map(found.metrics.map((metric) => [metric.name, metric]))
    for (const metric of Object.values(metrics)) {
      if (metric instanceof Histogram) metric.load(values.get(metric.name)?.values ?? [])
    }
  }
  const loaded = async () => {
    const found = await totals()
    if (!found) throw new Error('The supervisor does not answer.')
    return found
  }
  for (const metric of Object.values(metrics)) {
    if (metric instanceof Metric) {
      const { name } = metric
      metric.read(async () => {
        await loaded()
        return values.get(name)?.values ?? []
      })
    }
  }
  return {
    metrics,
    onlineSteps: () => onlineSteps(),
    readiness: async () => (await totals())?.faults ?? own.readiness(),
    metricsText: async () => textOf((await loaded()).metrics),
  }
}

/** What this process contributes to the totals. */
export async function reportOf({
  metrics,
  readiness,
  onlineSteps,
}: Omit<Shown, 'metricsText'>): Promise<ProcessReport> {
  return {
    metrics: await metricsOf(metrics.registry),
    faults: await readiness(),
    onlineSteps: [...onlineSteps()],
  }
}

/** Puts together what the parts of several processes lack: a part is in order if it is so in one of them. */
export function faultsOfAll(reports: readonly ProcessReport[]): ProcessReport['faults'] {
  // One of the workers watches the nodes.
  const [nodes] = reports.map(({ faults }) => faults.nodes).filter((fault) => fault !== undefined)
  return partFaultsOf((part) => {
    const faults = reports.map(({ faults }) => faults[part])
    return faults.includes(null) ? null : (faults[0] ?? 'No worker answers.')
  }, nodes)
}
