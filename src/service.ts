import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type pg from 'pg'
import type { Logger } from 'pino'
import { buildApp } from './app.ts'
import { type Config, everyOf, retentionOf } from './config/index.ts'
import { buildConsole } from './console/console.ts'
import { ChangeHint } from './db/change-hint.ts'
import { NodeWatch } from './db/citus/node-watch.ts'
import { sqlState } from './db/commit/failure.ts'
import type { GroupCommit } from './db/commit/group-commit.ts'
import { defaultLimits, type Limits, limitsOfEach } from './db/commit/limits.ts'
import { type DatabaseSettings, databaseOf } from './db/connect/database.ts'
import { followDatabase } from './db/connect/database-clock.ts'
import { createPool, poolLoad } from './db/connect/pool.ts'
import { DayKeeper } from './db/days/background.ts'
import { keepRecordingLastStored, lastStoredAtStart } from './db/last-stored.ts'
import { directConnection, migrate } from './db/migrate/migrate.ts'
import { OnlineSteps } from './db/migrate/online/background.ts'
import { onlineSteps } from './db/migrate/online/steps.ts'
import { SchemaGuard } from './db/migrate/schema-guard.ts'
import { stateOf } from './db/migrate/state.ts'
import { PostgresQuarantine } from './db/quarantine.ts'
import { Upkeep } from './db/upkeep/background.ts'
import { adaptingStore } from './db/write/adapting-writer.ts'
import { erasedArrivals } from './erase/arrivals.ts'
import { Clock } from './ingest/clock.ts'
import { Drain } from './ops/drain.ts'
import { reportOf, type Shown, shownOfAll } from './ops/metrics/all-workers.ts'
import { createMetrics, type Metrics } from './ops/metrics/index.ts'
import { publishProcessState, publishReconciled } from './ops/metrics/process-state.ts'
import type { ProcessReport } from './ops/metrics/totals.ts'
import { Observer } from './ops/observe.ts'
import type { CountForAll } from './ops/rate-limits.ts'
import { readinessOf } from './ops/readiness.ts'
import { shortHash, traceField } from './ops/request-log.ts'
import { closeInOrder } from './ops/shutdown.ts'
import { defaultCallLimits } from './reconcile/limits.ts'
import { ReconcileSchedule } from './reconcile/schedule.ts'
import type { Target } from './tables/target.ts'
import { vendors } from './vendors/index.ts'

export interface Service {
  readonly app: FastifyInstance
  /** The pages for the person who runs Nightpost, which need a listener of their own; null without CONSOLE_TOKEN. */
  readonly console: FastifyInstance | null
  readonly store: GroupCommit
  /** Reports from now on that the service is not ready, so that requests are sent elsewhere. Requests are still taken. */
  drain(): void
  /** What this process adds to what all workers on one port show. */
  report(): Promise<ProcessReport>
}

/** The place of a process among several that listen on one port. Their supervisor has migrated the database. */
export interface Place {
  readonly workers: number
  /** Whether it does what one process does for all: upkeep, online steps and the console. */
  readonly isFirst: boolean
  /** The totals of all workers; null if they are not known. */
  readonly totals: () => Promise<ProcessReport | null>
  readonly count: CountForAll
}

type ServiceOptions = Partial<{ limits: Limits; clock: Clock; place: Place | null }>

/**
 * Migrates the database, and returns a service that is ready to listen. `app.close()` stops taking requests, answers those that
 * were taken, and then closes the database connections. Throws if the database does not answer.
 */
