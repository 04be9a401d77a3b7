import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem, ProblemError } from '../contract/problem.ts'
import { apiKeyCheck } from '../contract/secrets.ts'
import type { Readiness } from './health.ts'
import type { Metrics } from './metrics.ts'
import { isOwnNetwork } from './own-network.ts'

const schema = {
  tags: ['operations'],
  summary: "Metrics in Prometheus' text format",
  security: [{}, { METRICS_TOKEN: [] }],
  response: {
    200: { description: 'The metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
    401: { description: 'unauthorized', content: { 'application/problem+json': { schema: Problem } } },
  },
}

/** Whom the metrics are for: who presents a token, who asks from the own network, or everybody. */
export type Audience = { readonly token: string } | 'own network' | 'everybody'

/** `GET /metrics` in Prometheus' text format. */
export function exposeMetrics(
  app: FastifyInstance,
  { registry, ready }: Metrics,
  readiness: Readiness,
  audience: Audience,
): void {
  const admit = admission(audience)
  const render = shared(async () => {
    for (const [part, fault] of Object.entries(await readiness())) ready.set({ part }, fault === null ? 1 : 0)
    return Buffer.from(await registry.metrics())
  })
  app.get('/metrics', { schema }, async (request, reply) => {
    admit(request)
    const { bytes, sent } = await render()
    reply.raw.once('close', sent)
    return reply.type(registry.contentType).send(bytes)
  })
}

function admission(audience: Audience): (request: FastifyRequest) => void {
  if (audience === 'everybody') return () => {}
  if (audience === 'own network') {
    return ({ raw }) => {
      if (!isOwnNetwork(raw)) throw refusal('Set METRICS_TOKEN to read the metrics from another network.')
    }
  }
  const isToken = apiKeyCheck([`Bearer ${audience.token}`])
  return ({ headers }) => {
    if (!isToken(headers.authorization ?? '')) throw refusal('The metrics need METRICS_TOKEN.')
  }
}

const refusal = (detail: string) => new ProblemError('unauthorized', detail, { 'www-authenticate': 'Bearer' })

/** How old a rendering may be that is still being sent to somebody. */
const FRESH_MS = 1000

interface Rendering {
  readonly bytes: Promise<Buffer>
  readonly since: number
  /** Answers that are not sent yet. */
  open: number
}

/**
 * One rendering for all who ask until it was sent to each of them, or for a second. So thousands of clients that ask at
 * once, or do not read what they asked for, share one piece of memory and one piece of work.
 */
function shared(render: () => Promise<Buffer>): () => Promise<{ bytes: Buffer; sent: () => void }> {
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
