import type { Fault } from './faults.ts'

/** All faults in random order, again and again, until they have sent `kills` SIGKILLs. */
export function* faultPlan(faults: readonly Fault[], kills: number, random: () => number): Generator<Fault> {
  for (let left = kills; left > 0; ) {
    for (const fault of shuffled(faults, random)) {
      if (left <= 0) return
      left -= fault.kills
      yield fault
    }
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, position: random() }))
    .sort((a, b) => a.position - b.position)
    .map(({ item }) => item)
}

/** A pseudo-random number generator (mulberry32): numbers from 0 to 1, excluding 1. */
export function pseudoRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
