import type { Delivery, Receipt } from '../../ingest/delivery.ts'
import type { Limits } from './limits.ts'
import { type Size, sizeOf } from './size.ts'

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

/** The deliveries that wait for a writer, first in, first out. Its limits bound the memory that they take. */
export class Queue {
  readonly #limits: Limits
  #queued: Array<{ readonly pending: PendingDelivery; readonly size: Size }> = []
  #bytes = 0
  #rows = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get length(): number {
    return this.#queued.length
  }

  /** What is queued, and the limit of each. */
  get load() {
    const { waitingDeliveries, waitingBytes, waitingRows } = this.#limits
    return {
      deliveries: { now: this.#queued.length, most: waitingDeliveries },
      bytes: { now: this.#bytes, most: waitingBytes },
      rows: { now: this.#rows, most: waitingRows },
    }
  }

  get isFull(): boolean {
    const { waitingDeliveries, waitingBytes, waitingRows } = this.#limits
    return (
      this.#queued.length >= waitingDeliveries || this.#bytes >= waitingBytes || this.#rows >= waitingRows
    )
  }

  push(pending: PendingDelivery): void {
    const size = sizeOf(pending.delivery)
    this.#queued.push({ pending, size })
    this.#bytes += pending.delivery.arrival.body.length
    this.#rows += size.rows
  }

  /** Removes the oldest deliveries, as many as one transaction should contain; always at least one, whatever its size. */
  takeGroup(): PendingDelivery[] {
    const { groupDeliveries, groupRows, groupBytes } = this.#limits
    let rows = 0
    let bytes = 0
    let count = 0
    for (const { pending, size } of this.#queued) {
      rows += size.rows
      bytes += size.bytes
      if (count > 0 && (count === groupDeliveries || rows > groupRows || bytes > groupBytes)) break
      this.#bytes -= pending.delivery.arrival.body.length
      this.#rows -= size.rows
      count += 1
    }
    return this.#queued.splice(0, count).map(({ pending }) => pending)
  }
}
