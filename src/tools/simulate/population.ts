import { addDays } from './local-time.ts'
import { createNap, createNight, type Night } from './night.ts'
import { createUser, type User } from './user.ts'

/** Who is simulated, and when. */
export interface PopulationOptions {
  readonly seed: string
  readonly users: number
  readonly nights: number
  /** Local date on which the last night ends. */
  readonly until: string
  /** The version of every Asleep callback. Without it, users have different versions. */
  readonly callbackVersion?: User['version']
}

export function usersOf({ seed, users, nights, until, callbackVersion }: PopulationOptions): User[] {
  const firstDay = addDays(until, 1 - nights)
  return Array.from({ length: users }, (_, number) => {
    const user = createUser(seed, number, firstDay)
    return callbackVersion ? { ...user, version: callbackVersion } : user
  })
}

export function datesOf({ nights, until }: PopulationOptions): string[] {
  return Array.from({ length: nights }, (_, night) => addDays(until, 1 - nights + night))
}

export interface SimulatedSession {
  readonly night: Night
  readonly isInProgress: boolean
}

/**
 * The nights and naps of a user. The last night of the last user is in progress. There is no nap on the last day, so that
 * each user's last session is a night.
 */
export function sessionsOf(user: User, isLastUser: boolean, options: PopulationOptions): SimulatedSession[] {
  return datesOf(options).flatMap((date, number) => {
    const isLastNight = number === options.nights - 1
    const night = { night: createNight(user, date), isInProgress: isLastUser && isLastNight }
    const nap = isLastNight ? null : createNap(user, date)
    return nap ? [night, { night: nap, isInProgress: false }] : [night]
  })
}
