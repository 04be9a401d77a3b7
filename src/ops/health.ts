import { Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { Problem, problem } from '../problem.ts'

/** Resolves to what is not in order; null when all is. */
export type Readiness = () => Promise<string | null>

const Ok = Type.Object({ status: Type.Literal('ok') })

export function health(app: FastifyInstance, readiness: Readiness): void {
  app.get('/health/live', { schema: { response: { 200: Ok } } }, async () => ({ status: 'ok' }))

  app.get(
    '/health/ready',
    {
      schema: {
        response: { 200: Ok, 503: { content: { 'application/problem+json': { schema: Problem } } } },
      },
    },
    async (_request, reply) => {
      const fault = await readiness()
      if (fault === null) return { status: 'ok' }
      return reply.code(503).type('application/problem+json').send(problem('unavailable', fault))
    },
  )
}
