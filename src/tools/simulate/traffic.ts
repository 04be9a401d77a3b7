import { asleepDeliveries } from './asleep.ts'
import { faultyDelivery } from './faulty-delivery.ts'
import { addDays } from './local-time.ts'
import { createNap, createNight } from './night.ts'
import { sahhaDeliveries } from './sahha.ts'
import { seededRandom } from './seeded-random.ts'
import type { SimulatedDelivery } from './simulated-delivery.ts'
import { createUser } from './user.ts'

export interface TrafficOptions {
  readonly seed: string
  readonly users: number
  readonly nights: number
  /** Local date on which the last night ends. */
  readonly until: string
  /** Share of the deliveries that are sent twice, 0 to 1. */
  readonly duplicates: number
  /** Faulty deliveries per valid one, 0 to 1. */
  readonly invalid: number
  readonly shuffle: boolean
}

/**
 * What both vendors send: for each user and vendor, a sequence of deliveries in the order of sending. The same
 * options give the same bytes. The last night of the last user is in progress. There is no nap on the last day, so that
 * each user's last session is a night.
 */
export function simulateTraffic(options: TrafficOptions): SimulatedDelivery[][] {
  const firstDay = addDays(options.until, 1 - options.nights)
  const sequences: SimulatedDelivery[][] = []
  for (let number = 0; number < options.users; number += 1) {
    const user = createUser(options.seed, number, firstDay)
    const asleep: SimulatedDelivery[] = []
    const sahha: SimulatedDelivery[] = []
    for (let night = 0; night < options.nights; night += 1) {
      const date = addDays(firstDay, night)
      const isInProgress = number === options.users - 1 && night === options.nights - 1
      asleep.push(...asleepDeliveries(user, createNight(user, date), isInProgress))
      const nap = night === options.nights - 1 ? null : createNap(user, date)
      if (nap) asleep.push(...asleepDeliveries(user, nap, false))
      sahha.push(...sahhaDeliveries(user, date))
    }
    sequences.push(withDisturbances(asleep, options, number), withDisturbances(sahha, options, number))
  }
  return sequences
}

/** Adds repeated and faulty deliveries, and puts all in the order of sending or in a random order. */
function withDisturbances(
  valid: SimulatedDelivery[],
  { seed, duplicates, invalid, shuffle }: TrafficOptions,
  userNumber: number,
): SimulatedDelivery[] {
  const random = seededRandom(seed, 'disturbance', userNumber, valid[0]?.vendor ?? '')
  const all = [...valid]
  for (const delivery of valid) {
    // A vendor that got no answer sends the delivery again, minutes or hours later.
    if (random.chance(duplicates)) {
      all.push({ ...delivery, sentAt: delivery.sentAt + random.integer(1, 360) * 60_000 })
    }
    if (random.chance(invalid)) all.push(faultyDelivery(random, delivery, all.length))
  }
  if (shuffle) return withDuplicatesExpected(random.shuffle(all))
  return withDuplicatesExpected(all.sort((a, b) => a.sentAt - b.sentAt))
}

/** Expects `duplicate` for each body that was sent before in the sequence. */
function withDuplicatesExpected(sequence: SimulatedDelivery[]): SimulatedDelivery[] {
  const storedBodies = new Set<string>()
  return sequence.map((delivery) => {
    if (delivery.expectedResult !== 'stored') return delivery
    if (storedBodies.has(delivery.body)) return { ...delivery, expectedResult: 'duplicate' }
    storedBodies.add(delivery.body)
    return delivery
  })
}
