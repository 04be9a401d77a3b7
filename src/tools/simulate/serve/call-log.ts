import type { ServerResponse } from 'node:http'
import type { FaultKind } from './faults.ts'

/** A request that a simulated vendor got. */
export interface VendorRequest {
  readonly vendor: 'asleep' | 'sahha'
  /** Method and path with the names of its parameters, or `unknown`. */
  readonly route: string
  /** When it came, in milliseconds of the monotonic clock. */
  readonly at: number
  /** The status that was meant to be answered. */
  status: number
  fault: FaultKind | null
}

/** Counts the requests, and how many are in progress at once. */
export class CallLog {
  requests: VendorRequest[] = []
  readonly #current = { asleep: 0, sahha: 0 }
  #most = { asleep: 0, sahha: 0, both: 0 }

  /** The request ends when its answer is sent or its connection is closed. */
  begin(vendor: 'asleep' | 'sahha', route: string, response: ServerResponse): VendorRequest {
    const request: VendorRequest = { vendor, route, at: performance.now(), status: 0, fault: null }
    this.requests.push(request)
    this.#current[vendor] += 1
    response.once('close', () => {
      this.#current[vendor] -= 1
    })
    this.#most[vendor] = Math.max(this.#most[vendor], this.#current[vendor])
    this.#most.both = Math.max(this.#most.both, this.#current.asleep + this.#current.sahha)
    return request
  }

  counts(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { vendor, route } of this.requests) {
      const name = `${vendor} ${route}`
      counts[name] = (counts[name] ?? 0) + 1
    }
    return counts
  }

  maxConcurrent(vendor?: 'asleep' | 'sahha'): number {
    return this.#most[vendor ?? 'both']
  }

  forget(): void {
    this.requests = []
    const { asleep, sahha } = this.#current
    this.#most = { asleep, sahha, both: asleep + sahha }
  }
}
