import type { Registry } from 'prom-client'
import { type Declaration, type Labels, publish, type Sample, SeriesByLabels } from './metric.ts'

export interface HistogramSeries {
  observe(value: number): void
}

interface HistogramDeclaration<Name extends string> extends Declaration<Name> {
  /** Upper bounds, ascending, without the last one, which is infinite. */
  readonly buckets: readonly number[]
}

/** Counts observed values by bucket. Code that runs for every delivery keeps its series. */
export class Histogram<Name extends string> {
  readonly name: string
  readonly #series: SeriesByLabels<Name, Buckets>

  constructor(registry: Registry, declaration: HistogramDeclaration<Name>) {
    const { name, help, labels, buckets } = declaration
    this.name = name
    this.#series = new SeriesByLabels(labels, (labels) => new Buckets(labels, buckets))
    const samples = async () => this.#series.all().flatMap((series) => series.samples(name))
    publish(registry, { name, help, type: 'histogram', samples })
  }

  /** The series with these labels; the first call creates it. */
  series(labels: Labels<Name>): HistogramSeries {
    return this.#series.get(labels)
  }

  /** Takes over what other processes observed, in the samples that `samples` makes. */
  load(samples: Iterable<Sample<string> & { readonly metricName?: string }>): void {
    for (const { labels, value, metricName = '' } of samples) {
      const { le, ...own } = labels
      this.#series.get(own as Labels<Name>).load(metricName.slice(this.name.length + 1), le, value)
    }
  }

  /** What every series observed so far. */
  observed(): Observed<Name>[] {
    return this.#series.all().map((series) => series.observed() as Observed<Name>)
  }
}

/** The values that a series observed. */
export interface Observed<Name extends string> {
  readonly labels: Labels<Name>
  readonly count: number
  readonly sum: number
  /** The smallest bound that so much of the values (0 to 1) does not exceed; infinite above the last bound. */
  quantile(part: number): number
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

  /** Sets the number of one sample: of a bucket with the bound `le`, or the sum. */
  load(kind: string, le: string | number | undefined, value: number): void {
    if (kind === 'sum') this.#sum = value
    if (kind !== 'bucket') return
    const at = le === '+Inf' ? this.#bounds.length : this.#bounds.indexOf(Number(le))
    // The buckets of a sample count all that is smaller, too. They come in the order of their bounds.
    const smaller = this.#counts.subarray(0, at).reduce((sum, each) => sum + each, 0)
    this.#counts[at] = value - smaller
  }

  observed(): Observed<string> {
    const count = this.#counts.reduce((sum, each) => sum + each, 0)
    const quantile = (part: number) => {
      let total = 0
      const at = this.#counts.findIndex((each) => {
        total += each
        return total >= part * count
      })
      return this.#bounds[at] ?? Number.POSITIVE_INFINITY
    }
    return { labels: this.#labels, count, sum: this.#sum, quantile }
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
