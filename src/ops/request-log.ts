import { hash, randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { DeliveryTrace } from '../contract/channels.ts'

/** Logs one line per request: its outcome, without its content. The user is logged as a short hash with `key`. */
export function logRequests(app: FastifyInstance, key = randomBytes(24).toString('base64url')): void {
  const log = app.log as unknown as Logger
  app.addHook('onResponse', (request, reply, done) => {
    done()
    const status = reply.statusCode
    // A wrong credential or a failing service needs attention.
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
    Object.assign(line, traceField(request.trace))
    log[level](line, 'request')
  })
}

/** `trace_id`, if a listener of the tracing channel has set one. */
export function traceField(trace: DeliveryTrace | null | undefined): { trace_id?: string } {
  return trace?.traceId ? { trace_id: trace.traceId } : {}
}

function shortHash(key: string, id: string): string {
  return hash('sha256', `${key} ${id}`, 'hex').slice(0, 12)
}
