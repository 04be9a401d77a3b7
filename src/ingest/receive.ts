import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { type DeliveryTrace, deliveryChannel, newDeliveryTrace, traced } from '../contract/channels.ts'
import type { Problem } from '../contract/problem.ts'
import type { Credentials, Vendor } from '../contract/vendor.ts'
import { authenticate, type Gate } from './authenticate.ts'
import { callbackSchema } from './callback-schema.ts'
import { keptHeaders, newArrival, type Receipt, type Store, type Verdict } from './delivery.ts'
import { answerHandshake } from './handshake.ts'
import type { Body, Intake } from './intake.ts'
import { judge } from './judge.ts'

/** Applies the rate limits to an authentic request. Rejects with a 429 problem if one is exceeded. */
export type Admit = (request: FastifyRequest) => Promise<void>

/** Everything that the routes of one vendor need. */
export interface Receiver extends Gate {
  readonly credentials: Credentials
  readonly intake: Intake
  readonly store: Store
  /** Null if there is no rate limit for authentic requests. */
  readonly admit: Admit | null
}

/** Adds the routes of one vendor: `POST /webhooks/<vendor>`, and a GET route if the vendor verifies its URL. */
export function receive(app: FastifyInstance, receiver: Receiver): void {
  const { vendor, credentials, intake } = receiver
  const route = { schema: callbackSchema(vendor), validatorCompiler: validateHeaders }
  answerHandshake(app, vendor, credentials)

  app
    .withTypeProvider<TypeBoxTypeProvider>()
    .post(`/webhooks/${vendor.name}`, route, async (request, reply) => {
      const body = intake.open(request.raw)
      try {
        const trace = deliveryChannel.hasSubscribers
          ? newDeliveryTrace(vendor.name, request.raw.headers.traceparent)
          : undefined
        const work = () => deliver(receiver, request, body, trace)
        const receipt = await (trace ? traced(deliveryChannel, trace, work) : work())
        if (receipt.outcome === 'rejected') throw new RejectedError(receipt)
        return await reply.send({ outcome: receipt.outcome, delivery_id: receipt.deliveryId })
      } finally {
        body.release()
      }
    })
}

/** Validates the headers only. The declared body is documentation: the schema of the one identified event judges it. */
const validateHeaders: NonNullable<RouteOptions['validatorCompiler']> = (route) =>
  route.httpPart === 'body' ? () => true : TypeBoxValidatorCompiler(route as never)

/** Authenticates, judges and commits one request. Throws if it is refused or nothing is committed. */
async function deliver(
  receiver: Receiver,
  request: FastifyRequest,
  body: Body,
  trace?: DeliveryTrace,
): Promise<Receipt> {
  const { vendor, unpacker, store, admit, clock } = receiver
  const { headers } = request.raw
  const { scheme, bytes, content } = await authenticate(receiver, headers, body)
  if (trace) request.trace = Object.assign(trace, { authenticatedBy: scheme, bytes: bytes.length })
  // The time of arrival is that of the whole body, before a rate limit can delay it.
  const arrival = newArrival(bytes, clock)
  if (admit) await admit(request)
  // A body that was signed before it was compressed is unpacked already.
  const unpacked = content ?? (await unpacker.content(headers, bytes, body))
  const verdict = judge(vendor, scheme, headers, unpacked)
  if (trace) trace.event = documentedEvent(vendor, verdict)
  const receipt = await store.commit({
    arrival,
    verdict,
    vendor: vendor.name,
    authenticatedBy: scheme,
    headers: keptHeaders(vendor, headers),
    normaliserVersion: vendor.normaliserVersion,
    trace,
  })
  summarise(request, vendor, verdict, receipt)
  return receipt
}

/** The delivery is committed as `rejected`: it is in the ledger and has no rows. The answer is its problem. */
export class RejectedError extends Error {
  readonly problem: Problem

  constructor({ problem, deliveryId }: Receipt) {
    super(problem?.code ?? 'rejected')
    this.problem = { ...(problem as Problem), delivery_id: deliveryId }
  }
}

/** Notes the outcome of a delivery for the request's log line. */
function summarise(request: FastifyRequest, vendor: Vendor, verdict: Verdict, receipt: Receipt): void {
  const { outcome, deliveryId, problem } = receipt
  // Nothing that belongs to an erased person is logged, not even a hash.
  request.owner = outcome === 'erased' ? null : verdict.owner
  request.summary = {
    vendor: vendor.name,
    event: documentedEvent(vendor, verdict) ?? unknownName(verdict.event),
    outcome,
    delivery_id: deliveryId,
    code: problem?.code,
  }
}

/** The name of a documented event. That of any other is text of the request, which must not reach a trace. */
function documentedEvent(vendor: Vendor, { event }: Verdict): string | null {
  return vendor.events.some(({ name }) => name === event) ? event : null
}

/**
 * The name of an unknown event as the log shows it. It is text of the request, from a sender that is proven. Text that
 * does not look like a name could be anything else, such as a sentence or an address, and becomes `*`.
 */
function unknownName(name: string | null): string | null {
  return name === null || /^[A-Za-z][\w.-]{0,63}$/.test(name) ? name : '*'
}

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
