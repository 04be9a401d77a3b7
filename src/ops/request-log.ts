import { hash, randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Level, Logger } from 'pino'
import type { DeliveryTrace } from '../contract/channels.ts'
import { Refused } from '../ingest/refusal.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Why the sender is not proven, if that is why the request is refused. */
    refused: Refused | null
  }
}

/**
 * Logs one line per request: its outcome, without its content. The user is logged as a short hash with `key`.
 *
 * Anybody can send requests that are no deliveries, so their lines are limited: `LINES` a minute for each route, status
 * and reason. Those beyond it are counted, and the count is logged at the end of the minute.
 */
export function logRequests(app: FastifyInstance, key = randomBytes(24).toString('base64url')): void {
  const log = app.log as unknown as Logger
  const limit = limitLines(log)
  app.addHook('onClose', async () => limit.flush())
  app.decorateRequest('refused', null)
  app.addHook('onError', (request, _reply, error, done) => {
    if (error instanceof Refused) request.refused = error
    done()
  })

  app.addHook('onResponse', (request, reply, done) => {
    done()
    const status = reply.statusCode
    // A wrong credential or a failing service needs attention.
    const level = status === 401 || status >= 500 ? 'warn' : 'info'
    if (!log.isLevelEnabled(level)) return
    const { method, summary, owner, refused } = request
    const route = request.routeOptions.url ?? null
    const line = { method, route, status, ms: Math.round(reply.elapsedTime * 10) / 10 }
    if (summary) {
      const user = owner ? { user: shortHash(key, owner) } : null
      log[level]({ ...line, ...summary, ...user, ...traceField(request.trace) }, 'request')
      return
    }
    const why = refused && { vendor: refused.vendor, reason: refused.reason }
    if (limit.allows(level, { route, status, ...why }))
      log[level]({ ...line, ...why, ...traceField(request.trace) }, 'request')
  })
}

const LINES = 30
const MINUTE = 60_000

interface Kind {
  readonly level: Level
  readonly fields: object
  seen: number
}

/** Counts lines by their kind, which is `fields`. There must be few kinds: none holds a value of the request. */
function limitLines(log: Logger) {
  const kinds = new Map<string, Kind>()
  let timer: NodeJS.Timeout | undefined

  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    for (const { level, fields, seen } of kinds.values()) {
      if (seen > LINES) log[level]({ ...fields, count: seen - LINES }, 'more requests, without lines')
    }
    kinds.clear()
  }

  /** Whether a line of this kind may still be written in this minute. */
  const allows = (level: Level, fields: object): boolean => {
    timer ??= setTimeout(flush, MINUTE).unref()
    const name = JSON.stringify(fields)
    const kind = kinds.get(name) ?? { level, fields, seen: 0 }
    kinds.set(name, kind)
    kind.seen += 1
    return kind.seen <= LINES
  }
  return { allows, flush }
}

/** `trace_id`, if a listener of the tracing channel has set one. */
export function traceField(trace: DeliveryTrace | null | undefined): { trace_id?: string } {
  return trace?.traceId ? { trace_id: trace.traceId } : {}
}

/** A user in the log: a hash that tells neither the id nor, without the key, whose it is. */
export function shortHash(key: string, id: string): string {
  return hash('sha256', `${key} ${id}`, 'hex').slice(0, 12)
}
