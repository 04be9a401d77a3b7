import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { Histogram } from './histogram.ts'

/** What the queue, the writers and the pool hold at this moment. */
export interface Load {
  readonly queue: Readonly<Record<'deliveries' | 'bytes' | 'rows', { now: number; most: number }>>
  readonly writers: { busy: number; all: number }
  readonly pool: { idle: number; busy: number; waiting: number }
}

export type Metrics = ReturnType<typeof createMetrics>

const vendorEvent = ['vendor', 'event'] as const

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]

/** Sahha holds events back for up to 12 hours, and a phone syncs when it likes. */
const LAG_SECONDS = [1, 5, 15, 60, 300, 900, 3600, 10_800, 43_200, 86_400, 604_800]

/** Every metric of one process, in a registry of its own. docs/operations.md says what each is good for. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  return {
    registry,
    deliveries: new Counter({
      name: 'nightpost_deliveries_total',
      help: 'Authentic deliveries by outcome: stored, duplicate, unrecognised, rejected, or unavailable (not kept, answered 503)',
      labelNames: [...vendorEvent, 'outcome'] as const,
      registers,
    }),
    authenticationFailures: new Counter({
      name: 'nightpost_authentication_failures_total',
      help: 'Requests answered 401, by what is wrong with the credential',
      labelNames: ['vendor', 'reason'] as const,
      registers,
    }),
    lastAuthenticationFailure: new Gauge({
      name: 'nightpost_last_authentication_failure_timestamp_seconds',
      help: 'When a request was last answered 401, in Unix time',
      labelNames: ['vendor', 'reason'] as const,
      registers,
    }),
    configured: new Gauge({
      name: 'nightpost_vendor_configured',
      help: '1 where a credential of the vendor is configured, so that its route exists',
      labelNames: ['vendor'] as const,
      registers,
    }),
    silence: new Gauge({
      name: 'nightpost_silence_seconds',
      help: 'Time since the last stored delivery, also across restarts; absent for an event that never was stored',
      labelNames: vendorEvent,
      registers,
    }),
    vendorLag: new Histogram(registry, {
      name: 'nightpost_vendor_lag_seconds',
      help: 'From the time at which the vendor says that it made a record to its arrival',
      buckets: LAG_SECONDS,
    }),
    commitLag: new Histogram(registry, {
      name: 'nightpost_commit_lag_seconds',
      help: 'From the arrival of a delivery to its commit',
      buckets: SECONDS,
    }),
    unknownFields: new Counter({
      name: 'nightpost_unknown_fields_total',
      help: 'Stored bodies with a field that their schema does not know; * is a name that is not shown',
      labelNames: [...vendorEvent, 'path'] as const,
      registers,
    }),
    unknownValues: new Counter({
      name: 'nightpost_unknown_values_total',
      help: 'Stored bodies with a value that the vendor does not document, by the field that holds it',
      labelNames: [...vendorEvent, 'path'] as const,
      registers,
    }),
    mistypedFields: new Counter({
      name: 'nightpost_mistyped_fields_total',
      help: 'Stored bodies with an optional value of another type or out of range, which became NULL',
      labelNames: [...vendorEvent, 'path'] as const,
      registers,
    }),
    droppedRecords: new Counter({
      name: 'nightpost_dropped_records_total',
      help: 'Records of stored bodies that lack what their key needs, and have no row',
      labelNames: [...vendorEvent, 'path'] as const,
      registers,
    }),
    misnamedEvents: new Counter({
      name: 'nightpost_misnamed_events_total',
      help: 'Stored bodies that came under the name of another known event than their shape has',
      labelNames: [...vendorEvent, 'named'] as const,
      registers,
    }),
    requests: new Histogram(registry, {
      name: 'nightpost_request_seconds',
      help: 'Duration of HTTP requests, from their headers to the end of the answer',
      buckets: SECONDS,
    }),
    groups: new Histogram(registry, {
      name: 'nightpost_group_deliveries',
      help: 'Deliveries that were committed together in one transaction',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    }),
    shed: new Counter({
      name: 'nightpost_shed_requests_total',
      help: 'Requests answered 503 before they were read, by what was short',
      labelNames: ['reason'] as const,
      registers,
    }),
    ready: new Gauge({
      name: 'nightpost_ready',
      help: '1 where the part is in order, as /health/ready sees it',
      labelNames: ['part'] as const,
      registers,
    }),
  }
}

/** Gauges that are read when they are asked for. */
export function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
}

export function exposeLoad(registry: Registry, load: () => Load): void {
  const each: Array<[name: string, help: string, read: (load: Load) => number]> = [
    ['nightpost_queue_deliveries', 'Deliveries that wait for a writer', ({ queue }) => queue.deliveries.now],
    ['nightpost_queue_bytes', 'Bytes of the bodies that wait for a writer', ({ queue }) => queue.bytes.now],
    ['nightpost_queue_rows', 'Rows, those of the ledger too, that wait', ({ queue }) => queue.rows.now],
    ['nightpost_queue_limit_deliveries', 'Deliveries that may wait', ({ queue }) => queue.deliveries.most],
    ['nightpost_queue_limit_bytes', 'Bytes that may wait', ({ queue }) => queue.bytes.most],
    ['nightpost_queue_limit_rows', 'Rows that may wait', ({ queue }) => queue.rows.most],
    ['nightpost_writers', 'Transactions that may run at a time', ({ writers }) => writers.all],
    ['nightpost_writers_busy', 'Transactions that run', ({ writers }) => writers.busy],
    ['nightpost_pool_connections_idle', 'Database connections nobody uses', ({ pool }) => pool.idle],
    ['nightpost_pool_connections_busy', 'Database connections in use', ({ pool }) => pool.busy],
    ['nightpost_pool_waiting', 'Callers that wait for a database connection', ({ pool }) => pool.waiting],
  ]
  for (const [name, help, read] of each) gauge(registry, name, help, () => read(load()))
}

export function exposeClock(registry: Registry, clock: { readonly skew: number }): void {
  const help = "By how much this machine's clock is ahead of the database's, which stamps the deliveries"
  gauge(registry, 'nightpost_clock_skew_seconds', help, () => clock.skew / 1000)
}
