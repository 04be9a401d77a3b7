import { instantOf, weekday } from './local-time.ts'
import { type Random, random } from './random.ts'
import type { User } from './user.ts'

export const EPOCH = 30_000
const PER_MINUTE = 2
const [NO_DATA, WAKE, LIGHT, DEEP, REM] = [-1, 0, 1, 2, 3]

/** A night as it was slept; arrays hold one value per 30-second epoch. */
export interface Night {
  readonly date: string
  /** Epoch milliseconds of the start of epoch 0. */
  readonly start: number
  readonly sleep: number[]
  readonly snoring: number[]
  readonly breath: number[] | null
  /** Index of the epoch after the last of each sleep cycle. */
  readonly cycleEnds: number[]
  readonly kind: 'slept' | 'never slept' | 'too short'
}

/** The night that ends on `date`. */
export function createNight(user: User, date: string): Night {
  const draw = random(user.seed, 'night', date)
  const isFreeDay = [0, 6].includes(weekday(date))
  const bedtime = draw.normal(user.bedtime + (isFreeDay ? user.weekendShift : 0), 0.45)
  const start = instantOf(date, bedtime, user.timeZone) + draw.integer(0, 59) * 1000
  const kind = draw.chance(0.03) ? 'too short' : draw.chance(0.01) ? 'never slept' : 'slept'
  const { sleep, cycleEnds } =
    kind === 'slept'
      ? hypnogram(draw, user.sleepHours + (isFreeDay ? 0.6 : 0))
      : { sleep: Array<number>(kind === 'too short' ? draw.integer(12, 36) : 240).fill(WAKE), cycleEnds: [] }
  if (draw.chance(0.2)) sleep.fill(NO_DATA, 0, Math.min(draw.integer(1, 3), sleep.length))
  return {
    date,
    start,
    sleep,
    cycleEnds,
    kind,
    snoring: spells(draw, sleep, user.snoring, 14),
    breath: user.hasBreathing && kind === 'slept' ? spells(draw, sleep, 0.04, 5) : null,
  }
}

/** Cycles of about 90 minutes: deep sleep early, REM late, short awakenings between. */
function hypnogram(draw: Random, hours: number): { sleep: number[]; cycleEnds: number[] } {
  const sleep: number[] = []
  const cycleEnds: number[] = []
  const add = (stage: number, minutes: number) => {
    for (let epochs = Math.round(minutes * PER_MINUTE); epochs > 0; epochs -= 1) sleep.push(stage)
  }
  /** A stretch of one stage that now and then slips into light sleep. */
  const addBroken = (stage: number, minutes: number) => {
    for (let left = Math.round(minutes * PER_MINUTE); left > 0; ) {
      const stretch = Math.min(left, draw.integer(8, 40))
      add(stage, stretch / PER_MINUTE)
      left -= stretch
      if (left > 6 && draw.chance(0.5)) {
        const slip = draw.integer(1, 4)
        add(LIGHT, slip / PER_MINUTE)
        left -= slip
      }
    }
  }

  add(WAKE, Math.max(2, draw.normal(14, 6)))
  const cycles = Math.max(3, Math.round((hours * 60) / 92))
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    const length = draw.normal(92, 6)
    const deep = Math.max(0, draw.normal(36 - 13 * cycle, 4))
    const rem = Math.min(38, Math.max(3, draw.normal(7 + 7 * cycle, 3)))
    const light = length - deep - rem
    add(LIGHT, light * 0.4)
    if (deep > 3) addBroken(DEEP, deep)
    if (draw.chance(0.35)) add(WAKE, draw.integer(1, 5) / PER_MINUTE)
    addBroken(LIGHT, light * 0.6)
    addBroken(REM, rem)
    cycleEnds.push(sleep.length)
    if (cycle < cycles - 1 && draw.chance(0.65)) {
      add(WAKE, draw.chance(0.12) ? draw.between(8, 25) : draw.integer(1, 6) / PER_MINUTE)
    }
  }
  add(LIGHT, draw.between(1, 8))
  add(WAKE, Math.max(1, draw.normal(8, 5)))
  return { sleep, cycleEnds }
}

/** Ones in spells of about `length` epochs, covering about `share` of the time asleep. */
function spells(draw: Random, sleep: number[], share: number, length: number): number[] {
  let left = 0
  return sleep.map((stage) => {
    if (stage === NO_DATA || stage === WAKE) left = 0
    else if (left === 0 && draw.chance(share / length))
      left = Math.max(1, Math.round(draw.normal(length, length / 3)))
    if (left === 0) return 0
    left -= 1
    return 1
  })
}
