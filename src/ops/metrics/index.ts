import { collectDefaultMetrics, Registry } from 'prom-client'
import { Histogram } from './histogram.ts'
import { type Declaration, Metric } from './metric.ts'

export type Metrics = ReturnType<typeof createMetrics>

const vendorEvent = ['vendor', 'event'] as const

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]

/** Sahha holds events back for up to 12 hours, and a phone may sync days later. */
const LAG_SECONDS = [1, 5, 15, 60, 300, 900, 3600, 10_800, 43_200, 86_400, 604_800]

/**
 * Every metric of one process, in a registry of its own. A metric whose value is read at the time of a scrape has no
 * sample until somebody calls `read`. docs/operations.md says what each metric is good for. `ofProcess`: with those of
 * Node.js and of the process.
 */
export function createMetrics({ ofProcess = true } = {}) {
  const registry = new Registry()
  if (ofProcess) collectDefaultMetrics({ register: registry })
  const counter = <Name extends string>(declaration: Declaration<Name>) =>
    new Metric(registry, 'counter', declaration)
  const gauge = <Name extends string>(declaration: Declaration<Name>) =>
    new Metric(registry, 'gauge', declaration)

  return {
    registry,
    deliveries: counter({
      name: 'nightpost_deliveries_total',
      help: 'Authentic deliveries by outcome: stored, duplicate, unrecognised, rejected, or unavailable (not kept, answered 503)',
      labels: [...vendorEvent, 'outcome'],
    }),
    authenticationFailures: counter({
      name: 'nightpost_authentication_failures_total',
      help: 'Requests answered 401, by what is wrong with the credential',
      labels: ['vendor', 'reason'],
    }),
    lastAuthenticationFailure: gauge({
      name: 'nightpost_last_authentication_failure_timestamp_seconds',
      help: 'When a request was last answered 401, in Unix time',
      labels: ['vendor', 'reason'],
      across: 'max',
    }),
    configured: gauge({
      name: 'nightpost_vendor_configured',
      help: '1 where a credential of the vendor is configured, so that its route exists',
      labels: ['vendor'],
      across: 'max',
    }),
    silence: gauge({
      name: 'nightpost_silence_seconds',
      help: 'Time since the last stored delivery, also across restarts; absent for an event that never was stored',
      labels: vendorEvent,
      across: 'min',
    }),
    vendorLag: new Histogram(registry, {
      name: 'nightpost_vendor_lag_seconds',
      help: 'From the time at which the vendor says that it made a record to its arrival',
      labels: vendorEvent,
      buckets: LAG_SECONDS,
    }),
    commitLag: new Histogram(registry, {
      name: 'nightpost_commit_lag_seconds',
      help: 'From the arrival of a delivery to its commit',
      labels: ['vendor'],
      buckets: SECONDS,
    }),
    unknownFields: counter({
      name: 'nightpost_unknown_fields_total',
      help: 'Stored bodies with a field that their schema does not know; * is a name that is not shown',
      labels: [...vendorEvent, 'path'],
    }),
    unknownValues: counter({
      name: 'nightpost_unknown_values_total',
      help: 'Stored bodies with a value that the vendor does not document, by the field that holds it',
      labels: [...vendorEvent, 'path'],
    }),
    mistypedFields: counter({
      name: 'nightpost_mistyped_fields_total',
      help: 'Stored bodies with an optional value of another type or out of range, which became NULL',
      labels: [...vendorEvent, 'path'],
    }),
    droppedRecords: counter({
      name: 'nightpost_dropped_records_total',
      help: 'Records of stored bodies that lack what their key needs, and have no row',
      labels: [...vendorEvent, 'path'],
    }),
    misnamedEvents: counter({
      name: 'nightpost_misnamed_events_total',
      help: 'Stored bodies that came under the name of another known event than their shape has',
      labels: [...vendorEvent, 'named'],
    }),
    requests: new Histogram(registry, {
      name: 'nightpost_request_seconds',
      help: 'Duration of HTTP requests, from their headers to the end of the answer',
      labels: ['method', 'route', 'status'],
      buckets: SECONDS,
    }),
    groups: new Histogram(registry, {
      name: 'nightpost_group_deliveries',
      help: 'Deliveries that were committed together in one transaction',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    }),
    shed: counter({
      name: 'nightpost_shed_requests_total',
      help: 'Requests answered 503 before they were read, by what was short',
      labels: ['reason'],
    }),
    buildInfo: gauge({
      name: 'nightpost_build_info',
      help: '1, with the versions of Nightpost and of Node.js as labels',
      labels: ['version', 'node'],
      across: 'max',
    }),
    ready: gauge({
      name: 'nightpost_ready',
      help: '1 where the part is in order, as /health/ready sees it',
      labels: ['part'],
      across: 'min',
    }),
    nodeUp: gauge({
      name: 'nightpost_node_up',
      help: '1 if the coordinator of a distributed database reaches the node, 0 if not; absent on plain Postgres',
      labels: ['node'],
      across: 'min',
    }),
    queueDeliveries: gauge({
      name: 'nightpost_queue_deliveries',
      help: 'Deliveries that wait for a writer',
    }),
    queueBytes: gauge({
      name: 'nightpost_queue_bytes',
      help: 'Bytes of the bodies that wait for a writer',
    }),
    queueRows: gauge({ name: 'nightpost_queue_rows', help: 'Rows, those of the ledger too, that wait' }),
    queueLimitDeliveries: gauge({
      name: 'nightpost_queue_limit_deliveries',
      help: 'Deliveries that may wait',
    }),
    queueLimitBytes: gauge({ name: 'nightpost_queue_limit_bytes', help: 'Bytes that may wait' }),
    queueLimitRows: gauge({ name: 'nightpost_queue_limit_rows', help: 'Rows that may wait' }),
    writers: gauge({ name: 'nightpost_writers', help: 'Transactions that may run at a time' }),
    writersBusy: gauge({ name: 'nightpost_writers_busy', help: 'Transactions that run' }),
    poolIdle: gauge({
      name: 'nightpost_pool_connections_idle',
      help: 'Database connections nobody uses',
    }),
    poolBusy: gauge({ name: 'nightpost_pool_connections_busy', help: 'Database connections in use' }),
    poolWaiting: gauge({
      name: 'nightpost_pool_waiting',
      help: 'Callers that wait for a database connection',
    }),
    clockSkew: gauge({
      name: 'nightpost_clock_skew_seconds',
      help: "By how much this machine's clock is ahead of the database's, which stamps the deliveries",
      across: 'average',
    }),
    onlineStepsPending: gauge({
      name: 'nightpost_online_steps_pending',
      help: 'Steps of an upgrade that are still to be done beside the running service',
      across: 'max',
    }),
    inFlightBytes: gauge({
      name: 'nightpost_in_flight_bytes',
      help: 'Bytes of proven deliveries between socket and answer, as they are unpacked',
    }),
    ledgerBytes: gauge({
      name: 'nightpost_ledger_bytes',
      help: 'Bytes on disk by kind: entries of the ledger, hot bodies, packed bodies, and the rows made of them',
      labels: ['kind'],
      across: 'max',
    }),
    partitionsAhead: gauge({
      name: 'nightpost_partitions_ahead_days',
      help: 'Days for which partitions for bodies stand ready',
      across: 'min',
    }),
    oldestBody: gauge({
      name: 'nightpost_oldest_body_seconds',
      help: 'Age of the oldest day or week of which the ledger still has bodies',
      across: 'max',
    }),
    workers: gauge({
      name: 'nightpost_workers',
      help: 'Processes that receive deliveries on this port',
    }),
    workerDeaths: counter({
      name: 'nightpost_worker_deaths_total',
      help: 'Workers that ended without being asked to, and were started again',
    }),
    reconcileLastRun: gauge({
      name: 'nightpost_reconcile_last_run_timestamp_seconds',
      help: 'When the last run of nightpost reconcile about everybody ended, in Unix time',
      labels: ['vendor'],
    }),
    reconcileComplete: gauge({
      name: 'nightpost_reconcile_last_run_complete',
      help: '1 if that run completed, 0 if it ended early or something failed',
      labels: ['vendor'],
    }),
    reconcileRecords: gauge({
      name: 'nightpost_reconcile_last_run_records',
      help: 'Records of that run: missing here, differing and newer, kept as they are although they differ, pulled, failed',
      labels: ['vendor', 'result'],
    }),
    reconcileSuspect: gauge({
      name: 'nightpost_reconcile_last_run_suspect',
      help: 'What that run can not recover: owners behind what the vendor received, days without data that can not be pulled',
      labels: ['vendor', 'kind'],
    }),
    reconcileCalls: counter({
      name: 'nightpost_reconcile_calls_total',
      help: "Requests of this process to a vendor's API, by what became of them",
      labels: ['vendor', 'result'],
    }),
    unprovenBytes: gauge({
      name: 'nightpost_unproven_bytes',
      help: 'Bytes that senders hold who are not proven yet',
    }),
  }
}
