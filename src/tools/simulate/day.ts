import { instantOf, weekday } from './local-time.ts'
import { createNight, EPOCH_MS, type Night } from './night.ts'
import { seededRandom } from './seeded-random.ts'
import type { User } from './user.ts'

/** What a user's devices measured on a local day and in the night that ended on it. */
export interface Day {
  readonly date: string
  readonly night: Night
  readonly asleepMinutes: number
  readonly deepMinutes: number
  readonly awakenings: number
  readonly stepsByHour: number[]
  readonly steps: number
  readonly restingHeartRate: number
  readonly heartRateVariability: number
  readonly activeEnergy: number
  readonly exercise: { hour: number; minutes: number; metres: number; kcal: number } | null
  /** Milliseconds by which the phone uploads the day's data late. */
  readonly uploadDelay: number
}

export function createDay(user: User, date: string): Day {
  const random = seededRandom(user.seed, 'day', date)
  const night = createNight(user, date)
  const minutes = (stage: number) =>
    (night.sleep.filter((value) => value === stage).length * EPOCH_MS) / 60_000
  const deepMinutes = minutes(2)
  const asleepMinutes = deepMinutes + minutes(1) + minutes(3)
  const isFreeDay = [0, 6].includes(weekday(date))
  const exercise = random.chance(isFreeDay ? 0.5 : 0.3)
    ? {
        hour: isFreeDay ? 10 : 18,
        minutes: random.integer(20, 70),
        metres: random.integer(25, 110) * 100,
        kcal: 0,
      }
    : null
  if (exercise) exercise.kcal = Math.round(exercise.metres * 0.062)
  const stepsByHour = Array.from({ length: 24 }, (_, hour) => {
    if (hour < 7 || hour > 22) return 0
    const commute = !isFreeDay && [8, 12, 18].includes(hour) ? 2.4 : 0.8
    const run = exercise?.hour === hour ? exercise.metres * 1.1 : 0
    return Math.max(0, Math.round(random.normal((user.steps / 16) * commute, user.steps / 60) + run))
  })
  const steps = stepsByHour.reduce((sum, count) => sum + count, 0)
  return {
    date,
    night,
    asleepMinutes,
    deepMinutes,
    awakenings: night.sleep.filter((stage, at) => stage === 0 && (night.sleep[at - 1] ?? 0) > 0).length,
    stepsByHour,
    steps,
    // Less deep sleep raises the resting heart rate.
    restingHeartRate:
      Math.round((user.restingHeartRate - (deepMinutes - 75) * 0.08 + random.normal(0, 0.8)) * 10) / 10,
    heartRateVariability: Math.round((48 + (deepMinutes - 75) * 0.2 + random.normal(0, 4)) * 10) / 10,
    activeEnergy: Math.round(steps * 0.043 + (exercise?.kcal ?? 0)),
    exercise,
    uploadDelay: random.chance(0.06) ? random.integer(20, 70) * 3_600_000 : 0,
  }
}

/** The instant of a local hour of the day. */
export function timeOfDay(user: User, { date }: Day, hour: number): number {
  return instantOf(date, hour, user.timeZone)
}
