/** How much a group, and all that waits, may hold, and how long each may take. */
export interface Limits {
  /** Transactions at a time. A second one lets Postgres work while the first waits for the disk. */
  readonly writers: number
  /** Milliseconds after which a transaction counts as held up, and what waits no longer waits for it. */
  readonly longTransaction: number
  /** A group takes no further delivery once it holds this much. */
  readonly groupDeliveries: number
  readonly groupRows: number
  /** As parameters of its statements, which hold the text of a body's own level once for each of its rows. */
  readonly groupBytes: number
  /** What may wait; past it the answer is 503. */
  readonly waitingDeliveries: number
  readonly waitingBytes: number
  readonly waitingRows: number
  /** Milliseconds until a delivery that isn't committed is answered 503: Sahha waits for 30 s. */
  readonly answerWithin: number
}

export const defaultLimits: Limits = {
  writers: 2,
  longTransaction: 100,
  groupDeliveries: 512,
  groupRows: 10_000,
  groupBytes: 8 * 2 ** 20,
  waitingDeliveries: 10_000,
  waitingBytes: 64 * 2 ** 20,
  waitingRows: 200_000,
  answerWithin: 25_000,
}
