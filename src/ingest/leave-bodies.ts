import type { FastifyInstance } from 'fastify'

const JSON_TYPE = 'application/json'

/**
 * Makes Fastify parse no body and leave each unread for its route, because the HMAC and the ledger need the exact
 * bytes. Content-Type has no effect: senders write anything there.
 */
export function leaveBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const leave = (_request: unknown, _body: unknown, done: (error: null) => void) => done(null)
  app.addContentTypeParser(['*', JSON_TYPE], leave)
  app.addHook('onRequest', (request, _reply, done) => {
    const type = request.raw.headers['content-type']
    // Fastify answers 415 if it can't parse the header. `request.raw` keeps the original header for the ledger.
    if (type !== undefined && type !== JSON_TYPE) request.headers = { 'content-type': undefined }
    done()
  })
}
