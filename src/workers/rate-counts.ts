import { CACHE } from '../ops/rate-limits.ts'
import type { Counted, KeyToCount } from './messages.ts'

/** Counts the requests of all workers by key and window, as the rate limits of one process do. */
export class RateCounts {
  readonly #windows = new Map<string, { count: number; readonly since: number }>()

  count({ key, window }: KeyToCount, now = Date.now()): Counted {
    const known = this.#windows.get(key)
    const current = known && now - known.since < window ? known : { count: 0, since: now }
    current.count += 1
    // Set again, so that the key that was counted longest ago is the first.
    this.#windows.delete(key)
    this.#windows.set(key, current)
    if (this.#windows.size > CACHE) this.#windows.delete(this.#windows.keys().next().value as string)
    return { current: current.count, ttl: window - (now - current.since) }
  }
}
