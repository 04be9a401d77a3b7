import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'

import type { Config } from './config/settings.ts'
import { Clock } from './ingest/clock.ts'
import type { Quarantine, Store } from './ingest/delivery.ts'
import { Intake } from './ingest/intake.ts'
import { leaveBodies } from './ingest/leave-bodies.ts'
import { receive } from './ingest/receive.ts'
import { decorateSummary } from './ingest/summary.ts'
import { Unpacker } from './ingest/unpack.ts'
import { limitPipelining } from './ops/connections.ts'
import { type Audience, exposeMetrics } from './ops/expose.ts'
import { health, type Readiness } from './ops/health.ts'
import type { Metrics } from './ops/metrics.ts'
import { measureRequests, type Observer } from './ops/observe.ts'
import { collectRoutes, serveDocs } from './ops/openapi.ts'
import { answerProblems, rawProblem } from './ops/problems.ts'
import { admitter, limitRates, type RateLimits } from './ops/rate-limits.ts'
import { logRequests } from './ops/request-log.ts'
import { exposeIntake, shedLoad } from './ops/shed.ts'
import { trustProxy } from './ops/trust-proxy.ts'
import { vendors } from './vendors/index.ts'

export interface Parts {
  readonly config: Config
  readonly log: FastifyBaseLogger
  readonly store: Store
  readonly quarantine?: Quarantine | null
  readonly readiness: Readiness
  readonly metrics: Metrics
  readonly observer: Observer
  /** Stamps arrivals: the service's is the database's. */
  readonly clock?: Clock
}

/** The whole HTTP side, the same in production and in tests. */
export function buildApp(parts: Parts): FastifyInstance {
  const { config, log, readiness, metrics } = parts
  const rates = {
    perAddress: config.RATE_LIMIT_PER_ADDRESS,
    perCredential: config.RATE_LIMIT_PER_CREDENTIAL,
  }
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger for each request would only add its number; the delivery's id says more, and costs less.
    childLoggerFactory: (logger) => logger,
    // For the headers, and for the whole request; the store limits what follows.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 5_000 },
    requestTimeout: 15_000,
    // Of a connection on which nothing moves, such as one whose client does not read; an answer takes 25 s at most.
    connectionTimeout: 60_000,
    trustProxy: trustProxy(config.TRUST_PROXY),
    forceCloseConnections: 'idle',
    // What still arrives on an open connection is taken: the store closes last.
    return503OnClosing: false,
    clientErrorHandler(error, socket) {
      // Destroyed once written: a client that keeps its side open must not keep the socket.
      if (socket.writable) socket.end(rawProblem(error), () => socket.destroy())
      else socket.destroy()
    },
    frameworkErrors(error, request, reply) {
      app.errorHandler(error, request as never, reply as never)
    },
  })
  answerProblems(app)
  logRequests(app, config.LOG_ID_KEY)
  measureRequests(app, metrics)
  limitPipelining(app)
  shedLoad(app, metrics)
  app.server.maxConnections = MOST_CONNECTIONS
  leaveBodies(app)
  decorateSummary(app)
  app.register(async (scope) => {
    await collectRoutes(scope, vendors)
    health(scope, readiness)
    exposeMetrics(scope, metrics, readiness, metricsAudience(config))
    serveDocs(scope, config.DOCS === undefined ? !isProduction(config) : config.DOCS === 'on')
    await scope.register(async (webhooks) => {
      await limitRates(webhooks, rates)
      receiveAll(webhooks, parts, rates)
    })
  })
  closeInTime(app)
  return app
}

function receiveAll(scope: FastifyInstance, parts: Parts, rates: RateLimits): void {
  const { config, log, store, quarantine = null, metrics, observer, clock = new Clock() } = parts
  const limits = { body: config.BODY_LIMIT_BYTES, proven: config.MAX_IN_FLIGHT_BYTES }
  const intake = new Intake(limits, (reason) => metrics.shed.inc({ reason }))
  exposeIntake(metrics, intake)
  const unpacker = new Unpacker(intake)
  for (const vendor of vendors) {
    const authenticator = vendor.authenticator(config.credentials)
    metrics.configured.set({ vendor: vendor.name }, authenticator ? 1 : 0)
    if (authenticator) {
      receive(scope, {
        vendor,
        credentials: config.credentials,
        authenticator,
        onRefused: observer.refused(vendor, config.credentials, authenticator),
        intake,
        unpacker,
        store: observer.store(store),
        quarantine,
        admit: admitter(scope, vendor, rates),
        clock,
      })
      log.info({ vendor: vendor.name, path: `/webhooks/${vendor.name}` }, 'receiving')
    } else {
      log.warn({ vendor: vendor.name }, `no route: set ${Object.keys(vendor.credentials).join(' or ')}`)
    }
  }
}

const isProduction = ({ NODE_ENV }: Config) => NODE_ENV === 'production'

function metricsAudience(config: Config): Audience {
  if (config.METRICS_TOKEN !== undefined) return { token: config.METRICS_TOKEN }
  return isProduction(config) ? 'own network' : 'everybody'
}

/** What each may hold unread is bounded, so their number must be. */
const MOST_CONNECTIONS = 10_000

const CLOSE_LIMIT = 10_000

/** A connection that never finishes its request must not hold up the end of the process. */
function closeInTime(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    setTimeout(() => app.server.closeAllConnections(), CLOSE_LIMIT).unref()
  })
}
