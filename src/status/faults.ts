import type { State } from './read.ts'
import type { Service } from './service.ts'
import { ago, percent } from './units.ts'

export interface Limits {
  /** Milliseconds without a stored delivery, of a vendor (`asleep`), an event (`sahha/Score…`) or any vendor (``). */
  readonly silence: ReadonlyMap<string, number>
  /** Rejected deliveries of the last hour that are no fault. */
  readonly rejected: number
}

/** What is wrong, one sentence each: nothing is, where there is none. `vendors` are those that have a route. */
export function faultsOf(
  state: State,
  service: Service | null,
  vendors: readonly string[],
  limits: Limits,
): string[] {
  return [
    ...(service?.faults ?? []),
    ...filling(service),
    ...wrongClocks(state, service),
    ...silent(state, vendors, limits),
    ...refused(state, service),
    ...rejected(state, limits),
  ]
}

function* filling(service: Service | null) {
  if (!service) return
  const { deliveries, full } = service.queue
  if (full > 0.5) yield `The queue is ${percent(full)} full: ${deliveries} deliveries wait.`
}

/** Seconds that a clock may be off before it is a fault. */
const SKEW = 5

function* wrongClocks({ ahead, now }: State, service: Service | null) {
  const skew = service?.skew ?? 0
  if (Math.abs(skew) > SKEW) {
    const side = skew > 0 ? 'ahead of' : 'behind'
    yield `The clock of the service is ${ago(Math.abs(skew) * 1000)} ${side} the database's. Deliveries are stamped by the database's clock; set both by NTP.`
  }
  if (ahead) {
    yield `${ahead.count} deliveries are stamped up to ${ago(ahead.until - now)} later than now, and nothing that comes meanwhile can replace their rows: see "Clocks" in docs/operations.md.`
  }
}

function* silent({ lastStored, now }: State, vendors: readonly string[], { silence }: Limits) {
  const latest = (is: (vendor: string, event: string) => boolean) =>
    Math.max(...lastStored.filter(({ vendor, event }) => is(vendor, event)).map(({ at }) => at), 0)
  for (const [name, limit] of silence) {
    const [vendor, event] = name.split('/')
    const each = vendor ? [vendor] : vendors
    for (const one of each) {
      const at = latest((vendor, other) => vendor === one && (event === undefined || event === other))
      const what = event === undefined ? one : `${one} ${event}`
      if (at === 0) yield `Nothing of ${what} was ever stored.`
      else if (now - at > limit) yield `The last delivery of ${what} was stored ${ago(now - at)} ago.`
    }
  }
}

/** A refused call is a fault until the vendor is heard again: anybody may knock with a wrong credential. */
function* refused({ lastStored, unverified, now }: State, service: Service | null) {
  const heard = (vendor: string) =>
    Math.max(...lastStored.filter((stored) => stored.vendor === vendor).map(({ at }) => at), 0)
  for (const { vendor, reason, count, last } of service?.refused ?? []) {
    if (last > heard(vendor)) {
      yield `The latest calls of ${vendor} were refused: ${reason} (${count} since the service started, the last ${ago(now - last)} ago).`
    }
  }
  for (const { vendor, presented, count, last } of unverified) {
    if (last > heard(vendor)) {
      yield `The quarantine holds ${count} of ${vendor} that came with ${presented}, the last ${ago(now - last)} ago: see nightpost replay --outcome unverified.`
    }
  }
}

function* rejected({ recent }: State, limits: Limits) {
  for (const { vendor, event, outcome, hour } of recent) {
    if (outcome === 'rejected' && hour > limits.rejected) {
      yield `${hour} of ${vendor} ${event} were rejected in the last hour.`
    }
  }
}
