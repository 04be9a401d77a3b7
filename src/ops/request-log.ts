import { hash, randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'

/** One line a request: what became of it, never what was in it; whose it was as a short hash under `key`. */
export function logRequests(app: FastifyInstance, key = randomBytes(24).toString('base64url')): void {
  const log = app.log as unknown as Logger
  app.addHook('onResponse', (request, reply, done) => {
    done()
    const status = reply.statusCode
    // Somebody should look: a credential that is wrong, or a service that is.
    const level = status === 401 || status >= 500 ? 'warn' : 'info'
    if (!log.isLevelEnabled(level)) return
    const line = {
      method: request.method,
      route: request.routeOptions.url ?? null,
      status,
      ms: Math.round(reply.elapsedTime * 10) / 10,
    }
    const { summary, owner } = request
    if (summary) Object.assign(line, summary)
    if (owner) Object.assign(line, { user: shortHash(key, owner) })
    log[level](line, 'request')
  })
}

function shortHash(key: string, id: string): string {
  return hash('sha256', `${key} ${id}`, 'hex').slice(0, 12)
}
