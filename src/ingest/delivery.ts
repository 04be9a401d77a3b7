import { hash } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { DeliveryTrace } from '../contract/channels.ts'
import type { Drift } from '../contract/drift.ts'
import type { Problem } from '../contract/problem.ts'
import { saltedHash } from '../contract/secrets.ts'
import { usersNamed } from '../contract/user-headers.ts'
import type { Headers, Vendor } from '../contract/vendor.ts'
import type { TargetRows } from '../tables/target.ts'
import { Clock } from './clock.ts'

/** The body of one request, and when it arrived. */
export interface Arrival {
  /** UUID version 7, ordered like `receivedAt`. It becomes `delivery_id` unless the same bytes arrived before. */
  readonly id: string
  /** ISO 8601 UTC with microseconds, strictly increasing within a process. */
  readonly receivedAt: string
  /** The exact bytes received. */
  readonly body: Buffer
  /** SHA-256 of the body in hex. Text takes half the memory of a buffer. */
  readonly digest: string
}

/** The judgement of a body. Only a `stored` one has rows. */
export interface Verdict {
  readonly outcome: 'stored' | 'unrecognised' | 'rejected'
  /** The id whose data it is, `''` if the body names none. */
  readonly owner: string
  readonly event: string | null
  /** The user that the request header named. */
  readonly userId: string | null
  /** The same, or else the user that the body names: a person who was erased may be known by it alone. */
  readonly subject: string | null
  /** Why the body is rejected, or which records of a stored body have no row. */
  readonly problem: Problem | null
  readonly rows: readonly TargetRows[]
  /** When the vendor created a stored body, ISO 8601; null if it doesn't say. */
  readonly createdAt: string | null
  /** Where a stored body differs from what the vendor documents. */
  readonly drift: readonly Drift[]
}

/** One authentic request's body with its verdict: everything that is committed of it in one transaction. */
export interface Delivery {
  readonly arrival: Arrival
  readonly verdict: Verdict
  readonly vendor: string
  /** The name of the vendor's scheme that proved the sender. */
  readonly authenticatedBy: string
  readonly headers: Readonly<Record<string, string>>
  readonly normaliserVersion: number
  /** `pull` if Nightpost asked the vendor for it; otherwise the vendor sent it. */
  readonly source?: 'push' | 'pull' | undefined
  /** It is committed long after its arrival: it comes from the quarantine or from an archive. */
  readonly isLate?: boolean
  /** The message of the tracing channel; absent if nobody listens to it. */
  readonly trace?: DeliveryTrace | undefined
}

/**
 * What the ledger says after the commit. `deliveryId` is that of the first arrival of these bytes. `erased`: the person was
 * erased, and nothing of the delivery was kept.
 */
export interface Receipt {
  readonly outcome: Verdict['outcome'] | 'duplicate' | 'erased'
  readonly deliveryId: string
  readonly problem: Problem | null
}

/** Commits deliveries. */
export interface Store {
  /** Resolves after body, rows and outcome are committed. Rejects with `Unavailable` if they are not. */
  commit(delivery: Delivery): Promise<Receipt>
}

/** A request whose sender is not proven: anybody's, or the vendor's while a wrong credential is configured. */
export interface Unverified {
  readonly arrival: Arrival
  readonly vendor: string
  /** The headers needed to judge the body later, and the presented signature. */
  readonly headers: Readonly<Record<string, string>>
  /** Salted hashes of the presented keys. */
  readonly hashedHeaders: Readonly<Record<string, string>>
  /** The users that the headers name. Nothing about a person who was erased is kept. */
  readonly users: readonly string[]
}

/** Stores unverified deliveries until the right credential is configured, if the operator enables it. */
export interface Quarantine {
  /** Resolves after the delivery is stored or could not be. Never rejects, because the answer is 401 either way. */
  keep(unverified: Unverified): Promise<void>
}

/** Nothing is committed, because the database is down or slow or the queue is full. The vendor should retry. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

const wallClock = new Clock()

/** Makes the arrival of a body at this moment of `clock`. The service passes its estimate of the database's clock. */
export function newArrival(body: Buffer, clock: Clock = wallClock): Arrival {
  const microseconds = clock.tick()
  return {
    id: idAt(microseconds),
    receivedAt: clock.text(microseconds),
    body,
    digest: hash('sha256', body, 'hex'),
  }
}

const RANDOM_BITS = 22

/** A new UUID version 7 that sorts by its microsecond. The field after the millisecond begins with the microseconds. */
export function idAt(microseconds: number): string {
  const random = Math.floor(Math.random() * 2 ** RANDOM_BITS)
  return uuidv7({
    msecs: Math.floor(microseconds / 1000),
    seq: (microseconds % 1000) * 2 ** RANDOM_BITS + random,
  })
}

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
  return { arrival, vendor: vendor.name, headers: stored, hashedHeaders, users: usersNamed(vendor, headers) }
}
