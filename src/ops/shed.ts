import { getHeapStatistics } from 'node:v8'
import type { FastifyInstance } from 'fastify'
import { ProblemError } from '../problem.ts'
import { gauge, type Metrics } from './metrics.ts'

/** Bodies up to this size are not counted: what they can hold together is bounded by the connections. */
const SMALL_BYTES = 16 * 2 ** 10

/** How far the event loop may lag behind, and how often in a row: one long pause is over when it is noticed. */
const MOST_LAG_MS = 1000
const LAGS = 3

/** How full the heap may be. */
const MOST_HEAP = 0.9

const SAMPLE_MS = 250

export const RETRY_AFTER = { 'retry-after': '5' }

/**
 * Turns deliveries away with 503 before they are read where memory or time are short: too many bytes are on
 * their way from socket to commit, the heap is nearly full, or the event loop lags behind.
 */
export function shedLoad(
  app: FastifyInstance,
  { shed, registry }: Metrics,
  maxBytes: number,
  bodyLimit: number,
): void {
  let inFlight = 0
  gauge(
    registry,
    'nightpost_in_flight_bytes',
    'Bytes of larger bodies between socket and answer',
    () => inFlight,
  )
  // From 0 on: Prometheus can't see a first increase of what was not there before.
  for (const reason of ['bytes', 'heap', 'event loop']) shed.inc({ reason }, 0)
  let reason: string | null = null
  const counted = (name: string) => {
    shed.inc({ reason: name })
    return new ProblemError('unavailable', `Too much is being received (${name}).`, RETRY_AFTER)
  }

  let lags = 0
  let due = Date.now() + SAMPLE_MS
  const sampling = setInterval(() => {
    const lag = Date.now() - due
    due = Date.now() + SAMPLE_MS
    const { used_heap_size, heap_size_limit } = getHeapStatistics()
    lags = lag > MOST_LAG_MS ? lags + 1 : 0
    if (lags >= LAGS) reason = 'event loop'
    else reason = used_heap_size > heap_size_limit * MOST_HEAP ? 'heap' : null
  }, SAMPLE_MS)
  sampling.unref()
  app.addHook('onClose', async () => clearInterval(sampling))

  app.addHook('onRequest', (request, reply, done) => {
    if (request.method !== 'POST') return done()
    if (reason !== null) return done(counted(reason))
    const length = request.headers['content-length']
    // A body of unknown length may turn out as long as a body can be.
    const bytes = length === undefined ? bodyLimit : Number(length)
    if (bytes <= SMALL_BYTES) return done()
    // One body is always taken, however large BODY_LIMIT_BYTES lets it be.
    if (inFlight > 0 && inFlight + bytes > maxBytes) return done(counted('bytes'))
    inFlight += bytes
    // Not `onResponse`: a client that hangs up gets none.
    reply.raw.once('close', () => {
      inFlight -= bytes
    })
    done()
  })
}
