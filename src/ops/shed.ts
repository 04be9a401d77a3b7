import { getHeapStatistics } from 'node:v8'
import type { FastifyInstance } from 'fastify'
import { ProblemError } from '../contract/problem.ts'
import { type Intake, RETRY_AFTER } from '../ingest/intake.ts'
import { gauge, type Metrics } from './metrics.ts'

/** How far the event loop may lag behind, and how often in a row: one long pause is over when it is noticed. */
const MOST_LAG_MS = 1000
const LAGS = 3

/** How full the heap may be. */
const MOST_HEAP = 0.9

const SAMPLE_MS = 250

/** Every reason for which a request is turned away. */
const REASONS = ['bytes', 'unproven', 'unpacking', 'heap', 'event loop']

/** What `intake` holds at a moment. */
export function exposeIntake({ registry }: Metrics, { used }: Intake): void {
  gauge(
    registry,
    'nightpost_in_flight_bytes',
    'Bytes of proven deliveries between socket and answer, as they are unpacked',
    () => used.proven,
  )
  gauge(
    registry,
    'nightpost_unproven_bytes',
    'Bytes that senders hold who are not proven yet',
    () => used.unproven,
  )
}

/** Turns deliveries away with 503 before they are read where the heap is nearly full, or the event loop lags behind. */
export function shedLoad(app: FastifyInstance, { shed }: Metrics): void {
  // From 0 on: Prometheus can't see a first increase of what was not there before.
  for (const reason of REASONS) shed.inc({ reason }, 0)
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

  app.addHook('onRequest', (request, _reply, done) => {
    if (request.method !== 'POST') return done()
    if (reason !== null) return done(counted(reason))
    done()
  })
}
