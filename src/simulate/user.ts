import { v5 as uuid5 } from 'uuid'
import { addDays, utc } from './local-time.ts'
import { random } from './random.ts'

const ZONES = [
  'America/New_York',
  'Europe/Berlin',
  'Asia/Seoul',
  'Pacific/Auckland',
  'Asia/Kolkata',
  'America/Sao_Paulo',
] as const
const VERSIONS = ['V3', 'V3', 'V2', 'V3', 'V1'] as const

/** Any UUID: names of simulated records are hashed within it. */
const NAMESPACE = '6b1f0c52-8d0a-4f57-9f0e-2d3a4b5c6d7e'

export interface User {
  readonly seed: string
  /** Asleep's `user_id`; also given to Sahha as `externalId`, so that the two can be joined. */
  readonly id: string
  readonly profileId: string
  readonly accountId: string
  readonly timeZone: string
  readonly version: 'V1' | 'V2' | 'V3'
  /** Hours after midnight of the day of waking, on a work night; mostly negative. */
  readonly bedtime: number
  readonly weekendShift: number
  readonly sleepHours: number
  /** Share of the night. */
  readonly snoring: number
  readonly hasBreathing: boolean
  readonly restingHeartRate: number
  readonly steps: number
}

export function createUser(seed: string, number: number, firstDay: string): User {
  const draw = random(seed, 'user', number)
  const joined = Date.parse(`${addDays(firstDay, -30)}T00:00:00Z`) + draw.integer(0, 86_399) * 1000
  return {
    seed: `${seed}/${number}`,
    id: `G-${compact(joined)}-${draw.letters(20)}`,
    profileId: uuid5(`${seed}/profile/${number}`, NAMESPACE),
    accountId: uuid5(`${seed}/account`, NAMESPACE),
    timeZone: ZONES[number % ZONES.length] ?? ZONES[0],
    version: VERSIONS[number % VERSIONS.length] ?? 'V3',
    bedtime: draw.normal(-0.9, 0.6),
    weekendShift: draw.between(0.2, 1.8),
    sleepHours: draw.normal(7.3, 0.4),
    snoring: draw.pick([0.01, 0.06, 0.14, 0.25]),
    hasBreathing: draw.chance(0.6),
    restingHeartRate: draw.normal(58, 5),
    steps: draw.normal(8200, 1800),
  }
}

/** What every body of Sahha's says. */
export function whose(user: User) {
  return { profileId: user.profileId, accountId: user.accountId, externalId: user.id }
}

/** Sahha's record ids: the same metric and day keep the same id. */
export function recordId(...name: string[]): string {
  return uuid5(name.join('/'), NAMESPACE)
}

/** 20250115025029, as Asleep's ids begin. */
export function compact(instant: number): string {
  return utc(instant).replace(/\D/g, '')
}
