import type { IncomingHttpHeaders } from 'node:http'
import type { TObject } from '@sinclair/typebox'
import type { Target } from '../tables/target.ts'
import type { Drift } from './drift.ts'
import type { Event } from './event.ts'
import type { JsonObject } from './json.ts'

export type Headers = IncomingHttpHeaders

/** How a sender proves itself, and which header then names the user. */
export interface Scheme {
  readonly userHeader: string
  readonly required: boolean
}

/** A header that proves the sender. */
export interface Proof {
  readonly setting: string
  /**
   * An unverified delivery may be kept with a `signature` as it is, since it proves no other body, and with
   * the salted hash of a `key`.
   */
  readonly kind: 'signature' | 'key'
}

/** Who a vendor's sender is, by the configured credentials. */
export interface Authenticator {
  /**
   * What the headers say before anything of the body is read: the scheme that they satisfy, null where the request
   * is not authentic whatever its body is, or undefined where the body decides, as with a signature.
   */
  readonly fromHeaders: (headers: Headers) => string | null | undefined
  /** The name of the scheme that a request satisfied, or null: not authentic. */
  readonly authenticate: (headers: Headers, body: Buffer) => string | null
}

/** What a body and its headers say of themselves, before anything is validated. */
export interface Identity {
  /** The event's name as the vendor writes it; null where none can be told. */
  readonly name: string | null
  /** Its declaration; undefined where Nightpost knows none. */
  readonly event: Event | undefined
  /** The id that the vendor's rows are keyed by. */
  readonly owner: unknown
  /** The id that must equal the header's. */
  readonly user: unknown
  /** Where the sender's name of the event is not `name`. */
  readonly drift?: readonly Drift[]
}

/** A vendor is a folder: this is all that the rest of Nightpost knows of it. */
export interface Vendor {
  /** Its route (`/webhooks/<name>`) and its value in `deliveries.vendor`. */
  readonly name: string
  /** Environment variables that hold its credentials, each a comma-separated list, and what they are. */
  readonly credentials: Readonly<Record<string, string>>
  readonly schemes: Readonly<Record<string, Scheme>>
  /** The request headers, as declared on the route. */
  readonly headers: TObject
  /** Headers worth keeping beside the body; never a credential. */
  readonly keptHeaders: readonly string[]
  /** The headers that prove the sender, each with the variable that it is checked against. */
  readonly proofs: Readonly<Record<string, Proof>>
  readonly events: readonly Event[]
  readonly targets: readonly Target[]
  /** Raise it with every change that gives an old body other rows. */
  readonly normaliserVersion: number
  /** Checks against the credentials configured under each name; null where there are none. */
  authenticator(credentials: (name: string) => readonly string[]): Authenticator | null
  identify(headers: Headers, body: JsonObject): Identity
  /** A request as the vendor sends it, for the `curl` line that the service prints. */
  example(credentials: (name: string) => readonly string[]): { headers: Record<string, string>; body: string }
}
