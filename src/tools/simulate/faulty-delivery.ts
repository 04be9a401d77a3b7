import type { SeededRandom } from './seeded-random.ts'
import type { SimulatedDelivery } from './simulated-delivery.ts'

/** Makes a faulty delivery from a valid one. */
type Fault = (valid: SimulatedDelivery, number: number) => SimulatedDelivery

const FAULTS: [Fault, ...Fault[]] = [truncatedBody, wrongType, anotherUser, wrongCredential, unknownEvent]

/** A delivery that Nightpost must refuse or store as unrecognised. `number` is unique within the run. */
export function faultyDelivery(
  random: SeededRandom,
  valid: SimulatedDelivery,
  number: number,
): SimulatedDelivery {
  return random.pick(FAULTS)(valid, number)
}

function truncatedBody(valid: SimulatedDelivery, number: number): SimulatedDelivery {
  return {
    ...valid,
    kind: 'truncated body',
    expectedResult: 'malformed_json',
    body: uniqueBody(valid, number).slice(0, -2),
  }
}

/** A number in the field that holds the owner's id. */
function wrongType(valid: SimulatedDelivery, number: number): SimulatedDelivery {
  const body = uniqueBody(valid, number).replace(/"(user_id|profileId)":"[^"]*"/, '"$1":7')
  return { ...valid, kind: 'wrong type', expectedResult: 'invalid_body', body }
}

function anotherUser(valid: SimulatedDelivery, number: number): SimulatedDelivery {
  return {
    ...valid,
    kind: 'another user',
    expectedResult: 'user_mismatch',
    user: 'somebody-else',
    body: uniqueBody(valid, number),
  }
}

function wrongCredential(valid: SimulatedDelivery, number: number): SimulatedDelivery {
  return {
    ...valid,
    kind: 'wrong credential',
    expectedResult: 'unauthorized',
    hasValidCredential: false,
    body: uniqueBody(valid, number),
  }
}

function unknownEvent(valid: SimulatedDelivery, number: number): SimulatedDelivery {
  const body = uniqueBody(valid, number)
  const unknown = { ...valid, kind: 'unknown event', expectedResult: 'unrecognised' }
  if (valid.vendor === 'sahha') return { ...unknown, eventType: 'InsightCreatedIntegrationEvent', body }
  return { ...unknown, body: body.replace(/"(event|callback_event)":"[A-Z_]+"/, '"$1":"SESSION_ARCHIVED"') }
}

/** Adds a field, so that the body is never a duplicate of a valid one. */
function uniqueBody({ body }: SimulatedDelivery, number: number): string {
  return body.replace(/^\{/, `{"simulated_fault":${number},`)
}
