import type { Delivery, Receipt } from '../ingest/delivery.ts'
import type { Limits } from './limits.ts'

/** A delivery without an answer. */
export interface Waiting {
  delivery: Delivery
  /** When the sender is told to come again, by the clock of `performance`. */
  until: number
  /** The sender was told to come again: there is nobody to write it for. */
  isLate: boolean
  resolve(receipt: Receipt): void
  reject(error: Error): void
}

/** Deliveries that wait for a writer, within the limits of memory. */
export class Queue {
  readonly #limits: Limits
  #waiting: Waiting[] = []
  #bytes = 0
  #rows = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get length(): number {
    return this.#waiting.length
  }

  /** What waits, and the most that may. */
  get load() {
    const { waitingDeliveries, waitingBytes, waitingRows } = this.#limits
    return {
      deliveries: { now: this.#waiting.length, most: waitingDeliveries },
      bytes: { now: this.#bytes, most: waitingBytes },
      rows: { now: this.#rows, most: waitingRows },
    }
  }

  get isFull(): boolean {
    const { waitingDeliveries, waitingBytes, waitingRows } = this.#limits
    return (
      this.#waiting.length >= waitingDeliveries || this.#bytes >= waitingBytes || this.#rows >= waitingRows
    )
  }

  push(waiting: Waiting): Waiting {
    this.#waiting.push(waiting)
    this.#bytes += bytesOf(waiting)
    this.#rows += rowsOf(waiting)
    return waiting
  }

  /** The oldest, as many as one transaction should hold: at least one, however large it is. */
  take(): Waiting[] {
    const { groupDeliveries, groupRows, groupBytes } = this.#limits
    let rows = 0
    let bytes = 0
    let count = 0
    for (const waiting of this.#waiting) {
      rows += rowsOf(waiting)
      bytes += bytesOf(waiting)
      if (count > 0 && (count === groupDeliveries || rows > groupRows || bytes > groupBytes)) break
      this.#bytes -= bytesOf(waiting)
      this.#rows -= rowsOf(waiting)
      count += 1
    }
    return this.#waiting.splice(0, count)
  }
}

const bytesOf = ({ delivery }: Waiting) => delivery.arrival.body.length

/** A delivery without rows of its own still has one in the ledger. */
const rowsOf = ({ delivery }: Waiting) =>
  delivery.verdict.rows.reduce((sum, into) => sum + into.rows.length, 1)
