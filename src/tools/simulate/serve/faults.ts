import { seededRandom } from '../seeded-random.ts'

/** What the simulated vendors do wrong. The shares are of all requests, 0 to 1. */
export interface Faults {
  /** Share answered with status 500. */
  readonly error?: number
  /** Share answered only after `slowMs`. */
  readonly slow?: number
  /** Milliseconds; 10 s unless given. */
  readonly slowMs?: number
  /** Share of broken connections: before the answer, or in the middle of it. */
  readonly reset?: number
  /** Share of answers with status 200 whose body is cut off or no JSON. */
  readonly malformed?: number
  /** Share refused for the rate of requests: 403 at Asleep, 429 at Sahha. */
  readonly rate?: number
  /** Share of Sahha's lists that are answered 204, as if there were nothing. */
  readonly empty?: number
  /** Share of pages that are shorter than asked for although more follow. */
  readonly partialPages?: number
  /** After so many requests, Asleep answers 403 because the quota is used up. */
  readonly quotaAfter?: number
  /** After so many requests, Asleep answers 403 because the plan has expired. */
  readonly planAfter?: number
  /** After so many requests, a token of Sahha expires. */
  readonly expireTokenAfter?: number
  /** Asleep's average-stats lists ids and start times only. */
  readonly briefAverages?: boolean
}

const KINDS = ['error', 'reset', 'malformed', 'rate', 'slow', 'empty'] as const

export type FaultKind = (typeof KINDS)[number] | 'quota' | 'plan'

/** What happens to one request. */
export interface Fate {
  readonly fault: FaultKind | null
  readonly isPartial: boolean
  /** For the choice between two forms of a fault. */
  readonly isSecondForm: boolean
}

/**
 * Decides the fate of each request. It depends on the seed, on the request and on how often the same request came, not on
 * the order of different requests.
 */
export class FaultPlan {
  readonly #seed: string
  readonly #attempts = new Map<string, number>()
  #asleepRequests = 0
  #faults: Faults = {}

  constructor(seed: string) {
    this.#seed = seed
  }

  get faults(): Faults {
    return this.#faults
  }

  /** From now on. What came before doesn't count for `quotaAfter` and `planAfter`. */
  set(faults: Faults): void {
    this.#faults = faults
    this.#asleepRequests = 0
  }

  /** `request` names method, address and user. `isList` is true where Sahha may answer 204. */
  fateOf(vendor: 'asleep' | 'sahha', request: string, isList: boolean): Fate {
    const attempt = this.#attempts.get(request) ?? 0
    this.#attempts.set(request, attempt + 1)
    const random = seededRandom(this.#seed, 'vendor fault', request, attempt)
    const { partialPages = 0, quotaAfter, planAfter } = this.#faults
    const isPartial = random.chance(partialPages)
    const isSecondForm = random.chance(0.5)
    if (vendor === 'asleep') {
      this.#asleepRequests += 1
      if (this.#asleepRequests > (planAfter ?? Number.POSITIVE_INFINITY))
        return { fault: 'plan', isPartial, isSecondForm }
      if (this.#asleepRequests > (quotaAfter ?? Number.POSITIVE_INFINITY))
        return { fault: 'quota', isPartial, isSecondForm }
    }
    const drawn = KINDS.map((kind) => (random.chance(this.#faults[kind] ?? 0) ? kind : null))
    const fault = drawn.find((kind) => kind !== null && (kind !== 'empty' || isList)) ?? null
    return { fault, isPartial, isSecondForm }
  }
}
