/** What a run may cost the vendor and this process. */
export interface CallLimits {
  /** Requests of a run, with repeated ones; after them the run ends incomplete. */
  readonly calls: number
  readonly concurrent: number
  readonly perMinute: number
  /** Attempts of one request. */
  readonly attempts: number
  /** Milliseconds until the connection stands, and until the whole answer is there. */
  readonly connectWithin: number
  readonly answerWithin: number
  /** Bytes of one answer. */
  readonly answerBytes: number
  /** Milliseconds of the first and the longest pause between two attempts. */
  readonly pause: { readonly first: number; readonly longest: number }
  /** After so many requests in a row that failed in the end, the run ends. */
  readonly failuresInARow: number
}

export const defaultCallLimits: CallLimits = {
  calls: 100_000,
  concurrent: 4,
  perMinute: 600,
  attempts: 5,
  connectWithin: 10_000,
  answerWithin: 60_000,
  answerBytes: 64 * 2 ** 20,
  pause: { first: 500, longest: 60_000 },
  failuresInARow: 10,
}
