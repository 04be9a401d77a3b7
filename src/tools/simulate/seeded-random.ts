import { createHash } from 'node:crypto'

/** A pseudo-random number generator. The same seed gives the same numbers. */
export interface SeededRandom {
  /** From 0 to 1, excluding 1. */
  next(): number
  between(low: number, high: number): number
  /** Both ends included. */
  integer(low: number, high: number): number
  /** Normally distributed, limited to three standard deviations. */
  normal(mean: number, deviation: number): number
  chance(probability: number): boolean
  pick<T>(choices: readonly [T, ...T[]]): T
  shuffle<T>(list: readonly T[]): T[]
  string(length: number, alphabet?: string): string
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/**
 * A generator seeded with the joined parts of `seed`. Each user, day and purpose has a generator of its own, so
 * that the numbers of one never depend on how many numbers another has drawn.
 */
export function seededRandom(...seed: Array<string | number>): SeededRandom {
  const next = sfc32(createHash('sha256').update(seed.join('/')).digest())
  const integer = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    integer,
    between: (low, high) => low + next() * (high - low),
    normal(mean, deviation) {
      const gauss = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
      return mean + deviation * Math.max(-3, Math.min(3, gauss))
    },
    chance: (probability) => next() < probability,
    pick: (choices) => choices[integer(0, choices.length - 1)] ?? choices[0],
    shuffle(list) {
      const shuffled = [...list]
      for (let at = shuffled.length - 1; at > 0; at -= 1) {
        const other = integer(0, at)
        ;[shuffled[at], shuffled[other]] = [shuffled[other] as never, shuffled[at] as never]
      }
      return shuffled
    },
    string: (length, alphabet = ALPHANUMERIC) =>
      Array.from({ length }, () => alphabet[integer(0, alphabet.length - 1)]).join(''),
  }
}

/** Chris Doty-Humphrey's "small fast counter" generator (sfc32). */
function sfc32(seed: Buffer): () => number {
  let a = seed.readInt32LE(0)
  let b = seed.readInt32LE(4)
  let c = seed.readInt32LE(8)
  let counter = 1
  return () => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return (sum >>> 0) / 2 ** 32
  }
}
