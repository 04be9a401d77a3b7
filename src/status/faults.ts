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
  now: number,
): string[] {
  return [
    ...(service?.faults ?? []),
    ...filling(service),
    ...silent(state, vendors, limits, now),
    ...refused(state, service, now),
    ...rejected(state, limits),
  ]
}

function* filling(service: Service | null) {
  if (!service) return
  const { deliveries, full } = service.queue
  if (full > 0.5) yield `The queue is ${percent(full)} full: ${deliveries} deliveries wait.`
}

function* silent({ lastStored }: State, vendors: readonly string[], { silence }: Limits, now: number) {
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
function* refused({ lastStored, unverified }: State, service: Service | null, now: number) {
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
