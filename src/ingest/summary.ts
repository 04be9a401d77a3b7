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
  // The name of an unknown event is text from the body, which must not reach the log.
  const event = vendor.events.some(({ name }) => name === verdict.event) ? verdict.event : null
  request.owner = verdict.owner
  request.summary = { vendor: vendor.name, event, outcome, delivery_id: deliveryId, code: problem?.code }
}
