import type { Fault } from './faults.ts'

/** Faults in turns, each turn shuffled, until they have sent `kills` SIGKILLs. */
export function* turns(faults: readonly Fault[], kills: number, random: () => number): Generator<Fault> {
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
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item)
}

/** The same numbers from 0 up to 1 for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
