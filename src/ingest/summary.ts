import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Vendor } from '../contract/vendor.ts'
import type { Receipt, Verdict } from './delivery.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request's log line says about its delivery. */
    summary: Readonly<Record<string, unknown>> | null
    /** The owner of the delivery. The log line holds only a hash of it. */
    owner: string | null
  }
}

export function decorateSummary(app: FastifyInstance): void {
  app.decorateRequest('summary', null)
  app.decorateRequest('owner', null)
}

/** Notes the outcome of a delivery for the request's log line. */
export function summarise(request: FastifyRequest, vendor: Vendor, verdict: Verdict, receipt: Receipt): void {
  const { outcome, deliveryId, problem } = receipt
  const event = vendor.events.some(({ name }) => name === verdict.event)
    ? verdict.event
    : unknownName(verdict.event)
  request.owner = verdict.owner
  request.summary = { vendor: vendor.name, event, outcome, delivery_id: deliveryId, code: problem?.code }
}

/**
 * The name of an unknown event as the log shows it. It is text of the request, from a sender that is proven. Text that
 * does not look like a name could be anything else, such as a sentence or an address, and becomes `*`.
 */
function unknownName(name: string | null): string | null {
  return name === null || /^[A-Za-z][\w.-]{0,63}$/.test(name) ? name : '*'
}
