import { Unavailable } from '../../ingest/delivery.ts'
import type { PendingDelivery } from './queue.ts'

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
