import type { FastifyInstance } from 'fastify'
import type pg from 'pg'
import type { Logger } from 'pino'
import { buildApp } from './app.ts'
import type { Config } from './config/settings.ts'
import { sqlState } from './db/commit/failure.ts'
import type { GroupCommit } from './db/commit/group-commit.ts'
import { defaultLimits } from './db/commit/limits.ts'
import { databaseOf } from './db/connect/database.ts'
import { followDatabase } from './db/connect/database-clock.ts'
import { createPool, poolLoad } from './db/connect/pool.ts'
import { lastStored } from './db/last-stored.ts'
import { directConnection, migrate } from './db/migrate/migrate.ts'
import { OnlineSteps } from './db/migrate/online/background.ts'
import { onlineSteps } from './db/migrate/online/steps.ts'
import { SchemaGuard } from './db/migrate/schema-guard.ts'
import { stateOf } from './db/migrate/state.ts'
import { PostgresQuarantine } from './db/quarantine.ts'
import { adaptingStore } from './db/write/adapting-writer.ts'
import { Clock } from './ingest/clock.ts'
import { drainable } from './ops/drain.ts'
import { readinessOf } from './ops/health.ts'
import { createMetrics, exposeClock, exposeLoad, gauge } from './ops/metrics.ts'
import { type LastStored, Observer } from './ops/observe.ts'
import { vendors } from './vendors/index.ts'

export interface Service {
  readonly app: FastifyInstance
  readonly store: GroupCommit
  /** Says that it is not ready from now on, so that requests are sent elsewhere, and goes on taking them. */
  drain(): void
}

/** Milliseconds in which all is answered when the service closes; connections get 10 s. */
const CLOSING_ANSWER = 8_000

/**
 * The service on a database: migrated, ready to listen. `app.close()` stops taking requests, finishes
 * what was taken, and then lets go of the database.
 */
export async function startService(
  config: Config,
  databaseUrl: string,
  log: Logger,
  limits = defaultLimits,
  clock = new Clock(),
): Promise<Service> {
  const database = databaseOf(config, databaseUrl)
  await migrate(database, log)
  const pool = createPool(database, log)
  const unfollow = await followDatabase(pool, clock)
  const targets = vendors.flatMap((vendor) => vendor.targets)
  const store = adaptingStore(pool, targets, limits)
  const guard = new SchemaGuard(pool)
  await guard.look()
  const room = config.QUARANTINE_UNVERIFIED_MAX_BYTES
  const quarantine = room > 0 ? new PostgresQuarantine(pool, log, room) : null

  const metrics = createMetrics()
  exposeLoad(metrics.registry, () => ({ ...store.load, pool: poolLoad(pool) }))
  const groups = metrics.groups.series({})
  store.onCommit = (deliveries) => groups.observe(deliveries)
  exposeClock(metrics.registry, clock)
  store.onFault = (error) =>
    log.fatal({ err: error }, 'a delivery could not be written: a fault of Nightpost')
  const online = new OnlineSteps({
    connect: () => directConnection(database),
    pool,
    log,
    options: { steps: onlineSteps(targets), schema: database.schema },
  })
  gauge(
    metrics.registry,
    'nightpost_online_steps_pending',
    'Steps of an upgrade that are still to be done beside the running service',
    () => online.pending.length,
  )
  const observer = new Observer(metrics, vendors, await storedSoFar(pool, log), clock)
  const ready = readinessOf(
    () => stateOf(pool),
    () => (drain.isOn ? 'Nightpost is shutting down.' : store.fault),
  )

  const readiness = async () => {
    const checks = await ready()
    return { ...checks, schema: guard.fault ?? checks.schema }
  }
  const app = buildApp({
    ...{ config, log, store: guard.before(store), quarantine, readiness, metrics, observer, clock },
  })
  const drain = drainable(app)
  // Answered before the connections are closed; and what Postgres leaves unanswered must not outlast the limit.
  app.addHook('preClose', async () => store.shortenDeadlines(CLOSING_ANSWER))
  app.addHook('onClose', async () => {
    unfollow()
    guard.close()
    await online.close()
    await store.close()
    await pool.end()
  })
  online.begin()
  return { app, store, drain: drain.begin }
}

/** Without its index the question takes longer than a start can wait: silence is then counted from the start on. */
async function storedSoFar(pool: pg.Pool, log: Logger): Promise<LastStored> {
  try {
    return await lastStored(pool, vendors)
  } catch (error) {
    log.warn({ code: sqlState(error) }, 'when each event was last stored is not known')
    return []
  }
}
