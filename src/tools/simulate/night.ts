import { instantOf, weekday } from './local-time.ts'
import { type SeededRandom, seededRandom } from './seeded-random.ts'
import type { User } from './user.ts'

export const EPOCH_MS = 30_000
const EPOCHS_PER_MINUTE = 2
const [NO_DATA, WAKE, LIGHT, DEEP, REM] = [-1, 0, 1, 2, 3]

/** One simulated night. Each array holds one value per 30-second epoch. */
export interface Night {
  /** Local date of waking. */
  readonly date: string
  /** Start of epoch 0, in milliseconds since 1970. */
  readonly start: number
  readonly sleep: number[]
  readonly snoring: number[]
  readonly breath: number[] | null
  /** For each sleep cycle, one past the index of its last epoch. */
  readonly cycleEnds: number[]
  readonly kind: 'slept' | 'never slept' | 'too short' | 'defects'
}

/** The night that ends on `date`. */
export function createNight(user: User, date: string): Night {
  const random = seededRandom(user.seed, 'night', date)
  const isFreeDay = [0, 6].includes(weekday(date))
  const bedtime = random.normal(user.bedtime + (isFreeDay ? user.weekendShift : 0), 0.45)
  const start = instantOf(date, bedtime, user.timeZone) + random.integer(0, 59) * 1000
  const rarity = seededRandom(user.seed, 'rarity', date).next()
  const usual = random.chance(0.03) ? 'too short' : random.chance(0.01) ? 'never slept' : 'slept'
  const kind = usual === 'slept' && rarity > 0.96 && rarity <= 0.98 ? 'never slept' : usual
  const hours = user.sleepHours + (isFreeDay ? 0.6 : 0)
  const { sleep, cycleEnds } =
    kind === 'slept'
      ? sleepStages(random, hours, rarity < 0.04)
      : {
          sleep: Array<number>(kind === 'too short' ? random.integer(12, 36) : 240).fill(WAKE),
          cycleEnds: [],
        }
  if (kind === 'slept' && rarity > 0.98) return withDefects(user, { date, start, sleep })
  if (random.chance(0.2)) sleep.fill(NO_DATA, 0, Math.min(random.integer(1, 3), sleep.length))
  return {
    date,
    start,
    sleep,
    cycleEnds,
    kind,
    snoring: episodes(random, sleep, user.snoring, 14),
    breath: user.hasBreathing && kind === 'slept' ? episodes(random, sleep, 0.04, 5) : null,
  }
}

/** A night of which the microphone recorded so little that Asleep gives no figures. */
function withDefects(
  user: User,
  { date, start, sleep: recorded }: Pick<Night, 'date' | 'start' | 'sleep'>,
): Night {
  const random = seededRandom(user.seed, 'defects', date)
  const sleep = [...recorded]
  for (let at = random.integer(10, 60); at < sleep.length; at += random.integer(150, 260)) {
    sleep.fill(NO_DATA, at, at + random.integer(100, 150))
  }
  return { date, start, sleep, cycleEnds: [], snoring: sleep.map(() => 0), breath: null, kind: 'defects' }
}

/** A nap in the early afternoon of `date`, on one work day in 12 and one free day in 5; null on other days. */
export function createNap(user: User, date: string): Night | null {
  const random = seededRandom(user.seed, 'nap', date)
  if (!random.chance([0, 6].includes(weekday(date)) ? 0.2 : 0.08)) return null
  const start = instantOf(date, random.between(12.8, 15.5), user.timeZone) + random.integer(0, 59) * 1000
  const minutes = random.integer(20, 80)
  const sleep: number[] = []
  const add = (stage: number, length: number) =>
    sleep.push(...Array<number>(Math.max(0, Math.round(length * EPOCHS_PER_MINUTE))).fill(stage))
  add(WAKE, random.between(4, 12))
  add(LIGHT, Math.min(minutes, random.between(8, 18)))
  // After a short night, REM sleep can come at once.
  if (random.chance(0.3)) add(REM, random.between(3, 9))
  if (minutes > 50) add(DEEP, random.between(8, 22))
  add(LIGHT, Math.max(3, minutes - sleep.length / EPOCHS_PER_MINUTE))
  add(WAKE, random.between(1, 5))
  return {
    date,
    start,
    sleep,
    cycleEnds: [],
    kind: 'slept',
    snoring: episodes(random, sleep, user.snoring, 14),
    breath: user.hasBreathing ? episodes(random, sleep, 0.04, 5) : null,
  }
}

