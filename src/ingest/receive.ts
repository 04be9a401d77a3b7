import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { Problem, ProblemError } from '../contract/problem.ts'
import type { Authenticator, Headers, Vendor } from '../contract/vendor.ts'
import type { Clock } from './clock.ts'
import { hasSignature } from './content.ts'
import { arrive, type Quarantine, type Receipt, type Store, type Verdict } from './delivery.ts'
import { kept, unverified } from './headers.ts'
import type { Intake } from './intake.ts'
import { judgeContent } from './judge.ts'
import type { Unpacker } from './unpack.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the one log line of the request says of its delivery. */
    summary: Readonly<Record<string, unknown>> | null
    /** Whose data it brought; the log has no more than a hash of it. */
    owner: string | null
  }
}

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
  readonly authenticator: Authenticator
  /** Told the headers of each request that is refused. */
  readonly onRefused: (headers: Headers) => void
  readonly intake: Intake
  readonly unpacker: Unpacker
  readonly store: Store
  /** Null: what is not proven is not kept. */
  readonly quarantine: Quarantine | null
  readonly admit: Admit | null
  readonly clock: Clock
}

/** Milliseconds that a stranger's answer waits for the quarantine; what is under way is kept all the same. */
const QUARANTINE_PATIENCE = 2000

/** The route of one vendor: `POST /webhooks/<vendor>`. */
export function receive(
  app: FastifyInstance,
  { vendor, authenticator, onRefused, intake, unpacker, store, quarantine, admit, clock }: Receiver,
): void {
  const refuse = async (headers: Headers, bytes: Buffer | null) => {
    onRefused(headers)
    if (quarantine && bytes)
      await inTime(quarantine.keep(unverified(vendor, headers, arrive(bytes, clock))), QUARANTINE_PATIENCE)
    throw new ProblemError('unauthorized', 'No valid credential was presented.')
  }

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
      const { headers } = request.raw
      const body = intake.open(request.raw)
      try {
        const early = authenticator.fromHeaders(headers)
        if (early === null && !quarantine) return await refuse(headers, null)
        if (early) body.prove()
        const bytes = await body.read()

        let scheme = early ?? authenticator.authenticate(headers, bytes)
        let content: Buffer | Problem | null = null
        if (scheme === null && early === undefined && hasSignature(vendor, headers)) {
          content = await unpacker.ofStranger(headers, bytes, body)
          if (content) scheme = authenticator.authenticate(headers, content)
        }
        if (scheme === null) {
          // What the quarantine holds counts there.
          body.release()
          return await refuse(headers, bytes)
        }
        if (!body.isProven) body.prove()
        const arrival = arrive(bytes, clock)

        if (admit) await admit(request)
        content ??= headers['content-encoding'] ? await unpacker.content(headers, bytes, body) : bytes
        const verdict = judgeContent(vendor, scheme, headers, content)
        const receipt = await store.commit({
          arrival,
          verdict,
          vendor: vendor.name,
          authenticatedBy: scheme,
          headers: kept(vendor, headers),
          normaliserVersion: vendor.normaliserVersion,
        })

        request.owner = verdict.owner
        request.summary = summary(vendor, verdict, receipt)
        if (receipt.outcome === 'rejected') throw new RejectedError(receipt)
        return await reply.send({ outcome: receipt.outcome, delivery_id: receipt.deliveryId })
      } finally {
        body.release()
      }
    },
  )
}

/** Resolves with `work`, or when the time is up. */
async function inTime(work: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const up = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([work, up])
  clearTimeout(timer)
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

/**
 * Leaves every body on the wire for its route to read, and parses nothing: HMAC and ledger need what was sent. Nothing
 * depends on Content-Type, because what a sender writes there says nothing reliable about its bytes.
 */
export function leaveBodies(app: FastifyInstance): void {
  app.decorateRequest('summary', null)
  app.decorateRequest('owner', null)
  app.removeAllContentTypeParsers()
  const leave = (_request: FastifyRequest, _body: unknown, done: (error: null) => void) => done(null)
  app.addContentTypeParser(['*', JSON_TYPE], leave)
  app.addHook('onRequest', (request, _reply, done) => {
    const type = request.raw.headers['content-type']
    // Fastify would answer 415 where it can't read the header. The header itself stays in `raw`, for the ledger.
    if (type !== undefined && type !== JSON_TYPE) request.headers = { 'content-type': undefined }
    done()
  })
}

const JSON_TYPE = 'application/json'
