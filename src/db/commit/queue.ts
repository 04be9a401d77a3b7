import type { Delivery, Receipt } from '../../ingest/delivery.ts'
import type { Limits } from './limits.ts'
import { type Size, sizeOf } from './size.ts'

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
  #waiting: Array<{ readonly waiting: Waiting; readonly size: Size }> = []
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
    const size = sizeOf(waiting.delivery)
    this.#waiting.push({ waiting, size })
    this.#bytes += waiting.delivery.arrival.body.length
    this.#rows += size.rows
    return waiting
  }

  /** The oldest, as many as one transaction should hold: at least one, however large it is. */
  take(): Waiting[] {
    const { groupDeliveries, groupRows, groupBytes } = this.#limits
    let rows = 0
    let bytes = 0
    let count = 0
    for (const { waiting, size } of this.#waiting) {
      rows += size.rows
      bytes += size.bytes
      if (count > 0 && (count === groupDeliveries || rows > groupRows || bytes > groupBytes)) break
      this.#bytes -= waiting.delivery.arrival.body.length
      this.#rows -= size.rows
      count += 1
    }
    return this.#waiting.splice(0, count).map(({ waiting }) => waiting)
  }
}