/**
 * The same night as another analysis sees it: some light sleep turns out to be deep sleep or waking. `name` tells apart the
 * analyses of one night.
 */
export function reanalysed(user: User, night: Night, name: string): Night {
  if (night.kind !== 'slept') return night
  const random = seededRandom(user.seed, name, night.start)
  const sleep = [...night.sleep]
  const light = sleep.flatMap((stage, at) => (stage === LIGHT ? [at] : []))
  for (let change = random.integer(2, 5); change > 0; change -= 1) {
    const from = light[random.integer(0, light.length - 1)] ?? 0
    const stage = random.pick([DEEP, WAKE])
    for (let at = from; at < from + random.integer(4, 16) && sleep[at] === LIGHT; at += 1) sleep[at] = stage
  }
  return { ...night, sleep }
}

/**
 * Cycles of about 90 minutes: deep sleep early in the night, REM sleep late, short awakenings between cycles. If
 * `isRemFirst`, REM sleep comes within minutes of falling asleep.
 */
function sleepStages(
  random: SeededRandom,
  hours: number,
  isRemFirst: boolean,
): { sleep: number[]; cycleEnds: number[] } {
  const sleep: number[] = []
  const cycleEnds: number[] = []
  const add = (stage: number, minutes: number) => {
    for (let epochs = Math.round(minutes * EPOCHS_PER_MINUTE); epochs > 0; epochs -= 1) sleep.push(stage)
  }
  /** Adds epochs of one stage, interrupted at random by short light sleep. */
  const addInterrupted = (stage: number, minutes: number) => {
    for (let left = Math.round(minutes * EPOCHS_PER_MINUTE); left > 0; ) {
      const length = Math.min(left, random.integer(8, 40))
      add(stage, length / EPOCHS_PER_MINUTE)
      left -= length
      if (left > 6 && random.chance(0.5)) {
        const interruption = random.integer(1, 4)
        add(LIGHT, interruption / EPOCHS_PER_MINUTE)
        left -= interruption
      }
    }
  }

  add(WAKE, Math.max(2, random.normal(14, 6)))
  if (isRemFirst) {
    add(LIGHT, 4)
    add(REM, 11)
  }
  const cycles = Math.max(3, Math.round((hours * 60) / 92))
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    const length = random.normal(92, 6)
    const deep = Math.max(0, random.normal(36 - 13 * cycle, 4))
    const rem = Math.min(38, Math.max(3, random.normal(7 + 7 * cycle, 3)))
    const light = length - deep - rem
    add(LIGHT, light * 0.4)
    if (deep > 3) addInterrupted(DEEP, deep)
    if (random.chance(0.35)) add(WAKE, random.integer(1, 5) / EPOCHS_PER_MINUTE)
    addInterrupted(LIGHT, light * 0.6)
    addInterrupted(REM, rem)
    cycleEnds.push(sleep.length)
    if (cycle < cycles - 1 && random.chance(0.65)) {
      add(WAKE, random.chance(0.12) ? random.between(8, 25) : random.integer(1, 6) / EPOCHS_PER_MINUTE)
    }
  }
  add(LIGHT, random.between(1, 8))
  add(WAKE, Math.max(1, random.normal(8, 5)))
  return { sleep, cycleEnds }
}

/**
 * An array with 1 in each epoch of an episode (of snoring, of unstable breath) and 0 elsewhere. Episodes last
 * about `length` epochs, cover about `share` of the time asleep, and end when the user wakes.
 */
function episodes(random: SeededRandom, sleep: number[], share: number, length: number): number[] {
  let left = 0
  return sleep.map((stage) => {
    if (stage === NO_DATA || stage === WAKE) left = 0
    else if (left === 0 && random.chance(share / length))
      left = Math.max(1, Math.round(random.normal(length, length / 3)))
    if (left === 0) return 0
    left -= 1
    return 1
  })
}
