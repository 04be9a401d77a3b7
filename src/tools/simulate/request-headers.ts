import { createHmac } from 'node:crypto'
import type { SimulatedDelivery } from './simulated-delivery.ts'

/** The credentials of the Nightpost that receives the deliveries. */
export interface Credentials {
  readonly asleepKey: string | undefined
  readonly sahhaSecret: string | undefined
  /** Used if there is no `sahhaSecret`. */
  readonly sahhaKey: string | undefined
}

/** The headers of a delivery, with the credential or signature that the vendor sends. */
export function requestHeaders(
  delivery: SimulatedDelivery,
  credentials: Credentials,
): Record<string, string> {
  const { user = '', body, hasValidCredential, eventType } = delivery
  const credential = (valid = '') => (hasValidCredential ? valid : `not-${valid}`)
  const json = { 'content-type': 'application/json' }
  if (delivery.vendor === 'asleep') {
    return { ...json, 'x-api-key': credential(credentials.asleepKey), 'x-user-id': user }
  }
  const event = { 'X-Event-Type': eventType ?? '' }
  if (credentials.sahhaSecret === undefined && credentials.sahhaKey !== undefined) {
    return { ...json, ...event, 'x-api-key': credential(credentials.sahhaKey), 'x-user-id': user }
  }
  const signature = createHmac('sha256', credential(credentials.sahhaSecret)).update(body).digest('hex')
  return { ...json, ...event, 'X-Signature': signature, 'X-External-Id': user }
}
