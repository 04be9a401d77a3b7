import type { Authenticator, Headers, Vendor } from '../contract/vendor.ts'
import type { Clock } from './clock.ts'
import type { Unpacker } from './content.ts'
import { hasSignature } from './content.ts'
import { newArrival, type Quarantine, unverifiedDelivery } from './delivery.ts'
import type { Body } from './intake.ts'
import { type Refusal, Refused } from './refusal.ts'

/** What authentication needs to know. */
export interface Gate {
  readonly vendor: Vendor
  readonly authenticator: Authenticator
  /** Called with the headers of each refused request. Returns why it is refused, for its log line. */
  readonly onRefused: (headers: Headers) => Refusal
  readonly unpacker: Unpacker
  /** Null if unverified deliveries are not stored. */
  readonly quarantine: Quarantine | null
  readonly clock: Clock
}

/** A request whose sender is proven. */
export interface Authentic {
  /** The name of the vendor's scheme that proved the sender. */
  readonly scheme: string
  /** The body as it was sent. */
  readonly bytes: Buffer
  /** The unpacked body if it had to be unpacked to check its signature, else null. */
  readonly content: Buffer | null
}

/**
 * Reads the body and proves its sender. Throws a 401 problem if the sender is not proven. A request that no body could
 * prove is refused before its body is read, unless the quarantine wants the body.
 */
export async function authenticate(gate: Gate, headers: Headers, body: Body): Promise<Authentic> {
  const scheme = gate.authenticator.fromHeaders(headers)
  if (scheme === null && !gate.quarantine) return refuse(gate, headers, null)
  if (scheme) {
    body.prove()
    return { scheme, bytes: await body.read(), content: null }
  }

  const bytes = await body.read()
  const authentic = scheme === undefined ? await bySignature(gate, headers, bytes, body) : null
  if (authentic) {
    body.prove()
    return authentic
  }
  // The quarantine has its own limit of bytes.
  body.release()
  return refuse(gate, headers, bytes)
}

/** The sender may have signed the body before or after compressing it, so both forms are checked. */
async function bySignature(
  { vendor, authenticator, unpacker }: Gate,
  headers: Headers,
  bytes: Buffer,
  body: Body,
): Promise<Authentic | null> {
  const asSent = authenticator.authenticate(headers, bytes)
  if (asSent !== null) return { scheme: asSent, bytes, content: null }
  if (!hasSignature(vendor, headers)) return null
  const content = await unpacker.unprovenContent(headers, bytes, body)
  const unpacked = content && authenticator.authenticate(headers, content)
  return unpacked === null ? null : { scheme: unpacked, bytes, content }
}

/** Milliseconds that the answer waits for the quarantine. A write that takes longer continues after the answer. */
const QUARANTINE_TIMEOUT = 2000

async function refuse(gate: Gate, headers: Headers, bytes: Buffer | null): Promise<never> {
  const { vendor, onRefused, quarantine, clock } = gate
  const refusal = onRefused(headers)
  if (quarantine && bytes) {
    const unverified = unverifiedDelivery(vendor, headers, newArrival(bytes, clock))
    await settledWithin(QUARANTINE_TIMEOUT, quarantine.keep(unverified))
  }
  throw new Refused(vendor, refusal)
}

/** Resolves with `work`, or after so many milliseconds. */
async function settledWithin(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([work, timeout])
  clearTimeout(timer)
}
