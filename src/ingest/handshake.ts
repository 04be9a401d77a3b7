import type { FastifyInstance } from 'fastify'
import { ProblemError } from '../contract/problem.ts'
import type { Credentials, Vendor } from '../contract/vendor.ts'
import { problemAnswer, titleOf } from './callback-schema.ts'

/** Adds `GET /webhooks/<vendor>` if the vendor verifies its URL. Answers 401 if the vendor's token is wrong. */
export function answerHandshake(app: FastifyInstance, vendor: Vendor, credentials: Credentials): void {
  if (!vendor.handshake) return
  const schema = {
    tags: [vendor.name],
    summary: `Verify the URL for ${titleOf(vendor)}`,
    description: `${titleOf(vendor)} sends this request before it sends callbacks.`,
    response: { 401: problemAnswer('unauthorized') } as Record<number, object>,
  }
  app.get(`/webhooks/${vendor.name}`, { schema, exposeHeadRoute: false }, async (request, reply) => {
    const answer = vendor.handshake?.(request.query as Record<string, unknown>, credentials)
    if (!answer) throw new ProblemError('unauthorized', 'No valid credential was presented.')
    const { status, body } = answer
    // The text may repeat the query: a browser must not take it for HTML.
    reply.code(status).header('x-content-type-options', 'nosniff')
    if (typeof body === 'string') reply.type('text/plain; charset=utf-8')
    return reply.send(body ?? undefined)
  })
}
