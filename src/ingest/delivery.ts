import { hash } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { Drift } from '../contract/drift.ts'
import type { Problem } from '../contract/problem.ts'
import type { TargetRows } from '../tables/target.ts'
import { Clock } from './clock.ts'

/** What arrived: the bytes, and when. */
export interface Arrival {
  readonly id: string
  /** ISO 8601 UTC with microseconds; strictly increasing within a process. */
  readonly receivedAt: string
  readonly body: Buffer
  /** SHA-256 of the body, in hexadecimal: as text it costs half of what a buffer does. */
  readonly digest: string
}

/** What became of a body. Only a stored one has rows. */
export interface Verdict {
  readonly outcome: 'stored' | 'unrecognised' | 'rejected'
  readonly owner: string
  readonly event: string | null
  readonly userId: string | null
  /** Of a rejected body: why. Of a stored one: which of its records have no row; mostly null. */
  readonly problem: Problem | null
  readonly rows: readonly TargetRows[]
  /** Of a stored body: when the vendor made it, ISO 8601; null where it doesn't say. */
  readonly createdAt: string | null
  /** Of a stored body: where it differs from what the vendor documents. */
  readonly drift: readonly Drift[]
}

/** Everything that one transaction makes durable. */
export interface Delivery {
  readonly arrival: Arrival
  readonly verdict: Verdict
  readonly vendor: string
  readonly authenticatedBy: string
  readonly headers: Readonly<Record<string, string>>
  readonly normaliserVersion: number
}

/** What the ledger says once the delivery is durable; `deliveryId` is that of the first arrival of these bytes. */
export interface Receipt {
  readonly outcome: Verdict['outcome'] | 'duplicate'
  readonly deliveryId: string
  readonly problem: Problem | null
}

/** Where deliveries become durable. */
export interface Store {
  /** Resolves once bytes, rows and outcome are committed; rejects with `Unavailable` where they are not. */
  commit(delivery: Delivery): Promise<Receipt>
}

/** A delivery whose sender is not proven: any stranger's, or a vendor's while a wrong secret is configured. */
export interface Unverified {
  readonly arrival: Arrival
  readonly vendor: string
  /** What judging it again needs, and the signature that was presented. */
  readonly headers: Readonly<Record<string, string>>
  /** Salted hashes of the keys that were presented. */
  readonly hashedHeaders: Readonly<Record<string, string>>
}

/** Where unverified deliveries wait for the right secret, as far as the operator allows. */
export interface Quarantine {
  /** Resolves once it is kept or can't be: the answer is 401 either way. */
  keep(unverified: Unverified): Promise<void>
}

/** The database is down or slow, or the queue is full: nothing is promised, the vendor should try again. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

const wallClock = new Clock()

/** The bytes as an arrival of this moment, by `clock`: the service's is the database's. */
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

/** A UUID version 7 that sorts as its moment does: the microseconds come first in what follows the millisecond. */
function idAt(microseconds: number): string {
  const random = Math.floor(Math.random() * 2 ** RANDOM_BITS)
  return uuidv7({
    msecs: Math.floor(microseconds / 1000),
    seq: (microseconds % 1000) * 2 ** RANDOM_BITS + random,
  })
}
