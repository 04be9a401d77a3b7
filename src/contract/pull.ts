/**
 * How a vendor declares that Nightpost can ask its API for what never came (`nightpost reconcile`): `Vendor.pull`. The
 * vendor's folder knows the calls, and what to ask about whom. The core in `src/reconcile` sends the requests within its
 * limits, judges what came as any delivery, compares it with the rows, and stores what would change one.
 *
 * A pull is written in files of the vendor's folder. `Vendor.schemes` needs a scheme `[PULL]` for what it brings.
 */

import type { Target } from '../tables/target.ts'

/** The name of the scheme of what Nightpost pulls, in `Vendor.schemes`: the vendor's own API proves itself by TLS. */
export const PULL = 'pull'

/** An environment variable that only a pull needs. */
export interface PullSetting {
  readonly description: string
  /** It is a credential: no error shows it, and it may be read from a file. */
  readonly secret?: boolean
  readonly default?: string
}

/** A request to the vendor's API. A list under one name of `query` is sent as a repeated parameter. */
export interface ApiCall {
  /** Errors show it, so it has no id: `:name` stands for one of `params`. */
  readonly path: string
  /** What the path has of a person or a record, by names. */
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | readonly string[]>>
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON by POST; without it the request is a GET. */
  readonly body?: object
  /** Statuses that are handed to the vendor's code, besides 401, 404 and 410. */
  readonly handed?: readonly number[]
}

/**
 * An answer: success (2xx), or a status that the vendor's code handles: 401, 404, 410, and those of `ApiCall.handed`. They come here
 * unless `Pull.isRetried` or `Pull.stopReason` claims them first.
 */
export interface ApiAnswer {
  readonly status: number
  /** The exact text; `''` if there is none. */
  readonly text: string
  /** The text as JSON; undefined if there is none. */
  readonly json: unknown
  /** When the request was sent, in microseconds of Unix time. What it brought counts from then. */
  readonly askedAt: number
}

/** Whom the vendor can be asked about. */
export interface Person {
  readonly owner: string
  /** The user id that the vendor's headers name. */
  readonly user: string
  /** The vendor received data of the person after the last delivery that Nightpost has of it. */
  readonly isBehind?: boolean
}

/** What the vendor's API answered about one record, in the form in which the vendor would have sent it. */
export interface PulledRecord {
  /** A body for `Vendor.identify`. The vendor's text is part of it character by character, so that no number changes. */
  readonly body: string
  /** Those of `Vendor.keptHeaders` that the vendor would have sent. */
  readonly headers: Readonly<Record<string, string>>
  readonly askedAt: number
}

/** A record that the vendor has. */
export interface Finding {
  /** The event that it would have come by. */
  readonly event: string
  /** Known before it is fetched; undefined if only its content can tell. */
  readonly reason?: 'missing' | 'differing'
  /** Fetches it; null if the vendor does not have it any more. */
  readonly get: () => Promise<PulledRecord | null>
}

/** What the code of a vendor may use. */
export interface PullContext {
  readonly setting: (name: string) => string
  readonly credentials: (setting: string) => readonly string[]
  /** The period that is asked about, in milliseconds of Unix time. A vendor may ask for more around it. */
  readonly period: { readonly from: number; readonly to: number }
  /** The ids of `--user`: owners, or users as headers name them. Null: everybody. */
  readonly only: ReadonlySet<string> | null
  /** Only persons of whom something seems to be missing. */
  readonly onlyBehind: boolean
  /** Records that a list shows to be unchanged are not fetched to compare their content. */
  readonly isQuick: boolean
  /** Milliseconds of Unix time. */
  readonly now: () => number
  /** Sends a request, and repeats it while that may help. Throws `StopPull` or `CallFailed`. */
  readonly request: (call: ApiCall) => Promise<ApiAnswer>
  /** Everybody of the vendor's who has rows. */
  readonly known: () => AsyncIterable<Person>
  /** Columns of the rows of an owner whose last key column is one of `ids`. */
  readonly held: (
    target: Target,
    owner: string,
    ids: readonly string[],
    columns: readonly string[],
  ) => Promise<ReadonlyArray<Readonly<Record<string, unknown>>>>
  /** When the vendor last sent a delivery of an owner, in milliseconds of Unix time; null if never. */
  readonly lastPush: (owner: string) => Promise<number | null>
  /** The value that a column has in the rows of an owner, of which some are read; null if there are several, or none. */
  readonly common: (targets: readonly Target[], owner: string, column: string) => Promise<string | null>
  /** Counts what is neither found nor a failure, by a short name that the report shows. */
  readonly note: (what: string, count?: number) => void
}

/** The pull of one run. */
export interface PullSession {
  /** Whom to ask about, within `only` and `onlyBehind`. */
  readonly people: () => AsyncIterable<Person>
  /** What the vendor has of a person. */
  readonly findings: (person: Person) => AsyncIterable<Finding>
}

/** How rows that were pulled are compared with those that are stored. */
export interface Comparable {
  readonly target: Target
  /** The columns that the vendor's API leaves out, or gives in another form. They are not compared. */
  readonly unlike: readonly string[]
  /** Columns that are the same in two rows of one record, whatever its id; undefined if the key alone decides. */
  readonly sameBy?: readonly string[]
}

export interface Pull {
  /** The settings besides `Vendor.credentials`, by their names. */
  readonly settings: Readonly<Record<string, PullSetting>>
  /** The name of the setting with the address of the API. Paths are under it. */
  readonly url: string
  /** The settings without which nothing can be pulled. */
  readonly required: readonly string[]
  readonly compared: readonly Comparable[]
  /**
   * Rows of this table can't be pulled. A day of an owner that has rows of `besides`, and none of it, is reported as suspect
   * if another day of the period has some. `day` is the column with the day.
   */
  readonly unpullable?: { readonly target: Target; readonly day: string; readonly besides: readonly Target[] }
  /** Whether a status that is no success is a limit of the rate of requests. 429 and 5xx are repeated anyway. */
  readonly isRetried?: (status: number, text: string) => boolean
  /** Why no further request can succeed; null if others may. It must not quote the answer. */
  readonly stopReason?: (status: number, text: string) => string | null
  readonly open: (context: PullContext) => PullSession
}

/** No further request to this vendor can succeed, or may be sent. The message says why, without any credential. */
export class StopPull extends Error {
  override readonly name = 'StopPull'
}

/** One request failed in the end. The message names the route and what was wrong, and nothing of an answer. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed'
}

/** The value of a header as Node has it: UTF-8 bytes as Latin-1. */
export const headerValue = (text: string) => Buffer.from(text, 'utf8').toString('latin1')