export async function startService(
  settings: Config,
  databaseUrl: string,
  log: Logger,
  { limits = defaultLimits, clock = new Clock(), place = null }: ServiceOptions = {},
): Promise<Service> {
  const logIdKey = settings.LOG_ID_KEY ?? randomBytes(24).toString('base64url')
  const config = { ...settings, LOG_ID_KEY: logIdKey }
  const database = databaseOf(config, databaseUrl)
  const workers = place?.workers ?? 1
  const targets = vendors.flatMap((vendor) => vendor.targets)
  if (!place) await migrate(database, log, { targets })
  const pool = createPool(database, log, {}, workers)
  const stopFollowing = await followDatabase(pool, clock)

  const metrics = createMetrics()
  const store = adaptingStore(pool, targets, limitsOfEach(workers, limits))
  const guard = new SchemaGuard(pool, store)
  await guard.look()
  const hint = new ChangeHint(pool)
  reportFrom(store, metrics, hint, log)
  const { online, upkeep, days, schedule } = backgroundOf({
    ...{ config, database, pool, log, clock, targets, metrics, store },
  })
  const nodes = new NodeWatch(database, pool)
  publishReconciled(metrics, () => schedule.state)
  const drain = new Drain()
  const state = {
    load: () => ({ ...store.load, pool: poolLoad(pool) }),
    clock,
    onlineSteps: () => online.pending,
    ledger: () => upkeep.state,
    nodes: () => nodes.states,
  }
  publishProcessState(metrics, state)
  metrics.workers.set({}, 1)
  metrics.workerDeaths.series({})

  const readiness = readinessOf({
    askDatabase: () => stateOf(pool),
    schemaFault: () => store.refusal,
    queueFault: () => (drain.isOn ? 'Nightpost is shutting down.' : store.fault),
    nodesFault: () => nodes.fault,
  })
  const own = { metrics, readiness, onlineSteps: state.onlineSteps }
  const shown: Shown = place
    ? shownOfAll(own, place.totals)
    : { ...own, metricsText: () => metrics.registry.metrics() }
  const app = buildApp({
    config,
    log,
    store,
    quarantine: quarantineOf(config, pool, log, workers),
    readiness,
    metrics,
    observer: new Observer(metrics, vendors, await lastStoredAtStart(pool, vendors, log), clock),
    clock,
    ...{ shown, workers, countForAll: place?.count ?? null },
  })
  const isFirst = place?.isFirst ?? true
  const console =
    config.CONSOLE_TOKEN && isFirst
      ? buildConsole({
          ...{ config, log, database, vendors, ...state, ...shown },
          token: config.CONSOLE_TOKEN,
          now: () => clock.now(),
          hashOf: (id) => shortHash(logIdKey, id),
          serviceAddress: () => addressOf(app),
        })
      : null
  drain.closeConnections(app)
  const stopRecording = isFirst
    ? keepRecordingLastStored(pool, (error) =>
        log.warn({ code: sqlState(error) }, 'when each event was last stored is not recorded'),
      )
    : () => {}
  closeInOrder(app, store, [
    () => console?.close(),
    stopFollowing,
    stopRecording,
    () => guard.close(),
    () => nodes.close(),
    () => online.close(),
    () => upkeep.close(),
    () => days.close(),
    () => schedule.close(),
    () => store.close(),
    () => hint.close(),
    () => pool.end(),
  ])
  if (isFirst) {
    nodes.begin()
    online.begin()
    upkeep.begin()
    days.begin()
    schedule.begin()
  }
  return { app, console, store, drain: () => drain.begin(), report: () => reportOf(own) }
}

interface BackgroundParts {
  readonly config: Config
  readonly database: DatabaseSettings
  readonly pool: pg.Pool
  readonly log: Logger
  readonly clock: Clock
  readonly targets: readonly Target[]
  readonly metrics: Metrics
  readonly store: GroupCommit
}

/** What one replica at a time does for all: online steps, the upkeep of the ledger, and reconcile. */
function backgroundOf({ config, database, pool, log, clock, targets, metrics, store }: BackgroundParts) {
  const { schema } = database
  const deleteErased = erasedArrivals(vendors, config.BODY_LIMIT_BYTES)
  const common = { connect: () => directConnection(database), pool, log }
  return {
    online: new OnlineSteps({ ...common, options: { steps: onlineSteps(vendors), schema } }),
    upkeep: new Upkeep({
      ...common,
      isOn: config.MAINTENANCE === 'on',
      options: { schema, targets, retention: retentionOf(config), deleteErased },
    }),
    days: new DayKeeper({
      ...{ pool, log, isOn: config.MAINTENANCE === 'on', schema, targets },
      isBusy: () => isBusy(store),
    }),
    schedule: new ReconcileSchedule({
      ...{ ...common, vendors, clock, schema, store },
      setting: config.pullSetting,
      credentials: config.credentials,
      every: everyOf(config.RECONCILE_EVERY),
      days: config.RECONCILE_DAYS,
      limits: {
        ...defaultCallLimits,
        calls: config.RECONCILE_MAX_CALLS,
        perMinute: config.RECONCILE_CALLS_PER_MINUTE,
      },
      onCall: (vendor, result) => metrics.reconcileCalls.add({ vendor, result }),
    }),
  }
}

/** Whether deliveries wait because every writer has a group. */
function isBusy({ load: { queue, writers } }: GroupCommit): boolean {
  return writers.busy === writers.all && queue.deliveries.now > 0
}

/** Where an instance listens, as a browser on this machine reaches it; null if it does not. */
export function addressOf(app: FastifyInstance): string | null {
  const address = app.server.address()
  if (typeof address !== 'object' || address === null) return null
  const host = ['0.0.0.0', '::'].includes(address.address) ? '127.0.0.1' : address.address
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}

function reportFrom(store: GroupCommit, metrics: Metrics, hint: ChangeHint, log: Logger): void {
  const groups = metrics.groups.series({})
  store.onCommit = (deliveries) => {
    groups.observe(deliveries)
    hint.give()
  }
  store.onFault = (error, trace) =>
    log.fatal({ err: error, ...traceField(trace) }, 'a delivery could not be written: a fault of Nightpost')
}

function quarantineOf(
  config: Config,
  pool: pg.Pool,
  log: Logger,
  workers: number,
): PostgresQuarantine | null {
  const maxBytes = config.QUARANTINE_UNVERIFIED_MAX_BYTES
  return maxBytes > 0 ? new PostgresQuarantine(pool, log, maxBytes, workers) : null
}
