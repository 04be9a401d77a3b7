import type { DatabaseReport } from './read.ts'
import type { ServiceReport } from './service.ts'
import { duration, percent } from './units.ts'

export interface Thresholds {
  /** Milliseconds without a stored delivery, of a vendor (`asleep`), an event (`sahha/Score…`) or any vendor (``). */
  readonly silence: ReadonlyMap<string, number>
  /** Rejected deliveries of one event within the last hour that are not yet a fault. */
  readonly rejected: number
}

type ServiceFacts = Pick<ServiceReport, 'faults' | 'queue' | 'skew' | 'refused'>
type DatabaseFacts = Pick<
  DatabaseReport,
  'now' | 'ahead' | 'lastStored' | 'recent' | 'unverified' | 'unfinishedErasures'
>

/** What kind of fault it is; what mends it depends on that. */
export type FaultKind =
  | 'not ready'
  | 'full queue'
  | 'wrong clock'
  | 'later than now'
  | 'silence'
  | 'refused'
  | 'quarantined'
  | 'rejected'
  | 'unfinished erasure'

export interface Fault {
  readonly kind: FaultKind
  /** One sentence. */
  readonly text: string
}

/**
 * What is wrong, one sentence for each fault. `service` is null if the service was not asked. `vendors` are those that
 * deliveries are expected of.
 */
export function faultsOf(
  database: DatabaseFacts,
  service: ServiceFacts | null,
  vendors: readonly string[],
  thresholds: Thresholds,
): string[] {
  return findFaults(database, service, vendors, thresholds).map(({ text }) => text)
}

/** The same, with the kind of each fault. */
export function findFaults(
  database: DatabaseFacts,
  service: ServiceFacts | null,
  vendors: readonly string[],
  thresholds: Thresholds,
): Fault[] {
  const found: ReadonlyArray<[FaultKind, Iterable<string>]> = [
    ['not ready', service?.faults ?? []],
    ['full queue', filledQueue(service)],
    ['wrong clock', wrongClock(service)],
    ['later than now', stampedAhead(database)],
    ['silence', silentVendors(database, vendors, thresholds)],
    ['refused', refusedRequests(database, service)],
    ['quarantined', quarantined(database)],
    ['rejected', rejectedDeliveries(database, thresholds)],
    ['unfinished erasure', unfinishedErasures(database)],
  ]
  return found.flatMap(([kind, texts]) => [...texts].map((text) => ({ kind, text })))
}

function* filledQueue(service: ServiceFacts | null) {
  if (!service) return
  const { deliveries, full } = service.queue
  if (full > 0.5) yield `The queue is ${percent(full)} full: ${deliveries} deliveries wait.`
}

/** Seconds by which a clock may be wrong. */
const MOST_SKEW = 5

function* wrongClock(service: ServiceFacts | null) {
  const skew = service?.skew ?? 0
  if (Math.abs(skew) > MOST_SKEW) {
    const side = skew > 0 ? 'ahead of' : 'behind'
    yield `The clock of the service is ${duration(Math.abs(skew) * 1000)} ${side} the database's. Deliveries are stamped by the database's clock; set both by NTP.`
  }
}

function* stampedAhead({ ahead, now }: DatabaseFacts) {
  if (ahead) {
    yield `${ahead.count} deliveries are stamped up to ${duration(ahead.until - now)} later than now. Deliveries that arrive before that time can't replace their rows: see "Clocks" in docs/operations.md.`
  }
}

function* silentVendors(
  { lastStored, now }: DatabaseFacts,
  vendors: readonly string[],
  { silence }: Thresholds,
) {
  for (const [name, limit] of silence) {
    const [given, event] = name.split('/')
    if (!given && vendors.length === 0) yield 'No delivery of any vendor was ever stored.'
    for (const vendor of given ? [given] : vendors) {
      const stored = lastStored.filter(
        (last) => last.vendor === vendor && (event === undefined || last.event === event),
      )
      const at = Math.max(...stored.map(({ at }) => at), 0)
      const source = event === undefined ? vendor : `${vendor} ${event}`
      if (at === 0) yield `No delivery of ${source} was ever stored.`
      else if (now - at > limit) yield `The last delivery of ${source} was stored ${duration(now - at)} ago.`
    }
  }
}

/**
 * A refused request is a fault until the vendor's next delivery is stored: after that it was a stranger's, because
 * anybody may send a wrong credential.
 */
function* refusedRequests(database: DatabaseFacts, service: ServiceFacts | null) {
  for (const { vendor, reason, count, last } of service?.refused ?? []) {
    if (last > lastStoredOf(database, vendor)) {
      yield `The latest requests for ${vendor} were refused: ${reason} (${count} since the service started, the last ${duration(database.now - last)} ago).`
    }
  }
}

function* quarantined(database: DatabaseFacts) {
  for (const { vendor, presented, count, last } of database.unverified) {
    if (last > lastStoredOf(database, vendor)) {
      yield `The quarantine holds ${count} ${deliveries(count)} for ${vendor} that came with ${presented}, the last ${duration(database.now - last)} ago: see nightpost replay --outcome unverified.`
    }
  }
}

function* rejectedDeliveries({ recent }: DatabaseFacts, { rejected }: Thresholds) {
  for (const { vendor, event, outcome, hour } of recent) {
    if (outcome === 'rejected' && hour > rejected) {
      // A rejected body whose event is unknown could not be read at all.
      const kind = event === 'unknown' ? 'unreadable' : event
      yield `${vendor}: ${hour} ${kind} ${deliveries(hour)} rejected in the last hour.`
    }
  }
}

/** An erasure takes minutes. */
const LONG_ERASURE = 3_600_000

function* unfinishedErasures({ unfinishedErasures: unfinished, now }: DatabaseFacts) {
  if (!unfinished || now - unfinished.since < LONG_ERASURE) return
  yield `${unfinished.count} ids are fenced but not erased, the first for ${duration(now - unfinished.since)}: run nightpost erase for them again.`
}

/**
 * The vendors of which a delivery was ever stored: deliveries are expected of these, if the process that asks sees no
 * credential. The service may get its credentials another way, or generate them.
 */
export function vendorsHeard({ lastStored }: Pick<DatabaseReport, 'lastStored'>): string[] {
  return [...new Set(lastStored.map(({ vendor }) => vendor))]
}

/** When any delivery of a vendor was last stored, in milliseconds of Unix time; 0 if none was. */
function lastStoredOf({ lastStored }: DatabaseFacts, vendor: string): number {
  return Math.max(...lastStored.filter((last) => last.vendor === vendor).map(({ at }) => at), 0)
}

const deliveries = (count: number) => (count === 1 ? 'delivery' : 'deliveries')
