import { AggregatorRegistry, type Registry } from 'prom-client'
import type { PartFaults } from '../health.ts'
import type { Sample } from './metric.ts'
import type { PendingStep } from './process-state.ts'

/** A metric and its samples, as prom-client passes them from one process to another. */
export interface MetricValues {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly aggregator: string
  readonly values: ReadonlyArray<Sample<string> & { readonly metricName?: string }>
}

/** What one process counted, or all of them together. */
export interface ProcessReport {
  readonly metrics: readonly MetricValues[]
  readonly faults: PartFaults
  readonly onlineSteps: readonly PendingStep[]
}

/** How metrics of prom-client are put together, where its own choice does not serve several workers. */
const ACROSS: Readonly<Record<string, string>> = {
  // The average would hide one worker that is blocked.
  nodejs_eventloop_lag_seconds: 'max',
  nodejs_eventloop_lag_mean_seconds: 'max',
  nodejs_eventloop_lag_stddev_seconds: 'max',
  nodejs_eventloop_lag_p50_seconds: 'max',
  nodejs_eventloop_lag_p90_seconds: 'max',
  nodejs_eventloop_lag_p99_seconds: 'max',
  // The supervisor's: it is the oldest process.
  process_start_time_seconds: 'min',
}

export async function metricsOf(registry: Registry): Promise<MetricValues[]> {
  const metrics = (await registry.getMetricsAsJSON()) as unknown as MetricValues[]
  return metrics.map((metric) => ({
    ...metric,
    aggregator: ACROSS[metric.name] ?? metric.aggregator ?? 'sum',
  }))
}

/** Puts together the metrics of several processes, each as its declaration says. */
export async function addUp(lists: ReadonlyArray<readonly MetricValues[]>): Promise<MetricValues[]> {
  const all = AggregatorRegistry.aggregate([...lists])
  return (await all.getMetricsAsJSON()) as unknown as MetricValues[]
}

/** The metrics in Prometheus' text format. */
export const textOf = (metrics: readonly MetricValues[]): Promise<string> =>
  AggregatorRegistry.aggregate([metrics]).metrics()

/** What remains of a process that ended: a counter that became smaller would look to Prometheus like a restart. */
export const remaining = (metrics: readonly MetricValues[]): MetricValues[] =>
  metrics.filter(
    ({ name, type }) =>
      ['counter', 'histogram'].includes(type) ||
      name === 'nightpost_last_authentication_failure_timestamp_seconds',
  )
