import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { html } from '../html.ts'
import { barePageOf } from '../layout.ts'
import { fieldOf, sendPage } from '../request.ts'
import type { Sessions } from './session.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The name of the console's session, for the audit lines; null on a page that needs none. */
    consoleSession: string | null
  }
}

/** Attempts to log in, of one address in a minute. */
const ATTEMPTS = 10
const MINUTE = 60_000

/** Paths that need no session: they show nothing. */
const isOpen = (url: string) => url === '/login' || url.startsWith('/static/') || url === '/hypnogram.css'

/**
 * Lets nobody in without a session, and takes no POST from another site's page. Must be called before any route is
 * declared.
 */
export function guard(app: FastifyInstance, sessions: Sessions): void {
  app.decorateRequest('consoleSession', null)
  app.addHook('onRequest', async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    if (request.method === 'POST' && !isOwnOrigin(request)) return refuse(reply, 'from another site')
    if (isOpen(path)) return
    request.consoleSession = sessions.of(request)
    if (request.consoleSession !== null) return
    if (request.method === 'GET' && wantsPage(request)) return reply.redirect('/login', 303)
    return refuse(reply, 'without a login')
  })
}

/** A browser sends `Origin` with every POST. The host is compared and not the scheme, which a proxy may change. */
function isOwnOrigin({ headers: { origin, host } }: FastifyRequest): boolean {
  if (origin === undefined || host === undefined || !URL.canParse(origin)) return false
  return new URL(origin).host === host
}

const wantsPage = ({ headers: { accept = '' } }: FastifyRequest) => accept.includes('text/html')

function refuse(reply: FastifyReply, how: string) {
  const page = barePageOf(
    'Refused',
    html`<h1>Refused</h1><p>The request came ${how}. <a href="/login">Log in</a></p>`,
  )
  return sendPage(reply.code(403), page)
}

/** `/login` and `/logout`. */
export async function accessRoutes(app: FastifyInstance, sessions: Sessions): Promise<void> {
  await app.register(rateLimit, { global: false, cache: 1000 })
  const check = app.createRateLimit({ max: ATTEMPTS, timeWindow: MINUTE, keyGenerator: ({ ip }) => ip })

  app.get('/login', async (_request, reply) => sendPage(reply, loginPage()))

  app.post('/login', async (request, reply) => {
    const limit = await check(request)
    if (!limit.isAllowed && limit.isExceeded) {
      const wait = limit.ttlInSeconds
      reply.code(429).header('retry-after', String(wait))
      return sendPage(reply, loginPage(`Too many attempts. Wait ${wait} s and try again.`))
    }
    const session = sessions.begin(reply, fieldOf(request, 'token'))
    if (session === null) {
      app.log.warn({ address: request.ip }, 'console: a login failed')
      return sendPage(reply.code(401), loginPage('This is not the token.'))
    }
    app.log.info({ session, address: request.ip }, 'console: logged in')
    return reply.redirect('/', 303)
  })

  app.post('/logout', async (request, reply) => {
    const session = request.consoleSession as string
    sessions.end(reply, session)
    app.log.info({ session }, 'console: logged out')
    return reply.redirect('/login', 303)
  })
}

/** The script fills in a token that stands in the link's fragment, which a browser sends to nobody. */
const loginPage = (problem?: string) =>
  barePageOf(
    'Log in',
    html`<h1>Nightpost console</h1>
${problem && html`<p class="notice bad" role="alert">${problem}</p>`}
<form method="post" action="/login" class="login" data-login>
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<p class="hint">In development <code>npm start</code> prints a link that logs in. Otherwise it is the setting <code>CONSOLE_TOKEN</code>.</p>
<button>Log in</button>
</form>`,
  )
