import { asleepDeliveries } from './asleep.ts'
import { faultyDelivery } from './faulty-delivery.ts'
import { withoutEarlierRevisions } from './final-values.ts'
import { datesOf, type PopulationOptions, sessionsOf, usersOf } from './population.ts'
import { sahhaDeliveries } from './sahha.ts'
import { seededRandom } from './seeded-random.ts'
import type { SimulatedDelivery } from './simulated-delivery.ts'

export interface TrafficOptions extends PopulationOptions {
  /** Share of the deliveries that are sent twice, 0 to 1. */
  readonly duplicates: number
  /** Faulty deliveries per valid one, 0 to 1. */
  readonly invalid: number
  readonly shuffle: boolean
  /** Share of the valid deliveries that are withheld with their repetitions, 0 to 1. */
  readonly drop?: number
  /** Share of the sessions that Asleep analyses once more without telling, 0 to 1. */
  readonly reanalysed?: number
  /** Whether Asleep tells of these analyses, too. */
  readonly sendReanalysed?: boolean
  /** Of each score and biomarker, only the final value. Sahha does so if the webhook has an interval. */
  readonly finalOnly?: boolean
  /** Events of which nothing is sent. */
  readonly without?: readonly string[]
}

export interface Traffic {
  /** For each user and vendor, the deliveries in the order of sending. */
  readonly sequences: SimulatedDelivery[][]
  /** The deliveries that `drop` withholds. */
  readonly withheld: SimulatedDelivery[]
}

/** What both vendors send, without what is withheld. The same options give the same bytes. */
export function simulateTraffic(options: TrafficOptions): SimulatedDelivery[][] {
  return simulateLossyTraffic(options).sequences
}

/** What both vendors send, and what is withheld. `drop` changes nothing else: the rest is the same for every share. */
export function simulateLossyTraffic(options: TrafficOptions): Traffic {
  const { sendReanalysed, reanalysed = 0, without = [] } = options
  const isWanted = ({ kind }: Pick<SimulatedDelivery, 'kind'>) => !without.includes(kind)
  const analyses = {
    later: sendReanalysed ? reanalysed : 0,
    hasWindows: isWanted({ kind: 'INFERENCE_COMPLETE' }),
  }
  const hasDataLogs = isWanted({ kind: 'DataLogReceivedIntegrationEvent' })
  const users = usersOf(options)
  const sequences: SimulatedDelivery[][] = []
  const withheld: SimulatedDelivery[] = []
  users.forEach((user, number) => {
    const asleep = sessionsOf(user, number === users.length - 1, options).flatMap(({ night, isInProgress }) =>
      asleepDeliveries(user, night, isInProgress, analyses),
    )
    const sahha = datesOf(options).flatMap((date) => sahhaDeliveries(user, date, hasDataLogs))
    for (const all of [asleep, options.finalOnly ? withoutEarlierRevisions(sahha) : sahha]) {
      const valid = all.filter(isWanted)
      const lost = lostOf(valid, options, number)
      const bodies = new Set(lost.map(({ body }) => body))
      sequences.push(withDisturbances(valid, options, number).filter(({ body }) => !bodies.has(body)))
      withheld.push(...lost)
    }
  })
  return { sequences, withheld }
}

/** The deliveries of which no copy is sent. */
function lostOf(
  valid: SimulatedDelivery[],
  { seed, drop = 0 }: TrafficOptions,
  userNumber: number,
): SimulatedDelivery[] {
  const random = seededRandom(seed, 'loss', userNumber, valid[0]?.vendor ?? '')
  return valid.filter(() => random.chance(drop))
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
