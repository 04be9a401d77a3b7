import type { FastifyInstance } from 'fastify'
import { apiKeyCheck } from '../ingest/secrets.ts'
import { Problem, ProblemError } from '../problem.ts'
import type { Readiness } from './health.ts'
import type { Metrics } from './metrics.ts'

const schema = {
  tags: ['operations'],
  summary: "Metrics in Prometheus' text format",
  security: [{}, { METRICS_TOKEN: [] }],
  response: {
    200: { description: 'The metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
    401: { description: 'unauthorized', content: { 'application/problem+json': { schema: Problem } } },
  },
}

/** `GET /metrics` in Prometheus' text format; with a token only for those who present it. */
export function exposeMetrics(
  app: FastifyInstance,
  { registry, ready }: Metrics,
  readiness: Readiness,
  token: string | undefined,
): void {
  const isToken = token === undefined ? undefined : apiKeyCheck([`Bearer ${token}`])

  app.get('/metrics', { schema }, async (request, reply) => {
    if (isToken && !isToken(request.headers.authorization ?? '')) {
      throw new ProblemError('unauthorized', 'The metrics need METRICS_TOKEN.', {
        'www-authenticate': 'Bearer',
      })
    }
    for (const [part, fault] of Object.entries(await readiness())) ready.set({ part }, fault === null ? 1 : 0)
    return reply.type(registry.contentType).send(await registry.metrics())
  })
}
