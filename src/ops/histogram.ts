import type { Registry } from 'prom-client'

interface Options {
  readonly name: string
  readonly help: string
  readonly buckets: readonly number[]
}

export interface Series {
  observe(value: number): void
}

interface Counted extends Series {
  readonly labels: object
  readonly counts: Float64Array
  sum(): number
}

/**
 * A histogram whose series are looked up once and not on every observation: prom-client's own checks and
 * joins the labels each time, which for the four observations of a delivery cost 6 µs, a tenth of all its work.
 */
export class Histogram {
  readonly name: string
  readonly help: string
  readonly #buckets: readonly number[]
  readonly #series: Counted[] = []

  constructor(registry: Registry, { name, help, buckets }: Options) {
    this.name = name
    this.help = help
    this.#buckets = buckets
    registry.registerMetric(this as never)
  }

  /** A new series; whoever asks twice for the same labels gets two, so keep it. */
  series(labels: object): Series {
    const buckets = this.#buckets
    const counts = new Float64Array(buckets.length + 1)
    let sum = 0
    const observe = (value: number) => {
      let at = 0
      while (at < buckets.length && value > (buckets[at] as number)) at += 1
      counts[at] = (counts[at] as number) + 1
      sum += value
    }
    this.#series.push({ labels, counts, observe, sum: () => sum })
    return { observe }
  }

  /** What prom-client's registry asks of a metric. */
  async get() {
    const values = this.#series.flatMap(({ labels, counts, sum }) => {
      let total = 0
      const buckets = [...counts].map((count, at) => {
        total += count
        const le = this.#buckets[at] ?? '+Inf'
        return { metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: total }
      })
      return [
        ...buckets,
        { metricName: `${this.name}_sum`, labels, value: sum() },
        { metricName: `${this.name}_count`, labels, value: total },
      ]
    })
    return { name: this.name, help: this.help, type: 'histogram', values, aggregator: 'sum' }
  }

  reset(): void {
    for (const { counts } of this.#series) counts.fill(0)
  }
}
