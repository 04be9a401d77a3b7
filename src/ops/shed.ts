import { getHeapStatistics } from 'node:v8'
import type { FastifyInstance } from 'fastify'
import { ProblemError } from '../contract/problem.ts'
import { type Intake, RETRY_AFTER } from '../ingest/intake.ts'
import type { Metrics } from './metrics/index.ts'

/** Milliseconds by which the event loop may lag. */
const MOST_LAG_MS = 1000

/** Samples in a row that must lag: a single long pause is already over when it is noticed. */
const LAGS = 3

/** The part of the heap limit that may be in use. */
const MOST_HEAP = 0.9

const SAMPLE_MS = 250

/** Every reason for which a request is answered 503 before it is read. */
const REASONS = ['bytes', 'unproven', 'unpacking', 'heap', 'event loop']

/** Publishes the memory that `intake` counts, read at every scrape. */
export function publishIntake({ inFlightBytes, unprovenBytes }: Metrics, { used }: Intake): void {
  inFlightBytes.read(() => used.proven)
  unprovenBytes.read(() => used.unproven)
}

/** Answers deliveries 503 before they are read while the heap is nearly full or the event loop lags. */
export function shedLoad(app: FastifyInstance, { shed }: Metrics): void {
  for (const reason of REASONS) shed.series({ reason })
  let overload: string | null = null
  let lags = 0
  let due = Date.now() + SAMPLE_MS
  const sampling = setInterval(() => {
    const lag = Date.now() - due
    due = Date.now() + SAMPLE_MS
    const { used_heap_size, heap_size_limit } = getHeapStatistics()
    lags = lag > MOST_LAG_MS ? lags + 1 : 0
    if (lags >= LAGS) overload = 'event loop'
    else overload = used_heap_size > heap_size_limit * MOST_HEAP ? 'heap' : null
  }, SAMPLE_MS)
  sampling.unref()
  app.addHook('onClose', async () => clearInterval(sampling))

  app.addHook('onRequest', (request, _reply, done) => {
    if (overload === null || request.method !== 'POST') return done()
    shed.add({ reason: overload })
    done(new ProblemError('unavailable', `Too much is being received (${overload}).`, RETRY_AFTER))
  })
}
