import { saltedHash } from '../contract/secrets.ts'
import type { Headers, Vendor } from '../contract/vendor.ts'
import type { Arrival, Unverified } from './delivery.ts'

const commonHeaders = ['content-type', 'content-encoding', 'user-agent']

/** The headers that the ledger stores with a body: those needed to judge it again, never a credential. */
export function keptHeaders(vendor: Vendor, headers: Headers): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const names of [commonHeaders, vendor.keptHeaders]) {
    for (const name of names) {
      const value = headers[name]
      if (typeof value === 'string') kept[name] = value
    }
  }
  return kept
}

/** Makes the form that the quarantine stores: signatures unchanged, keys as salted hashes. */
export function unverifiedDelivery(vendor: Vendor, headers: Headers, arrival: Arrival): Unverified {
  const stored = keptHeaders(vendor, headers)
  const hashedHeaders: Record<string, string> = {}
  for (const [name, { kind }] of Object.entries(vendor.proofs)) {
    const value = headers[name]
    if (typeof value !== 'string' || value === '') continue
    if (kind === 'signature') stored[name] = value
    else hashedHeaders[name] = saltedHash(value)
  }
  return { arrival, vendor: vendor.name, headers: stored, hashedHeaders }
}
