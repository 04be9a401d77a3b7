/**
 * The contract between Nightpost and a vendor. A vendor is one folder in `src/vendors` that exports one `Vendor`, and
 * one line in `src/vendors/index.ts`. The rest of Nightpost knows a vendor only by this interface. The folder imports
 * `contract` and `tables`, and neither the database nor Fastify.
 *
 * Nightpost handles `POST /webhooks/<name>` in this order: `Authenticator` proves the sender, `identify` finds the
 * event, the event's schema validates the body (`defineEvent`), `normalise` makes the rows, and one transaction
 * commits the body and the rows. Everything a vendor exports is pure: no clock, no I/O. (`pull` asks its context for both.)
 *
 * Special cases:
 * - The vendor verifies its URL with a GET request before it sends anything: declare `handshake`.
 * - The vendor sends no user header: declare the scheme with `userHeader: null`.
 * - The vendor signs more than the body, such as a timestamp header: `authenticate` gets all headers. List the
 *   timestamp in `keptHeaders`, or a quarantined delivery can't be proven later.
 * - The vendor sends deletions: store one as a row. Give the table a nullable `deleted_at` column, and let the event's
 *   `normalise` return the record's key and version with `deleted_at` set and the other columns null (so they must be
 *   nullable). `newest` decides between the deletion and the record by their version, in whatever order they arrive;
 *   the rows that are `partOf` the record go. Views leave out rows with `deleted_at`. A physical delete would let an
 *   older delivery that arrives later bring the record back.
 * - An event has nothing to store, such as a test message: `normalise` returns `[]`, and the ledger keeps the body.
 */

import type { IncomingHttpHeaders } from 'node:http'
import type { TObject } from '@sinclair/typebox'
import type { Target } from '../tables/target.ts'
import type { Drift } from './drift.ts'
import type { Event } from './event.ts'
import type { JsonObject } from './json.ts'
import type { Pull } from './pull.ts'

/** Request headers with lower-case names. Node decodes their values as Latin-1. */
export type Headers = IncomingHttpHeaders

/** The values configured under one of the names in `Vendor.credentials`; an empty list if there are none. */
export type Credentials = (setting: string) => readonly string[]

/** A way to prove the sender. Its name is the value of `deliveries.authenticated_by`. */
export interface Scheme {
  /** The header that names the user, in lower case; null if the vendor sends none. */
  readonly userHeader: string | null
  /** Whether a request without the user header is rejected (400 `missing_user_id`). */
  readonly required: boolean
}

/** A request header that carries a credential. */
export interface Proof {
  /** The name in `Vendor.credentials` that the header is checked against. */
  readonly setting: string
  /**
   * What the quarantine may store of the header. It stores a `signature` as it is, because that proves no other body,
   * and only a salted hash of a `key`. A gzip body is unpacked to check the signature of its content only if the
   * header is 64 hex digits (HMAC-SHA256).
   */
  readonly kind: 'signature' | 'key'
  /**
   * The algorithm of a signature, if it is the HMAC-SHA256 of the exact body in hex. The log then tells a malformed
   * signature from a wrong one, and the pages at `/docs` can sign a body in development.
   */
  readonly algorithm?: 'hmac-sha256-hex'
}

/** Checks requests against the configured credentials. All comparisons take constant time: see `secrets.ts`. */
export interface Authenticator {
  /**
   * Judges a request by its headers, before its body is read. Returns the name of the scheme if they prove the sender,
   * null if no body could prove it, and undefined if the body decides (a signature).
   */
  readonly fromHeaders: (headers: Headers) => string | null | undefined
  /**
   * Judges a request by its headers and the exact bytes of its body. Returns the name of the scheme, or null if the
   * sender is not proven. Agrees with `fromHeaders` unless that returns undefined.
   */
  readonly authenticate: (headers: Headers, body: Buffer) => string | null
}

/** What an unvalidated body and its headers claim. */
export interface Identity {
  /** The event's name in the vendor's spelling; null if the request names none. */
  readonly name: string | null
  /** The declaration of the event; undefined if Nightpost doesn't know it. The delivery is then `unrecognised`. */
  readonly event: Event | undefined
  /** The id that the vendor's rows are keyed by, such as Asleep's `user_id` or Sahha's `profileId`. */
  readonly owner: unknown
  /** The id in the body that must equal the scheme's user header. Not used if the request has no user header. */
  readonly user: unknown
  /** Reports that the request names another event than the body's shape does. */
  readonly drift?: readonly Drift[]
}

/** The answer to a GET request with which a vendor verifies the URL of its webhook. */
export interface HandshakeAnswer {
  readonly status: number
  /** An object is sent as JSON and a string as `text/plain`; null sends no body. */
  readonly body: object | string | null
}

export interface Vendor {
  /** Lower-case letters. The route is `/webhooks/<name>`; also the value of `deliveries.vendor`. */
  readonly name: string
  /**
   * The environment variables that hold the vendor's credentials, each with a description. Each is a comma-separated
   * list, so that a credential can be rotated.
   */
  readonly credentials: Readonly<Record<string, string>>
  /** The ways to prove the sender, by the names that the authenticator returns. */
  readonly schemes: Readonly<Record<string, Scheme>>
  /** The schema of the request headers, for the OpenAPI document. */
  readonly headers: TObject
  /**
   * The headers that `identify` and `schemes` read. The ledger stores them, so that the delivery can be judged again.
   * Never a credential.
   */
  readonly keptHeaders: readonly string[]
  /** The headers that carry credentials, by their lower-case names. */
  readonly proofs: Readonly<Record<string, Proof>>
  /**
   * The column of the vendor's tables with the user id that headers name, if that is not the owner: `external_id` of Sahha,
   * whose owner is `profileId`. An erasure finds by it what else belongs to a person.
   */
  readonly userColumn?: string
  readonly events: readonly Event[]
  /** The vendor's tables, declared with `target`. Every table in `normalise` must be listed. */
  readonly targets: readonly Target[]
  /** Raise it with every change that makes other rows of a body already stored; then run `nightpost replay --all`. */
  readonly normaliserVersion: number
  /** Returns null if no credential is configured: the vendor then has no route (404). */
  authenticator(credentials: Credentials): Authenticator | null
  /** Must not throw, whatever the body holds: nothing of it is validated yet. */
  identify(headers: Headers, body: JsonObject): Identity
  /**
   * Answers `GET /webhooks/<name>`; without it a GET request gets 405. `query` holds the parsed query string: text, or
   * a list of texts if a name is repeated. Declare the expected token in `credentials` and compare it with
   * `apiKeyCheck`. Returns null if the token is wrong (401). Example, for a vendor that expects its challenge back:
   *
   *     handshake: ({ verification_token, challenge }, credentials) =>
   *       typeof verification_token === 'string' && apiKeyCheck(credentials('OURA_TOKENS'))(verification_token)
   *         ? { status: 200, body: { challenge } }
   *         : null
   */
  handshake?(query: Readonly<Record<string, unknown>>, credentials: Credentials): HandshakeAnswer | null
  /**
   * What the person who runs Nightpost has to call so that the vendor deletes a person too, for the certificate of an erasure.
   * Plain text, with the names of environment variables instead of credentials.
   */
  deletionAdvice?(person: { readonly owners: readonly string[]; readonly users: readonly string[] }): string
  /** How Nightpost asks the vendor's API for what never came (`pull.ts`); absent if the vendor has none. */
  readonly pull?: Pull
  /** A request as the vendor sends it, for the `curl` line that the service prints in development. */
  example(credentials: Credentials): { headers: Record<string, string>; body: string }
}
