import type { FastifyInstance } from 'fastify'
import { join } from '../contract/drift.ts'
import { instant } from '../contract/instant.ts'
import type { Authenticator, Headers, Vendor } from '../contract/vendor.ts'
import { Clock } from '../ingest/clock.ts'
import type { Delivery, Receipt, Store } from '../ingest/delivery.ts'
import { refusalReason, refusalReasons } from '../ingest/refusal.ts'
import { DriftNames } from './drift-names.ts'
import type { Series as HistogramSeries } from './histogram.ts'
import type { Metrics } from './metrics.ts'

/** An event that nobody declared has a name from its body: it is counted, and not named. */
const UNKNOWN = 'unknown'

/**
 * Counts what the vendors send; `lastStored` says when each event was last stored before this process began.
 * Its clock is the one that arrivals are stamped by.
 */
export class Observer {
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #names = new DriftNames()
  readonly #series: ReadonlyMap<string, ReadonlyMap<string, Series>>

  constructor(
    metrics: Metrics,
    vendors: readonly Vendor[],
    lastStored: LastStored = [],
    clock: Clock = new Clock(),
  ) {
    this.#metrics = metrics
    this.#clock = clock
    this.#series = new Map(
      vendors.map(({ name, events }) => {
        const all = [...new Set([...events.map((event) => event.name), UNKNOWN])]
        const commitLag = metrics.commitLag.series({ vendor: name })
        return [name, new Map(all.map((event) => [event, seriesOf(metrics, commitLag, name, event)]))]
      }),
    )
    for (const { vendor, event, at } of lastStored) {
      const series = this.#series.get(vendor)?.get(event)
      if (series) series.lastStored = at
    }
    const all = [...this.#series.values()].flatMap((events) => [...events.values()])
    collectWith(metrics.deliveries, () => {
      metrics.deliveries.reset()
      for (const { labels, counts } of all) {
        for (const [outcome, count] of Object.entries(counts))
          metrics.deliveries.inc({ ...labels, outcome }, count)
      }
    })
    collectWith(metrics.silence, () => {
      for (const { labels, lastStored } of all) {
        if (lastStored > 0) metrics.silence.set(labels, Math.max(0, (clock.now() - lastStored) / 1000))
      }
    })
  }

  /** The same store; what it commits is counted. */
  store(store: Store): Store {
    return {
      commit: async (delivery) => {
        try {
          const receipt = await store.commit(delivery)
          this.#committed(delivery, receipt)
          return receipt
        } catch (error) {
          this.#seriesOf(delivery).counts.unavailable += 1
          throw error
        }
      },
    }
  }

  /** Counts a request of a vendor that is refused, for a reason that the authenticator gives. */
  refused(
    vendor: Vendor,
    credentials: (name: string) => readonly string[],
    authenticator: Authenticator,
  ): (headers: Headers) => void {
    const { authenticationFailures, lastAuthenticationFailure } = this.#metrics
    // From 0 on: Prometheus can't see a first increase of what was not there before.
    for (const reason of refusalReasons(vendor))
      authenticationFailures.inc({ vendor: vendor.name, reason }, 0)
    return (headers) => {
      const reason = refusalReason(vendor, credentials, authenticator, headers)
      authenticationFailures.inc({ vendor: vendor.name, reason })
      lastAuthenticationFailure.set({ vendor: vendor.name, reason }, this.#clock.now() / 1000)
    }
  }

  #committed(delivery: Delivery, { outcome }: Receipt): void {
    const series = this.#seriesOf(delivery)
    const now = this.#clock.now()
    const { arrival, verdict } = delivery
    const received = Date.parse(arrival.receivedAt)
    series.counts[outcome] += 1
    // The estimate of the database's clock may be corrected between the two.
    series.commitLag.observe(Math.max(0, (now - received) / 1000))
    if (outcome !== 'stored') return
    series.lastStored = now
    if (verdict.createdAt !== null) {
      series.vendorLag.observe(lagSeconds(verdict.createdAt, received))
    }
    if (verdict.drift.length > 0) this.#drifted(series, delivery)
  }

  #drifted({ labels }: Series, { verdict }: Delivery): void {
    for (const drift of verdict.drift) {
      const { path } = drift
      if (drift.kind === 'field') {
        const name = this.#names.shown(`${labels.vendor} ${labels.event} ${path}`, drift.key, verdict.owner)
        this.#metrics.unknownFields.inc({ ...labels, path: join(path, name) })
      } else if (drift.kind === 'value') this.#metrics.unknownValues.inc({ ...labels, path })
      else if (drift.kind === 'type') this.#metrics.mistypedFields.inc({ ...labels, path })
      else if (drift.kind === 'record') this.#metrics.droppedRecords.inc({ ...labels, path }, drift.count)
      else this.#metrics.misnamedEvents.inc({ ...labels, named: path })
    }
  }

  #seriesOf({ vendor, verdict }: Delivery): Series {
    const events = this.#series.get(vendor) as ReadonlyMap<string, Series>
    return events.get(verdict.event ?? UNKNOWN) ?? (events.get(UNKNOWN) as Series)
  }
}

/** When an event was last stored, in milliseconds of Unix time. */
export type LastStored = ReadonlyArray<{ vendor: string; event: string; at: number }>

type Series = ReturnType<typeof seriesOf>

/** What is counted of one event. The numbers wait here until somebody asks for the metrics. */
function seriesOf({ vendorLag }: Metrics, commitLag: HistogramSeries, vendor: string, event: string) {
  const labels = { vendor, event }
  return {
    labels,
    counts: { stored: 0, duplicate: 0, unrecognised: 0, rejected: 0, unavailable: 0 },
    vendorLag: vendorLag.series(labels),
    commitLag,
    lastStored: 0,
  }
}

/** Clocks differ: what was made after it arrived was made just now. */
function lagSeconds(createdAt: string, received: number): number {
  const made = Date.parse(instant(createdAt) ?? '')
  return Number.isNaN(made) ? 0 : Math.max(0, (received - made) / 1000)
}

/** prom-client takes `collect` when a metric is made; this one is known later. */
function collectWith(metric: object, collect: () => void): void {
  Object.assign(metric, { collect })
}

/** Durations by route and status; a path that has no route is not named. */
export function measureRequests(app: FastifyInstance, { requests }: Metrics): void {
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
