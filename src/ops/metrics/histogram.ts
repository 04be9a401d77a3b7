import type { Registry } from 'prom-client'
import { type Declaration, type Labels, publish, SeriesByLabels } from './metric.ts'

export interface HistogramSeries {
  observe(value: number): void
}

interface HistogramDeclaration<Name extends string> extends Declaration<Name> {
  /** Upper bounds, ascending, without the last one, which is infinite. */
  readonly buckets: readonly number[]
}

/** Counts observed values by bucket. Code that runs for every delivery keeps its series. */
export class Histogram<Name extends string> {
  readonly #series: SeriesByLabels<Name, Buckets>

  constructor(registry: Registry, declaration: HistogramDeclaration<Name>) {
    const { name, help, labels, buckets } = declaration
    this.#series = new SeriesByLabels(labels, (labels) => new Buckets(labels, buckets))
    const samples = async () => this.#series.all().flatMap((series) => series.samples(name))
    publish(registry, { name, help, type: 'histogram', samples })
  }

  /** The series with these labels; the first call creates it. */
  series(labels: Labels<Name>): HistogramSeries {
    return this.#series.get(labels)
  }
}

class Buckets implements HistogramSeries {
  readonly #labels: Labels<string>
  readonly #bounds: readonly number[]
  readonly #counts: Float64Array
  #sum = 0

  constructor(labels: Labels<string>, bounds: readonly number[]) {
    this.#labels = labels
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    let at = 0
    while (at < this.#bounds.length && value > (this.#bounds[at] as number)) at += 1
    this.#counts[at] = (this.#counts[at] as number) + 1
    this.#sum += value
  }

  samples(name: string) {
    const labels = this.#labels
    let total = 0
    const buckets = [...this.#counts].map((count, at) => {
      total += count
      const le = this.#bounds[at] ?? '+Inf'
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total }
    })
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: total },
    ]
  }
}
