import type { FastifyInstance } from 'fastify'
import { INTERNAL_REFUSAL, INTERNAL_SECURITY, type InternalAccess } from './internal-access.ts'
import type { Shown } from './metrics/all-workers.ts'

const schema = {
  tags: ['operations'],
  summary: "Metrics in Prometheus' text format",
  security: INTERNAL_SECURITY,
  response: {
    200: { description: 'The metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
    401: INTERNAL_REFUSAL,
  },
}

/** `GET /metrics` in Prometheus' text format. */
export function metricsRoute(
  app: FastifyInstance,
  { metrics: { registry }, metricsText }: Pick<Shown, 'metrics' | 'metricsText'>,
  checkAccess: InternalAccess,
): void {
  const render = sharedRendering(async () => Buffer.from(await metricsText()))
  app.get('/metrics', { schema }, async (request, reply) => {
    checkAccess(request)
    const { bytes, sent } = await render()
    reply.raw.once('close', sent)
    return reply.type(registry.contentType).send(bytes)
  })
}

/** Milliseconds after which a rendering is not handed to a further client, even if it is still being sent. */
const FRESH_MS = 1000

interface Rendering {
  readonly bytes: Promise<Buffer>
  /** When it was begun, by the clock of `performance`. */
  readonly since: number
  /** Answers that are not sent yet. */
  open: number
}

/**
 * Shares one rendering among all clients that ask before it has been sent to each of them, for at most a second.
 * Thousands of clients that ask concurrently, or that do not read the answer, then cost one buffer and one rendering.
 */
function sharedRendering(render: () => Promise<Buffer>): () => Promise<{ bytes: Buffer; sent: () => void }> {
  let last: Rendering | null = null
  return async () => {
    const now = performance.now()
    if (!last || last.open === 0 || now - last.since > FRESH_MS)
      last = { bytes: render(), since: now, open: 0 }
    const rendering = last
    rendering.open += 1
    const sent = () => {
      rendering.open -= 1
    }
    try {
      return { bytes: await rendering.bytes, sent }
    } catch (error) {
      sent()
      throw error
    }
  }
}
