import { Clock } from '../src/ingest/clock.ts'

export const DAY = 86_400_000

/** A clock on which a day passes every few seconds: it is right but for whole days, and jumps from noon to noon. */
export interface MovedDays {
  /** Milliseconds of Unix time at which the clock is right. */
  readonly origin: number
  /** Milliseconds after which it is one day further ahead. */
  readonly dayLasts: number
}

/** What the moved clock shows at a moment, both in milliseconds of Unix time. */
export const movedTime = ({ origin, dayLasts }: MovedDays, real: number): number =>
  real + Math.max(0, Math.floor((real - origin) / dayLasts)) * DAY

/** Stamps deliveries with the moved time, so that days close while the service runs. */
export class MovedClock extends Clock {
  readonly #days: MovedDays

  constructor(days: MovedDays) {
    super()
    this.#days = days
  }

  override now(): number {
    const real = Date.now()
    return super.now() + movedTime(this.#days, real) - real
  }
}
