import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { databaseOf } from './db/database.ts'
import { followDatabase } from './db/database-clock.ts'
import { GroupCommit } from './db/group-commit.ts'
import { lastStored } from './db/last-stored.ts'
import { defaultLimits } from './db/limits.ts'
import { migrate } from './db/migrate.ts'
import { createPool, poolLoad } from './db/pool.ts'
import { PostgresQuarantine } from './db/quarantine.ts'
import { stateOf } from './db/state.ts'
import { Writer } from './db/writer.ts'
import { Clock } from './ingest/clock.ts'
import { drainable } from './ops/drain.ts'
import { readinessOf } from './ops/health.ts'
import { createMetrics, exposeClock, exposeLoad } from './ops/metrics.ts'
import { Observer } from './ops/observe.ts'
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
  const store = new GroupCommit(pool, new Writer(vendors.flatMap(({ targets }) => targets)), limits)
  const room = config.QUARANTINE_UNVERIFIED_MAX_BYTES
  const quarantine = room > 0 ? new PostgresQuarantine(pool, log, room) : null

  const metrics = createMetrics()
  exposeLoad(metrics.registry, () => ({ ...store.load, pool: poolLoad(pool) }))
  const groups = metrics.groups.series({})
  store.onCommit = (deliveries) => groups.observe(deliveries)
  exposeClock(metrics.registry, clock)
  store.onFault = (error) =>
    log.fatal({ err: error }, 'a delivery could not be written: a fault of Nightpost')
  const observer = new Observer(metrics, vendors, await lastStored(pool, vendors), clock)
  const readiness = readinessOf(
    () => stateOf(pool),
    () => (drain.isOn ? 'Nightpost is shutting down.' : store.fault),
  )

  const app = buildApp({ config, log, store, quarantine, readiness, metrics, observer, clock })
  const drain = drainable(app)
  // Answered before the connections are closed; and what Postgres leaves unanswered must not outlast the limit.
  app.addHook('preClose', async () => store.hurry(CLOSING_ANSWER))
  app.addHook('onClose', async () => {
    unfollow()
    await store.close()
    await pool.end()
  })
  return { app, store, drain: drain.begin }
}
