import { fileURLToPath } from 'node:url'
import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import files from '@fastify/static'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  LogController,
} from 'fastify'
import { createReadPool } from '../db/connect/pool.ts'
import { darkRules } from '../hypnogram/theme.ts'
import { trustProxy } from '../ops/trust-proxy.ts'
import { accessRoutes, guard } from './access/routes.ts'
import { cookieKey, Sessions } from './access/session.ts'
import { arrivalRoutes } from './arrivals/routes.ts'
import { connectRoutes } from './connect/routes.ts'
import type { ConsoleContext, ConsoleDependencies } from './context.ts'
import { CONNECTIONS, isTimeout, STATEMENT_TIMEOUT } from './database.ts'
import { deliveryRoutes } from './delivery/routes.ts'
import { healthRoutes } from './health/routes.ts'
import { html } from './html.ts'
import { pageOf } from './layout.ts'
import { personRoutes } from './person/routes.ts'
import { readForms, sendPage } from './request.ts'

/**
 * The web pages for the person who runs Nightpost. They have a listener of their own, so that nothing of them can be reached
 * where the vendors' deliveries arrive, and their own connections, so that a slow page does not hold up a delivery.
 */
export function buildConsole(dependencies: ConsoleDependencies): FastifyInstance {
  const { config, token, log, database } = dependencies
  const app: FastifyInstance = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustProxy(config.TRUST_PROXY),
    requestTimeout: 15_000,
    forceCloseConnections: true,
  })
  const pool = createReadPool(database, log, {
    name: 'nightpost console',
    max: CONNECTIONS,
    statementTimeout: STATEMENT_TIMEOUT,
  })
  app.addHook('onClose', async () => pool.end())
  const sessions = new Sessions(token)
  const context: ConsoleContext = {
    ...dependencies,
    pool,
    isOpen: (request) => sessions.of(request) !== null,
    showsValues: config.CONSOLE_BODIES === 'on',
  }
  app.register(cookie, { secret: cookieKey(token) })
  app.register(helmet, HEADERS)
  readForms(app)
  answerFailures(app)
  app.register(async (scope) => {
    guard(scope, sessions)
    scope.addHook('onSend', async (_request, reply) => {
      if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    })
    await scope.register(files, { root: STATIC, prefix: '/static/', maxAge: 60_000, index: false })
    scope.get('/hypnogram.css', async (_request, reply) =>
      reply.type('text/css; charset=utf-8').header('cache-control', 'public, max-age=60').send(darkRules()),
    )
    await accessRoutes(scope, sessions)
    arrivalRoutes(scope, context)
    deliveryRoutes(scope, context)
    healthRoutes(scope, context)
    personRoutes(scope, context)
    connectRoutes(scope, context)
  })
  return app
}

/** Styles, the script and the icon, beside this file in the sources and in the build. */
const STATIC = fileURLToPath(new URL('./static/', import.meta.url))

const SELF = ["'self'"]
const NONE = ["'none'"]

const HEADERS = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': NONE,
      'style-src': SELF,
      'script-src': SELF,
      'img-src': ["'self'", 'data:'],
      'connect-src': SELF,
      'form-action': SELF,
      'frame-ancestors': NONE,
      'base-uri': NONE,
    },
  },
  // A proxy that speaks HTTPS decides this.
  strictTransportSecurity: false,
  // With `no-referrer` browsers send `Origin: null` with a form, and the check of its origin would refuse it.
  referrerPolicy: { policy: 'same-origin' as const },
}

/** Answers with pages that contain no value of the request or of the database. */
function answerFailures(app: FastifyInstance): void {
  const say = (title: string, text: string) =>
    pageOf({ title, content: html`<h1>${title}</h1><p>${text}</p><p><a href="/">Arrivals</a></p>` })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (isTimeout(error))
      return sendPage(
        reply.code(503),
        say('This took too long', 'The database needed more than 5 s. Narrow the time or the filter.'),
      )
    const status = error.statusCode ?? 500
    if (status < 500)
      return sendPage(reply.code(status), say('Not possible', 'The request could not be read.'))
    request.log.error({ err: error }, 'console: a page failed')
    return sendPage(
      reply.code(500),
      say(
        'This page failed',
        'The database does not answer, or this is a fault of Nightpost. Its log says more.',
      ),
    )
  })
  app.setNotFoundHandler((_request, reply) =>
    sendPage(
      reply.code(404),
      say('Nothing here', 'There is no such page, or what it showed is no longer kept.'),
    ),
  )
}
