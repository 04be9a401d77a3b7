import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { Problem, ProblemError } from '../problem.ts'
import type { Clock } from './clock.ts'
import { arrive, type Quarantine, type Receipt, type Store, type Verdict } from './delivery.ts'
import { kept, unverified } from './headers.ts'
import { judge } from './judge.ts'
import type { Authenticate, Vendor } from './vendor.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The exact bytes of the body; null where there was none. */
    bytes: Buffer | null
    /** What the one log line of the request says of its delivery. */
    summary: Readonly<Record<string, unknown>> | null
    /** Whose data it brought; the log has no more than a hash of it. */
    owner: string | null
  }
}

const NO_BYTES = Buffer.alloc(0)

const Acknowledgement = Type.Object({
  outcome: Type.Union([Type.Literal('stored'), Type.Literal('duplicate'), Type.Literal('unrecognised')]),
  delivery_id: Type.String({ format: 'uuid' }),
})

const problemAnswer = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Problem } },
})

/** Resolves where an authentic request may go on, and throws a problem where it may not. */
export type Admit = (request: FastifyRequest) => Promise<void>

const retryAfter = { 'Retry-After': { type: 'integer', description: 'Seconds to wait before trying again' } }

export interface Receiver {
  readonly vendor: Vendor
  /** Sees through a packed body: `ofContent`. */
  readonly authenticate: Authenticate
  readonly store: Store
  /** Null: what is not proven is not kept. */
  readonly quarantine: Quarantine | null
  readonly bodyLimit: number
  readonly admit: Admit | null
  readonly clock: Clock
}

/** The route of one vendor: `POST /webhooks/<vendor>`. */
export function receive(
  app: FastifyInstance,
  { vendor, authenticate, store, quarantine, bodyLimit, admit, clock }: Receiver,
): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    `/webhooks/${vendor.name}`,
    {
      schema: {
        tags: [vendor.name],
        summary: `A delivery of ${vendor.name}`,
        description: 'Answered once it is committed; see the examples for every event.',
        security: Object.values(vendor.proofs).map(({ setting }) => ({ [setting]: [] })),
        headers: vendor.headers,
        body: Type.Union([...vendor.events.map(({ schema }) => schema)]),
        response: {
          200: { description: 'Committed', ...Acknowledgement },
          400: problemAnswer('malformed_json or missing_user_id; kept'),
          401: problemAnswer('unauthorized'),
          413: problemAnswer('body_too_large'),
          415: problemAnswer('unsupported_media_type'),
          408: problemAnswer('request_timeout'),
          422: problemAnswer('invalid_body or user_mismatch; kept'),
          429: { ...problemAnswer('too_many_requests; nothing was kept'), headers: retryAfter },
          500: problemAnswer('internal: a fault of Nightpost'),
          503: { ...problemAnswer('unavailable; nothing was kept'), headers: retryAfter },
        },
      },
      validatorCompiler: headersOnly,
    },
    async (request, reply) => {
      const arrival = arrive(request.bytes ?? NO_BYTES, clock)

      const authenticatedBy = authenticate(request.headers, arrival.body)
      if (authenticatedBy === null) {
        await quarantine?.keep(unverified(vendor, request.headers, arrival))
        throw new ProblemError('unauthorized', 'No valid credential was presented.')
      }

      if (admit) await admit(request)
      const verdict = judge(vendor, authenticatedBy, request.headers, arrival.body, bodyLimit)
      const receipt = await store.commit({
        arrival,
        verdict,
        vendor: vendor.name,
        authenticatedBy,
        headers: kept(vendor, request.headers),
        normaliserVersion: vendor.normaliserVersion,
      })

      request.owner = verdict.owner
      request.summary = summary(vendor, verdict, receipt)
      if (receipt.outcome === 'rejected') throw new RejectedError(receipt)
      return reply.send({ outcome: receipt.outcome, delivery_id: receipt.deliveryId })
    },
  )
}

/** The body was kept, but not stored as rows. */
export class RejectedError extends Error {
  readonly problem: Problem

  constructor({ problem, deliveryId }: Receipt) {
    super(problem?.code ?? 'rejected')
    this.problem = { ...(problem as Problem), delivery_id: deliveryId }
  }
}

/** An unknown event's name is text from the body, and stays out of the log. */
function summary(vendor: Vendor, { event }: Verdict, { outcome, deliveryId, problem }: Receipt) {
  const name = vendor.events.some(({ name }) => name === event) ? event : null
  return { vendor: vendor.name, event: name, outcome, delivery_id: deliveryId, code: problem?.code }
}

/** The declared body is documentation: the schema of the one identified event judges the bytes. */
const headersOnly: NonNullable<RouteOptions['validatorCompiler']> = (route) =>
  route.httpPart === 'body' ? () => true : TypeBoxValidatorCompiler(route as never)

/** Keeps the exact bytes of every JSON body, and parses nothing: HMAC and ledger need what was sent. */
export function keepBytes(app: FastifyInstance): void {
  app.decorateRequest('bytes', null)
  app.decorateRequest('summary', null)
  app.decorateRequest('owner', null)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i,
    { parseAs: 'buffer' },
    (request: FastifyRequest, body: Buffer, done: (error: null) => void) => {
      request.bytes = body
      done(null)
    },
  )
}
