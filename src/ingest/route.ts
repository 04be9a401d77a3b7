import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyInstance, RouteOptions } from 'fastify'
import type { DeliveryTrace } from '../contract/channels.ts'
import { Problem } from '../contract/problem.ts'
import type { Vendor } from '../contract/vendor.ts'

const Acknowledgement = Type.Object({
  outcome: Type.Union([
    Type.Literal('stored'),
    Type.Literal('duplicate'),
    Type.Literal('unrecognised'),
    Type.Literal('erased'),
  ]),
  delivery_id: Type.String({ format: 'uuid' }),
})

export const problemAnswer = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Problem } },
})

const retryAfter = { 'Retry-After': { type: 'integer', description: 'Seconds to wait before a retry' } }

/** The vendor's name as a title: `Asleep`. */
export const titleOf = ({ name }: Vendor) => `${name[0]?.toUpperCase()}${name.slice(1)}`

const withArticle = (title: string) => `${/^[AEIOU]/.test(title) ? 'an' : 'a'} ${title}`

/** What the route of a vendor declares, for validation and for the OpenAPI document. */
export function callbackSchema(vendor: Vendor) {
  return {
    tags: [vendor.name],
    summary: `Receive ${withArticle(titleOf(vendor))} callback`,
    description: 'The answer is sent after the commit. There is an example for every event.',
    security: Object.values(vendor.proofs).map(({ setting }) => ({ [setting]: [] })),
    headers: vendor.headers,
    body: Type.Union([...vendor.events.map(({ schema }) => schema)]),
    response: {
      200: {
        description: 'Committed; `erased`: the person was erased, and nothing was kept',
        ...Acknowledgement,
      },
      400: problemAnswer('malformed_json or missing_user_id; the body is stored in the ledger'),
      401: problemAnswer('unauthorized'),
      408: problemAnswer('request_timeout'),
      413: problemAnswer('body_too_large'),
      422: problemAnswer('invalid_body or user_mismatch; the body is stored in the ledger'),
      429: { ...problemAnswer('too_many_requests; nothing is stored'), headers: retryAfter },
      500: problemAnswer('internal: a fault of Nightpost'),
      503: { ...problemAnswer('unavailable; nothing is stored'), headers: retryAfter },
    },
  }
}

/** Validates the headers only. The declared body is documentation: the schema of the one identified event judges it. */
export const validateHeaders: NonNullable<RouteOptions['validatorCompiler']> = (route) =>
  route.httpPart === 'body' ? () => true : TypeBoxValidatorCompiler(route as never)

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

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request's log line says about its delivery. */
    summary: Readonly<Record<string, unknown>> | null
    /** The owner of the delivery. The log line holds only a hash of it. */
    owner: string | null
    /** The message of the tracing channel once the sender is proven; null if nobody listens to it. */
    trace: DeliveryTrace | null
  }
}

export function decorateSummary(app: FastifyInstance): void {
  app.decorateRequest('summary', null)
  app.decorateRequest('owner', null)
  app.decorateRequest('trace', null)
}
