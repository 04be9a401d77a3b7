import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'

import type { Config } from './config/index.ts'
import { Clock } from './ingest/clock.ts'
import { Unpacker } from './ingest/content.ts'
import type { Quarantine, Store } from './ingest/delivery.ts'
import { Intake } from './ingest/intake.ts'
import { decorateSummary, leaveBodies, receive } from './ingest/receive.ts'
import { limitConnections, limitPipelining } from './ops/connections.ts'
import { healthRoutes, publishBuild, publishReadiness, type Readiness } from './ops/health.ts'
import { internalAccess } from './ops/internal-access.ts'
import type { Shown } from './ops/metrics/all-workers.ts'
import type { Metrics } from './ops/metrics/index.ts'
import { metricsRoute } from './ops/metrics-route.ts'
import { measureRequests, type Observer } from './ops/observe.ts'
import { collectRoutes, hasPages, serveDocs } from './ops/openapi.ts'
import { answerProblems, rawProblem } from './ops/problems.ts'
import { admitter, type CountForAll, limitRates, type RateLimits } from './ops/rate-limits.ts'
import { logRequests } from './ops/request-log.ts'
import { rootPage } from './ops/root-page.ts'
import { publishIntake, shedLoad } from './ops/shed.ts'
import { cutConnectionsOnClose } from './ops/shutdown.ts'
import { statusRoute } from './ops/status-route.ts'
import { trustProxy } from './ops/trust-proxy.ts'
import { vendors } from './vendors/index.ts'

/** What the HTTP side needs from its surroundings. */
export interface AppDependencies {
  readonly config: Config
  readonly log: FastifyBaseLogger
  readonly store: Store
  readonly quarantine?: Quarantine | null
  readonly readiness: Readiness
  readonly metrics: Metrics
  readonly observer: Observer
  /** Stamps arrivals. The service's clock follows the database's. */
  readonly clock?: Clock
  /** What `/metrics`, `/status` and `/health/ready` show, if it is more than the state of this process. */
  readonly shown?: Shown
  /** Processes that share this port, and divide its limits. */
  readonly workers?: number
  /** Counts for the rate limits together with the other workers. */
  readonly countForAll?: CountForAll | null
}

/** The whole HTTP side, the same in production and in tests. */
export function buildApp(dependencies: AppDependencies): FastifyInstance {
  const { config, readiness, metrics, workers = 1, countForAll = null } = dependencies
  const { shown = ownState(dependencies) } = dependencies
  const app = createServer(dependencies)
  answerProblems(app)
  logRequests(app, config.LOG_ID_KEY)
  measureRequests(app, metrics)
  limitConnections(app, workers)
  limitPipelining(app)
  shedLoad(app, metrics)
  leaveBodies(app)
  decorateSummary(app)
  publishReadiness(metrics, readiness)
  publishBuild(metrics)
  app.register(async (scope) => {
    await collectRoutes(scope, vendors)
    healthRoutes(scope, shown.readiness)
    const checkAccess = internalAccess(config)
    metricsRoute(scope, shown, checkAccess)
    statusRoute(scope, shown, checkAccess)
    rootPage(scope, { config, vendors, withDocs: hasPages(config) }, checkAccess)
    serveDocs(scope, config, vendors)
    await scope.register(async (webhooks) => {
      const rates = {
        perAddress: config.RATE_LIMIT_PER_ADDRESS,
        perCredential: config.RATE_LIMIT_PER_CREDENTIAL,
      }
      await limitRates(webhooks, rates, countForAll)
      webhookRoutes(webhooks, dependencies, rates)
    })
  })
  cutConnectionsOnClose(app)
  return app
}

function ownState({ metrics, readiness }: AppDependencies): Shown {
  return { metrics, readiness, onlineSteps: () => [], metricsText: () => metrics.registry.metrics() }
}

function createServer({ config, log }: AppDependencies): FastifyInstance {
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger for each request would only add its number. The delivery's id says more and costs less.
    childLoggerFactory: (logger) => logger,
    // Time limits of the headers and of the whole request. The store limits the time of what follows.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 5_000 },
    requestTimeout: 15_000,
    // An idle limit, for example of a client that does not read its answer. An answer takes at most 25 s.
    connectionTimeout: 60_000,
    trustProxy: trustProxy(config.TRUST_PROXY),
    forceCloseConnections: 'idle',
    // Requests that arrive on an open connection during shutdown are still taken: the store closes last.
    return503OnClosing: false,
    clientErrorHandler(error, socket) {
      // Destroyed after the answer is written: a client that keeps its side open must not keep the socket.
      if (socket.writable) socket.end(rawProblem(error), () => socket.destroy())
      else socket.destroy()
    },
    frameworkErrors(error, request, reply) {
      app.errorHandler(error, request as never, reply as never)
    },
  })
  return app
}

/** A route for every vendor that has a credential configured. */
function webhookRoutes(scope: FastifyInstance, dependencies: AppDependencies, rates: RateLimits): void {
  const { config, log, store, quarantine = null, metrics, observer, clock = new Clock() } = dependencies
  const { workers = 1 } = dependencies
  const limits = { body: config.BODY_LIMIT_BYTES, proven: config.MAX_IN_FLIGHT_BYTES / workers, workers }
  const intake = new Intake(limits, (reason) => metrics.shed.add({ reason }))
  publishIntake(metrics, intake)
  const unpacker = new Unpacker(intake)
  for (const vendor of vendors) {
    const authenticator = vendor.authenticator(config.credentials)
    metrics.configured.set({ vendor: vendor.name }, authenticator ? 1 : 0)
    if (authenticator) {
      receive(scope, {
        vendor,
        credentials: config.credentials,
        authenticator,
        onRefused: observer.refusalCounter(vendor, config.credentials, authenticator),
        intake,
        unpacker,
        store: observer.countingStore(store),
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
