/** How much a group and the queue may contain, and how long each may take. */
export interface Limits {
  /** Transactions at a time. A second one lets Postgres work while the first waits for the disk. */
  readonly writers: number
  /** The same where deliveries wait in several lanes, if some transactions take long or many deliveries are queued. */
  readonly laneWriters: number
  /** Milliseconds after which a transaction counts as long, so that queued deliveries no longer wait for it. */
  readonly longTransaction: number
  /** A group gets no further delivery once it contains this much. */
  readonly groupDeliveries: number
  readonly groupRows: number
  /** Bytes of the statements' parameters, which repeat the text of a body's top level in each of its rows. */
  readonly groupBytes: number
  /** What the queue may contain. While it is full, a delivery is answered 503. */
  readonly waitingDeliveries: number
  readonly waitingBytes: number
  readonly waitingRows: number
  /** Milliseconds after which a delivery that is not committed is answered 503. Sahha waits for 30 s. */
  readonly answerWithin: number
}

export const defaultLimits: Limits = {
  writers: 2,
  laneWriters: 4,
  longTransaction: 100,
  groupDeliveries: 512,
  groupRows: 10_000,
  groupBytes: 8 * 2 ** 20,
  waitingDeliveries: 10_000,
  waitingBytes: 64 * 2 ** 20,
  waitingRows: 200_000,
  answerWithin: 25_000,
}

/** The limits of each of so many processes on one machine: together they may queue as much as one. */
export const limitsOfEach = (workers: number, limits = defaultLimits): Limits => ({
  ...limits,
  // Each of several workers has fewer connections.
  laneWriters: workers === 1 ? limits.laneWriters : Math.min(limits.laneWriters, limits.writers),
  waitingDeliveries: Math.ceil(limits.waitingDeliveries / workers),
  waitingBytes: Math.ceil(limits.waitingBytes / workers),
  waitingRows: Math.ceil(limits.waitingRows / workers),
})
