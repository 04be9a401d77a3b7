import { asleepDeliveries } from './asleep.ts'
import type { Delivery } from './delivery.ts'
import { faultyDelivery } from './faults.ts'
import { addDays } from './local-time.ts'
import { createNight } from './night.ts'
import { random } from './random.ts'
import { sahhaDeliveries } from './sahha.ts'
import { createUser } from './user.ts'

export interface TrafficOptions {
  readonly seed: string
  readonly users: number
  readonly nights: number
  /** Date of the last waking. */
  readonly until: string
  /** Share of deliveries that come again, 0 to 1. */
  readonly duplicates: number
  /** Faulty deliveries per good one, 0 to 1. */
  readonly invalid: number
  readonly shuffle: boolean
}

/**
 * What both vendors send, one lane for each user and vendor; within a lane the order is that of sending.
 * The options alone decide every byte. The last user's last night is still going on.
 */
export function traffic(options: TrafficOptions): Delivery[][] {
  const firstDay = addDays(options.until, 1 - options.nights)
  const lanes: Delivery[][] = []
  for (let number = 0; number < options.users; number += 1) {
    const user = createUser(options.seed, number, firstDay)
    const asleep: Delivery[] = []
    const sahha: Delivery[] = []
    for (let night = 0; night < options.nights; night += 1) {
      const date = addDays(firstDay, night)
      const inProgress = number === options.users - 1 && night === options.nights - 1
      asleep.push(...asleepDeliveries(user, createNight(user, date), inProgress))
      sahha.push(...sahhaDeliveries(user, date))
    }
    lanes.push(disturbed(asleep, options, number), disturbed(sahha, options, number))
  }
  return lanes
}

/** In the order of sending, with repetitions and faults between, or in no order at all. */
function disturbed(
  good: Delivery[],
  { seed, duplicates, invalid, shuffle }: TrafficOptions,
  number: number,
): Delivery[] {
  const draw = random(seed, 'disturbance', number, good[0]?.vendor ?? '')
  const sent: Delivery[] = [...good]
  for (const delivery of good) {
    // A vendor that heard no answer sends again, minutes or hours later.
    if (draw.chance(duplicates)) sent.push({ ...delivery, at: delivery.at + draw.integer(1, 360) * 60_000 })
    if (draw.chance(invalid)) sent.push(faultyDelivery(draw, delivery, sent.length))
  }
  if (shuffle) return expectingDuplicates(draw.shuffle(sent))
  return expectingDuplicates(sent.sort((a, b) => a.at - b.at))
}

/** Whatever was stored before in the lane must be answered as a duplicate. */
function expectingDuplicates(lane: Delivery[]): Delivery[] {
  const seen = new Set<string>()
  return lane.map((delivery) => {
    if (delivery.expected !== 'stored') return delivery
    if (seen.has(delivery.body)) return { ...delivery, expected: 'duplicate' }
    seen.add(delivery.body)
    return delivery
  })
}
