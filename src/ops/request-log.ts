import { hash, randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'

/** One line a request: what became of it, never what was in it; whose it was as a short hash under `key`. */
export function logRequests(app: FastifyInstance, key = randomBytes(24).toString('base64url')): void {
  app.addHook('onResponse', async (request, reply) => {
    const status = reply.statusCode
    const line = {
      method: request.method,
      route: request.routeOptions.url ?? null,
      status,
      ms: Math.round(reply.elapsedTime * 10) / 10,
    }
    const { summary, owner } = request
    if (summary) Object.assign(line, summary)
    if (owner) Object.assign(line, { user: shortHash(key, owner) })
    // Somebody should look: a credential that is wrong, or a service that is.
    if (status === 401 || status >= 500) request.log.warn(line, 'request')
    else request.log.info(line, 'request')
  })
}

function shortHash(key: string, id: string): string {
  return hash('sha256', `${key} ${id}`, 'hex').slice(0, 12)
}
