/** One look at the database's clock: what it said, and when the question was sent and answered. */
export interface Sample {
  /** Milliseconds of Unix time, by the database. */
  readonly database: number
  /** Milliseconds by the clock of `performance`. */
  readonly sent: number
  readonly answered: number
}

/** The clocks of this machine; tests put others in their place. */
export interface LocalClocks {
  /** Milliseconds of Unix time. It may be wrong, and jump. */
  wall(): number
  /** Milliseconds since some moment. It never jumps. */
  steady(): number
}

const LOCAL: LocalClocks = { wall: () => Date.now(), steady: () => performance.now() }

/** Samples that an estimate is made of: a minute's, since one is taken every ten seconds. */
const SAMPLES = 6

/** Milliseconds by which two good samples may contradict each other: the steady clock drifts. */
const DRIFT = 5

/**
 * The database's clock, estimated: every replica stamps arrivals by it, so that the later of two is the later
 * for all of them, whatever their own clocks say. Between two looks at the database's clock, time passes by
 * the steady clock, which a change of the machine's wall clock does not move. Before the first look it is
 * the machine's own.
 */
export class Clock {
  readonly #local: LocalClocks
  /** Of the steady clock: what has to be added to be the database's. */
  #offset: number
  #samples: Sample[] = []
  #last = 0
  #text = { millisecond: Number.NaN, prefix: '' }

  constructor(local: LocalClocks = LOCAL) {
    this.#local = local
    this.#offset = local.wall() - local.steady()
  }

  /** Milliseconds of Unix time. */
  now(): number {
    return this.#local.steady() + this.#offset
  }

  /** By how many milliseconds this machine's wall clock is ahead of the database's. */
  get skew(): number {
    return this.#samples.length === 0 ? 0 : this.#local.wall() - this.now()
  }

  steady(): number {
    return this.#local.steady()
  }

  /**
   * Takes a look at the database's clock into account. Of the last few the one with the shortest round trip
   * counts, because it leaves the least doubt. Where a new one contradicts those before, the database's clock
   * was set (or another server took over), and the old ones say nothing any more.
   */
  learn(sample: Sample): void {
    const agreeing = this.#samples.filter((old) => agree(old, sample))
    this.#samples = [...agreeing, sample].slice(-SAMPLES)
    const best = this.#samples.reduce((best, one) => (roundTrip(one) <= roundTrip(best) ? one : best))
    this.#offset = best.database - (best.sent + best.answered) / 2
  }

  /** A moment for an arrival, in microseconds of Unix time: later than each before. */
  tick(): number {
    this.#last = Math.max(Math.floor(this.now() * 1000), this.#last + 1)
    return this.#last
  }

  /** ISO 8601 UTC with microseconds. */
  text(microseconds: number): string {
    const millisecond = Math.floor(microseconds / 1000)
    // Several arrive within a millisecond, and formatting it takes longer than all else here.
    if (millisecond !== this.#text.millisecond)
      this.#text = { millisecond, prefix: new Date(millisecond).toISOString().slice(0, -1) }
    return `${this.#text.prefix}${String(microseconds % 1000).padStart(3, '0')}Z`
  }
}

const roundTrip = ({ sent, answered }: Sample) => answered - sent

/** Each sample says between which bounds the offset lies: two that are right have some of them in common. */
function agree(a: Sample, b: Sample): boolean {
  const low = Math.max(a.database - a.answered, b.database - b.answered)
  const high = Math.min(a.database - a.sent, b.database - b.sent)
  return low <= high + DRIFT
}
