import { createHmac } from 'node:crypto'
import type { JsonObject } from '../../contract/json.ts'
import type { Credentials, Vendor } from '../../contract/vendor.ts'

/** Milliseconds for the answer. The service answers within 25 s. */
const TIMEOUT = 30_000

/** What the service answered. */
export interface Sent {
  readonly vendor: string
  readonly event: string
  readonly status: number
  /** The answer, which contains no value of the body. */
  readonly answer: string
  readonly deliveryId: string | null
}

/** Sends the declared example of an event to the running service, as the vendor would. Throws if it does not answer. */
export async function sendExample(
  vendor: Vendor,
  event: string,
  credentials: Credentials,
  address: string,
): Promise<Sent | null> {
  const request = exampleOf(vendor, event, credentials)
  if (!request) return null
  const response = await fetch(`${address}/webhooks/${vendor.name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...request.headers },
    body: request.body,
    signal: AbortSignal.timeout(TIMEOUT),
  })
  const answer = await response.text()
  return { vendor: vendor.name, event, status: response.status, answer, deliveryId: deliveryIdOf(answer) }
}

function deliveryIdOf(answer: string): string | null {
  try {
    const { delivery_id: id } = JSON.parse(answer)
    return typeof id === 'string' ? id : null
  } catch {
    return null
  }
}

/** The vendor's own example request with the example of another event: its name, its user, and its signature replaced. */
export function exampleOf(vendor: Vendor, name: string, credentials: Credentials) {
  const event = vendor.events.find((one) => one.name === name)
  if (!event) return null
  const body = JSON.stringify(event.example)
  const userHeaders = Object.values(vendor.schemes).map(({ userHeader }) => userHeader)
  const { user } = vendor.identify({}, event.example as JsonObject)
  const replaced = Object.entries(vendor.example(credentials).headers).map(([header, value]) => {
    const lower = header.toLowerCase()
    const proof = vendor.proofs[lower]
    if (proof?.algorithm === 'hmac-sha256-hex')
      return [
        header,
        createHmac('sha256', credentials(proof.setting)[0] ?? '')
          .update(body)
          .digest('hex'),
      ]
    if (userHeaders.includes(lower) && typeof user === 'string') return [header, user]
    return [header, vendor.events.some((one) => one.name === value) ? name : value]
  })
  return { headers: Object.fromEntries(replaced) as Record<string, string>, body }
}
