import type { FastifyInstance } from 'fastify'

/** One line a request: what became of it, never what was in it. */
export function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    const line = {
      method: request.method,
      route: request.routeOptions.url ?? null,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
    }
    request.log.info(request.summary ? Object.assign(line, request.summary) : line, 'request')
  })
}
