import { type Delivery, type Receipt, Unavailable } from '../../ingest/delivery.ts'
import { bytesOfRows } from '../sql/values.ts'
import type { Limits } from './limits.ts'

/** A delivery whose sender has no answer yet. */
export interface PendingDelivery {
  delivery: Delivery
  /** When the sender is answered 503, in milliseconds of `performance.now()`. */
  deadline: number
  /** The sender was answered 503, so nobody waits for this delivery any more. */
  isExpired: boolean
  resolve(receipt: Receipt): void
  reject(error: Error): void
}

/** Which lane the deliveries of an owner wait in. A group has deliveries of one lane. */
export interface Lanes {
  readonly areMany: boolean
  of(owner: string): number
  /** The servers that the lanes are written on. */
  readonly nodes: number
  nodeOf(lane: number): number
}

/** On plain Postgres any deliveries can be committed together. */
export const ONE_LANE: Lanes = { areMany: false, of: () => 0, nodes: 1, nodeOf: () => 0 }

/** The lane of an owner. Where there is one lane, it is not looked up. */
export const laneOf = (lanes: Lanes, owner: string): number => (lanes.areMany ? lanes.of(owner) : 0)

interface Queued {
  readonly pending: PendingDelivery
  readonly size: Size
}

/** Deliveries of one lane that one transaction should contain. */
export interface Group {
  readonly lane: number
  readonly deliveries: PendingDelivery[]
}

/**
 * The deliveries that wait for a writer. In a lane they are first in, first out. The lanes take turns, so a lane with many
 * deliveries does not hold up the others. Limits bound the memory that all lanes take together.
 */
export class Queue {
  readonly #limits: Limits
  readonly #lanes: Lanes
  /** The deliveries of each lane that has some. The lane whose turn is next comes first. */
  readonly #queued = new Map<number, Queued[]>()
  #length = 0
  #bytes = 0
  #rows = 0

  constructor(limits: Limits, lanes: Lanes = ONE_LANE) {
    this.#limits = limits
    this.#lanes = lanes
  }

  get length(): number {
    return this.#length
  }

  /** What is queued, and the limit of each. */
  get load() {
    const { waitingDeliveries, waitingBytes, waitingRows } = this.#limits
    return {
      deliveries: { now: this.#length, most: waitingDeliveries },
      bytes: { now: this.#bytes, most: waitingBytes },
      rows: { now: this.#rows, most: waitingRows },
    }
  }

  get isFull(): boolean {
    const { waitingDeliveries, waitingBytes, waitingRows } = this.#limits
    return this.#length >= waitingDeliveries || this.#bytes >= waitingBytes || this.#rows >= waitingRows
  }

  push(pending: PendingDelivery): void {
    const { arrival, verdict } = pending.delivery
    const size = sizeOf(pending.delivery)
    const lane = laneOf(this.#lanes, verdict.owner)
    const queued = this.#queued.get(lane)
    if (queued) queued.push({ pending, size })
    else this.#queued.set(lane, [{ pending, size }])
    this.#length += 1
    this.#bytes += arrival.body.length
    this.#rows += size.rows
  }

  /**
   * Removes the oldest deliveries of the lane whose turn it is, of those that `isReady` names: as many as one transaction should
   * contain, always at least one, whatever its size. Null if no lane is ready.
   */
  takeGroup(isReady: (queued: number, lane: number) => boolean = () => true): Group | null {
    for (const [lane, queued] of this.#queued) {
      if (!isReady(queued.length, lane)) continue
      const deliveries = this.#takeOf(queued)
      this.#queued.delete(lane)
      if (queued.length > 0) this.#queued.set(lane, queued)
      return { lane, deliveries }
    }
    return null
  }

  #takeOf(queued: Queued[]): PendingDelivery[] {
    const { groupDeliveries, groupRows, groupBytes } = this.#limits
    let rows = 0
    let bytes = 0
    let count = 0
    for (const { pending, size } of queued) {
      rows += size.rows
      bytes += size.bytes
      if (count > 0 && (count === groupDeliveries || rows > groupRows || bytes > groupBytes)) break
      this.#bytes -= pending.delivery.arrival.body.length
      this.#rows -= size.rows
      count += 1
    }
    this.#length -= count
    return queued.splice(0, count).map(({ pending }) => pending)
  }
}

/** The size of a delivery: its rows, including one in the ledger, and the bytes of the statements' parameters. */
interface Size {
  readonly rows: number
  readonly bytes: number
}

/** Up to this many bytes the body's size is taken: the rows would be no larger even if each repeated the whole body. */
const SMALL = 64 * 2 ** 10

/** Each row repeats the text of the body's top level, so the rows can be many times as large as the body. */
function sizeOf({ arrival, verdict }: Delivery): Size {
  const rows = verdict.rows.reduce((sum, into) => sum + into.rows.length, 1)
  const body = arrival.body.length
  if (rows * body <= SMALL) return { rows, bytes: body }
  return { rows, bytes: body + verdict.rows.reduce((sum, into) => sum + bytesOfRows(into.rows), 0) }
}

/**
 * The deliveries that have no answer yet, oldest first: those in the queue and those that are being written. A delivery
 * whose deadline passes is answered 503. One timer serves all of them, because a timer for each would add measurably
 * to the cost of a delivery.
 */
export class Deadlines {
  readonly #unanswered = new Set<PendingDelivery>()
  readonly #answerWithin: number
  #timer: NodeJS.Timeout | undefined
  /** No deadline is later than this, in milliseconds of `performance.now()`. */
  #latest = Number.POSITIVE_INFINITY

  /** `answerWithin`: milliseconds from the start of the commit to the answer. */
  constructor(answerWithin: number) {
    this.#answerWithin = answerWithin
  }

  /** Whether the last deadline has passed, so that nothing more can be answered in time. */
  get areOver(): boolean {
    return performance.now() > this.#latest
  }

  /** The deadline of a delivery that arrives now. */
  next(): number {
    return Math.min(performance.now() + this.#answerWithin, this.#latest)
  }

  add(pending: PendingDelivery): void {
    this.#unanswered.add(pending)
    this.#timer ??= setInterval(() => this.#expire(), Math.min(1000, this.#answerWithin / 4)).unref()
  }

  remove(pending: PendingDelivery): void {
    this.#unanswered.delete(pending)
  }

  /** Every delivery, also each later one, is answered within `milliseconds` from now. */
  shorten(milliseconds: number): void {
    this.#latest = Math.min(this.#latest, performance.now() + milliseconds)
    for (const pending of this.#unanswered) pending.deadline = Math.min(pending.deadline, this.#latest)
    setTimeout(() => this.#expire(), milliseconds + 1).unref()
  }

  #expire(): void {
    const now = performance.now()
    for (const pending of this.#unanswered) {
      if (pending.deadline > now) break
      pending.isExpired = true
      this.#unanswered.delete(pending)
      pending.reject(new Unavailable('The database did not commit in time.'))
    }
    if (this.#unanswered.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
