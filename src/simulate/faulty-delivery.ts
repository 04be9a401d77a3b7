import type { Delivery } from './delivery.ts'
import type { Random } from './random.ts'

type Fault = (delivery: Delivery, number: number) => Delivery

const fault = (delivery: Delivery, kind: string, expected: string, changes: Partial<Delivery>): Delivery => ({
  ...delivery,
  kind,
  expected,
  ...changes,
})

/** A body of its own, so that it is never the twin of a good one. */
const marked = (body: string, number: number) => body.replace(/^\{/, `{"simulated_fault":${number},`)

const faults: Fault[] = [
  (delivery, number) =>
    fault(delivery, 'cut off', 'malformed_json', { body: `${marked(delivery.body, number).slice(0, -2)}` }),
  (delivery, number) =>
    fault(delivery, 'wrong type', 'invalid_body', { body: withWrongType(marked(delivery.body, number)) }),
  (delivery, number) =>
    fault(delivery, 'another user', 'user_mismatch', {
      user: 'somebody-else',
      body: marked(delivery.body, number),
    }),
  (delivery, number) =>
    fault(delivery, 'wrong credential', 'unauthorized', {
      proven: false,
      body: marked(delivery.body, number),
    }),
  (delivery, number) => unknownEvent(delivery, number),
]

export function faultyDelivery(draw: Random, delivery: Delivery, number: number): Delivery {
  return draw.pick(faults as [Fault, ...Fault[]])(delivery, number)
}

/** A field that the event's key needs, as a number. */
function withWrongType(body: string): string {
  return body.replace(/"(user_id|profileId)":"[^"]*"/, '"$1":7')
}

function unknownEvent(delivery: Delivery, number: number): Delivery {
  const body = marked(delivery.body, number)
  if (delivery.vendor === 'sahha') {
    return fault(delivery, 'unknown event', 'unrecognised', {
      eventType: 'InsightCreatedIntegrationEvent',
      body,
    })
  }
  const renamed = body.replace(/"(event|callback_event)":"[A-Z_]+"/, '"$1":"SESSION_ARCHIVED"')
  return fault(delivery, 'unknown event', 'unrecognised', { body: renamed })
}
