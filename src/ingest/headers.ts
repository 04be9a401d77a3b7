import { saltedHash } from '../contract/secrets.ts'
import type { Headers, Vendor } from '../contract/vendor.ts'
import type { Arrival, Unverified } from './delivery.ts'

const alwaysKept = ['content-type', 'content-encoding', 'user-agent']

/** The headers that the ledger keeps beside a body: those that judging it needs, never a credential. */
export function keptHeaders(vendor: Vendor, headers: Headers): Record<string, string> {
  const found: Record<string, string> = {}
  for (const names of [alwaysKept, vendor.keptHeaders]) {
    for (const name of names) {
      const value = headers[name]
      if (typeof value === 'string') found[name] = value
    }
  }
  return found
}

/** A delivery as the quarantine keeps it: signatures as they came, keys as salted hashes. */
export function unverifiedDelivery(vendor: Vendor, headers: Headers, arrival: Arrival): Unverified {
  const held = keptHeaders(vendor, headers)
  const hashedHeaders: Record<string, string> = {}
  for (const [name, { kind }] of Object.entries(vendor.proofs)) {
    const value = headers[name]
    if (typeof value !== 'string' || value === '') continue
    if (kind === 'signature') held[name] = value
    else hashedHeaders[name] = saltedHash(value)
  }
  return { arrival, vendor: vendor.name, headers: held, hashedHeaders }
}
