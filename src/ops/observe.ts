import type { FastifyInstance } from 'fastify'
import { join } from '../contract/drift.ts'
import { unixTime } from '../contract/instant.ts'
import type { Authenticator, Headers, Vendor } from '../contract/vendor.ts'
import { Clock } from '../ingest/clock.ts'
import type { Delivery, Receipt, Store } from '../ingest/delivery.ts'
import { type Refusal, refusalLabels, refusalOf } from '../ingest/refusal.ts'
import { DriftNames } from './drift-names.ts'
import type { HistogramSeries } from './metrics/histogram.ts'
import type { Metrics } from './metrics/index.ts'

/** Stands for every event that no vendor declares: the name of such an event comes from a body. */
const UNKNOWN = 'unknown'

/** When an event was last stored, in milliseconds of Unix time. */
export type LastStored = ReadonlyArray<{ vendor: string; event: string; at: number }>

/** Counts the deliveries and the refused requests of every vendor. */
export class Observer {
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #driftNames = new DriftNames()
  readonly #events: ReadonlyMap<string, ReadonlyMap<string, EventSeries>>

  /**
   * `lastStored` says when each event was last stored before this process started. `clock` must be the clock that
   * stamps arrivals.
   */
  constructor(
    metrics: Metrics,
    vendors: readonly Vendor[],
    lastStored: LastStored = [],
    clock: Clock = new Clock(),
  ) {
    this.#metrics = metrics
    this.#clock = clock
    this.#events = new Map(
      vendors.map(({ name, events }) => {
        const all = [...new Set([...events.map((event) => event.name), UNKNOWN])]
        return [name, new Map(all.map((event) => [event, eventSeries(metrics, name, event)]))]
      }),
    )
    for (const { vendor, event, at } of lastStored) {
      const series = this.#events.get(vendor)?.get(event)
      if (series) series.lastStored = at
    }
    metrics.silence.read(() => this.#silence())
  }

  /** A store that counts what `store` commits, and what it does not. */
  countingStore(store: Store): Store {
    return {
      commit: async (delivery) => {
        try {
          const receipt = await store.commit(delivery)
          this.#countCommit(delivery, receipt)
          return receipt
        } catch (error) {
          this.#seriesOf(delivery).outcomes.unavailable.value += 1
          throw error
        }
      },
    }
  }

  /** A function that counts a refused request of a vendor by what is wrong with its headers, and returns that. */
  refusalCounter(
    vendor: Vendor,
    credentials: (name: string) => readonly string[],
    authenticator: Authenticator,
  ): (headers: Headers) => Refusal {
    const { authenticationFailures, lastAuthenticationFailure } = this.#metrics
    for (const reason of refusalLabels(vendor)) authenticationFailures.series({ vendor: vendor.name, reason })
    return (headers) => {
      const refusal = refusalOf(vendor, credentials, authenticator, headers)
      const labels = { vendor: vendor.name, reason: refusal.label }
      authenticationFailures.add(labels)
      lastAuthenticationFailure.set(labels, this.#clock.now() / 1000)
      return refusal
    }
  }

  *#silence() {
    const now = this.#clock.now()
    for (const events of this.#events.values()) {
      for (const { labels, lastStored } of events.values()) {
        if (lastStored > 0) yield { labels, value: Math.max(0, (now - lastStored) / 1000) }
      }
    }
  }

  #countCommit(delivery: Delivery, { outcome }: Receipt): void {
    const series = this.#seriesOf(delivery)
    const now = this.#clock.now()
    const { arrival, verdict } = delivery
    const received = Date.parse(arrival.receivedAt)
    series.outcomes[outcome].value += 1
    // The estimate of the database's clock may be corrected between arrival and commit.
    series.commitLag.observe(Math.max(0, (now - received) / 1000))
    if (outcome !== 'stored') return
    series.lastStored = now
    if (verdict.createdAt !== null) series.vendorLag.observe(lagSeconds(verdict.createdAt, received))
    if (verdict.drift.length > 0) this.#countDrift(series.labels, delivery)
  }

  #countDrift(labels: EventSeries['labels'], { verdict }: Delivery): void {
    for (const drift of verdict.drift) {
      const { path } = drift
      if (drift.kind === 'field') {
        const place = `${labels.vendor} ${labels.event} ${path}`
        const name = this.#driftNames.nameToShow(place, drift.key, verdict.owner)
        this.#metrics.unknownFields.add({ ...labels, path: join(path, name) })
      } else if (drift.kind === 'value') this.#metrics.unknownValues.add({ ...labels, path })
      else if (drift.kind === 'type') this.#metrics.mistypedFields.add({ ...labels, path })
      else if (drift.kind === 'record') this.#metrics.droppedRecords.add({ ...labels, path }, drift.count)
      else this.#metrics.misnamedEvents.add({ ...labels, named: path })
    }
  }

  #seriesOf({ vendor, verdict }: Delivery): EventSeries {
    const events = this.#events.get(vendor) as ReadonlyMap<string, EventSeries>
    return events.get(verdict.event ?? UNKNOWN) ?? (events.get(UNKNOWN) as EventSeries)
  }
}

type EventSeries = ReturnType<typeof eventSeries>

/** The series of one event, looked up once and not for every delivery. */
function eventSeries({ deliveries, vendorLag, commitLag }: Metrics, vendor: string, event: string) {
  const labels = { vendor, event }
  const outcome = (outcome: string) => deliveries.series({ ...labels, outcome })
  return {
    labels,
    outcomes: {
      stored: outcome('stored'),
      duplicate: outcome('duplicate'),
      unrecognised: outcome('unrecognised'),
      erased: outcome('erased'),
      rejected: outcome('rejected'),
      unavailable: outcome('unavailable'),
    },
    vendorLag: vendorLag.series(labels),
    commitLag: commitLag.series({ vendor }),
    /** Milliseconds of Unix time; 0 if the event was never stored. */
    lastStored: 0,
  }
}

/** Seconds from a record's creation to its arrival; 0 if the vendor's clock is ahead. */
const lagSeconds = (createdAt: string, received: number) =>
  Math.max(0, (received - (unixTime(createdAt) ?? received)) / 1000)

/** Measures requests by route and status. All paths without a route share the name `none`. */
export function measureRequests(app: FastifyInstance, { requests }: Metrics): void {
  // Looking up the series by its labels would add 0.5 µs to every request.
  const known = new Map<string, HistogramSeries>()
  app.addHook('onResponse', (request, reply, done) => {
    const { method } = request
    const route = request.routeOptions.url ?? 'none'
    const status = reply.statusCode
    const key = `${method} ${route} ${status}`
    let series = known.get(key)
    if (!series) {
      series = requests.series({ method, route, status })
      known.set(key, series)
    }
    series.observe(reply.elapsedTime / 1000)
    done()
  })
}
