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
  readonly vitals: Vitals
  /** Milliseconds by which the phone uploads the day's data late. */
  readonly uploadDelay: number
}

/** What is measured only on some days is there every day; the deliveries choose. */
interface Vitals {
  /** In percent, of the night. */
  readonly oxygenSaturation: number
  /** In degrees Celsius, at the wrist during the night. */
  readonly skinTemperature: number
  /** In degrees Celsius. About one day in 60 is a fever. */
  readonly bodyTemperature: number
  readonly weight: number
  readonly systolic: number
  readonly diastolic: number
  /** In mg/dL. */
  readonly fastingGlucose: number
}

const oneDigit = (value: number) => Math.round(value * 10) / 10

function vitalsOf(user: User, date: string): Vitals {
  const random = seededRandom(user.seed, 'vitals', date)
  const isFever = random.chance(1 / 60)
  const day = Date.parse(`${date}T00:00:00Z`) / 86_400_000
  const systolic = Math.round(random.normal(user.systolic, 5))
  return {
    oxygenSaturation: oneDigit(Math.min(99.5, random.normal(96.6, 0.6))),
    skinTemperature: oneDigit(random.normal(34.9, 0.3) + (isFever ? 1.2 : 0)),
    bodyTemperature: oneDigit(random.normal(36.6, 0.15) + (isFever ? 1.9 : 0)),
    // A slow wave of two months, and what a meal or a glass of water weighs.
    weight: oneDigit(user.weight + 0.9 * Math.sin((2 * Math.PI * day) / 61) + random.normal(0, 0.25)),
    systolic,
    diastolic: Math.round(systolic * 0.65 + random.normal(0, 3)),
    fastingGlucose: Math.round(random.normal(user.glucose, 4)),
  }
}

/** Whether the user has measured the weight, the blood pressure or the body temperature on the day. */
export function isMeasured(user: User, { date, vitals }: Day, what: 'weight' | 'pressure' | 'temperature') {
  const random = seededRandom(user.seed, 'measured', what, date)
  if (what === 'weight') return random.chance(0.3)
  if (what === 'pressure') return user.hasBloodPressureMonitor && random.chance(0.3)
  return vitals.bodyTemperature >= 37.5 || random.chance(0.04)
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
    vitals: vitalsOf(user, date),
    uploadDelay: random.chance(0.06) ? random.integer(20, 70) * 3_600_000 : 0,
  }
}

/** The instant of a local hour of the day. */
export function timeOfDay(user: User, { date }: Day, hour: number): number {
  return instantOf(date, hour, user.timeZone)
}

/** Steps from midnight to a local hour. */
export function stepsUntil({ stepsByHour }: Day, hour: number): number {
  return stepsByHour.slice(0, Math.ceil(hour)).reduce((sum, count) => sum + count, 0)
}

/** Active energy in kcal from midnight to a local hour. */
export function energyUntil(day: Day, hour: number): number {
  const { exercise } = day
  const exercised = exercise && exercise.hour < hour ? exercise.kcal : 0
  return Math.round(stepsUntil(day, hour) * 0.043 + exercised)
}
