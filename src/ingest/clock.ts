/** One reading of the database's clock, and when the query was sent and answered. */
export interface Sample {
  /** The database's time, in milliseconds of Unix time. */
  readonly database: number
  /** Milliseconds of the local steady clock (`performance.now`). */
  readonly sent: number
  readonly answered: number
}

/** The clocks of this machine. Tests replace them. */
export interface LocalClocks {
  /** Milliseconds of Unix time. It may be wrong and may jump. */
  wall(): number
  /** Milliseconds since some moment. It never jumps. */
  steady(): number
}

const LOCAL: LocalClocks = { wall: () => Date.now(), steady: () => performance.now() }

/** The estimate uses the last six samples. One is taken every ten seconds, so they cover a minute. */
const MAX_SAMPLES = 6

/** Milliseconds by which two correct samples may differ, because the steady clock drifts. */
const MAX_CLOCK_DRIFT = 5

/**
 * An estimate of the database's clock. Every replica stamps arrivals with it, so that all replicas agree which of two
 * arrivals is later, even if their own clocks are wrong. Between two samples the estimate advances with the steady
 * clock, because the wall clock may be changed. Before the first sample it equals the wall clock.
 */
export class Clock {
  readonly #local: LocalClocks
  /** Milliseconds to add to the steady clock to get the database's time. */
  #offset: number
  #samples: Sample[] = []
  #last = 0
  #text = { millisecond: Number.NaN, prefix: '' }

  constructor(local: LocalClocks = LOCAL) {
    this.#local = local
    this.#offset = local.wall() - local.steady()
  }

  /** The estimated time of the database, in milliseconds of Unix time. */
  now(): number {
    return this.#local.steady() + this.#offset
  }

  /** Milliseconds by which this machine's wall clock is ahead of the database's; 0 before the first sample. */
  get skew(): number {
    return this.#samples.length === 0 ? 0 : this.#local.wall() - this.now()
  }

  steady(): number {
    return this.#local.steady()
  }

  /**
   * Updates the estimate from a sample. Of the last samples the one with the shortest round trip counts, because its
   * error is the smallest. Samples that contradict the new one are dropped: the database's clock was set, or another
   * server took over.
   */
  learn(sample: Sample): void {
    const agreeing = this.#samples.filter((old) => agree(old, sample))
    this.#samples = [...agreeing, sample].slice(-MAX_SAMPLES)
    const best = this.#samples.reduce((best, one) => (roundTrip(one) <= roundTrip(best) ? one : best))
    this.#offset = best.database - (best.sent + best.answered) / 2
  }

  /** A timestamp for an arrival in microseconds of Unix time, later than every earlier one of this process. */
  tick(): number {
    this.#last = Math.max(Math.floor(this.now() * 1000), this.#last + 1)
    return this.#last
  }

  /** Formats microseconds of Unix time as ISO 8601 UTC with microseconds. */
  text(microseconds: number): string {
    const millisecond = Math.floor(microseconds / 1000)
    // Formatting the date is slow and several deliveries arrive within a millisecond, so the text is cached.
    if (millisecond !== this.#text.millisecond)
      this.#text = { millisecond, prefix: new Date(millisecond).toISOString().slice(0, -1) }
    return `${this.#text.prefix}${String(microseconds % 1000).padStart(3, '0')}Z`
  }
}

const roundTrip = ({ sent, answered }: Sample) => answered - sent

/** A sample bounds the offset from both sides. Two correct samples have overlapping bounds. */
function agree(a: Sample, b: Sample): boolean {
  const low = Math.max(a.database - a.answered, b.database - b.answered)
  const high = Math.min(a.database - a.sent, b.database - b.sent)
  return low <= high + MAX_CLOCK_DRIFT
}
