import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type DeliveryTrace, deliveryChannel, newDeliveryTrace, traced } from '../contract/channels.ts'
import type { Problem } from '../contract/problem.ts'
import type { Credentials, Vendor } from '../contract/vendor.ts'
import { authenticate, type Gate } from './authenticate.ts'
import { keptHeaders, newArrival, type Receipt, type Store, type Verdict } from './delivery.ts'
import { answerHandshake } from './handshake.ts'
import type { Body, Intake } from './intake.ts'
import { judge } from './judge.ts'
import { callbackSchema, validateHeaders } from './route.ts'

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
        const receipt = await traced(deliveryChannel, trace, () => deliver(receiver, request, body, trace))
        if (receipt.outcome === 'rejected') throw new RejectedError(receipt)
        return await reply.send({ outcome: receipt.outcome, delivery_id: receipt.deliveryId })
      } finally {
        body.release()
      }
    })
}

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
