import { v5 as uuid5 } from 'uuid'
import { addDays, utcTimestamp } from './local-time.ts'
import { seededRandom } from './seeded-random.ts'

const ZONES = [
  'America/New_York',
  'Europe/Berlin',
  'Asia/Seoul',
  'Pacific/Auckland',
  'Asia/Kolkata',
  'America/Sao_Paulo',
] as const
const VERSIONS = ['V3', 'V3', 'V2', 'V3', 'V1'] as const

/** Namespace of the version 5 UUIDs of simulated records; an arbitrary UUID. */
const NAMESPACE = '6b1f0c52-8d0a-4f57-9f0e-2d3a4b5c6d7e'

export interface User {
  readonly seed: string
  /** Asleep's `user_id`. Sahha has it as `externalId`, so that the data of both vendors can be joined. */
  readonly id: string
  readonly profileId: string
  readonly accountId: string
  readonly timeZone: string
  readonly version: 'V1' | 'V2' | 'V3'
  /** Before a work day, in hours after midnight of the day of waking; mostly negative. */
  readonly bedtime: number
  /** Hours that bedtime is later before a free day. */
  readonly weekendShift: number
  readonly sleepHours: number
  /** Share of the time asleep, 0 to 1. */
  readonly snoring: number
  readonly hasBreathing: boolean
  readonly restingHeartRate: number
  /** Mean per day. */
  readonly steps: number
  /** The phone's health store, which decides how Sahha spells ids and additional properties. */
  readonly platform: 'ios' | 'android'
  /** In kilograms. */
  readonly weight: number
  /** In metres. */
  readonly height: number
  /** In mmHg. */
  readonly systolic: number
  /** Fasting glucose in mg/dL. */
  readonly glucose: number
  readonly hasBloodPressureMonitor: boolean
  readonly hasGlucoseMeter: boolean
}

export function createUser(seed: string, number: number, firstDay: string): User {
  const random = seededRandom(seed, 'user', number)
  const body = seededRandom(seed, 'body', number)
  const joined = Date.parse(`${addDays(firstDay, -30)}T00:00:00Z`) + random.integer(0, 86_399) * 1000
  return {
    seed: `${seed}/${number}`,
    id: `G-${asleepIdTime(joined)}-${random.string(20)}`,
    profileId: uuid5(`${seed}/profile/${number}`, NAMESPACE),
    accountId: uuid5(`${seed}/account`, NAMESPACE),
    timeZone: ZONES[number % ZONES.length] ?? ZONES[0],
    version: VERSIONS[number % VERSIONS.length] ?? 'V3',
    bedtime: random.normal(-0.9, 0.6),
    weekendShift: random.between(0.2, 1.8),
    sleepHours: random.normal(7.3, 0.4),
    snoring: random.pick([0.01, 0.06, 0.14, 0.25]),
    hasBreathing: random.chance(0.6),
    restingHeartRate: random.normal(58, 5),
    steps: random.normal(8200, 1800),
    // By number, so that few users have all devices between them.
    platform: number % 2 === 0 ? 'ios' : 'android',
    hasBloodPressureMonitor: number % 3 !== 2,
    hasGlucoseMeter: number % 3 === 1,
    weight: body.normal(74, 9),
    height: body.normal(1.73, 0.07),
    systolic: body.normal(121, 8),
    glucose: body.normal(91, 5),
  }
}

/** The ids that every Sahha body contains. */
export function sahhaIds(user: User) {
  return { profileId: user.profileId, accountId: user.accountId, externalId: user.id }
}

/** The id of a Sahha record. A revision of the same metric and day has the same id. */
export function sahhaRecordId(...name: string[]): string {
  return uuid5(name.join('/'), NAMESPACE)
}

/** The UTC time that an Asleep id begins with: 20250115025029. */
export function asleepIdTime(instant: number): string {
  return utcTimestamp(instant).replace(/\D/g, '')
}
