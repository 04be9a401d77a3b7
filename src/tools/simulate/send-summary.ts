import Table from 'cli-table3'
import type { SentDelivery } from './send.ts'
import { NEVER_PULLED, type SimulatedDelivery } from './simulated-delivery.ts'

const SUCCESSES = ['stored', 'duplicate', 'unrecognised']
const COLUMNS = ['sent', ...SUCCESSES, 'refused', 'unexpected']

/** Counts the answers by vendor and kind of delivery. */
export class SendSummary {
  /** By vendor and kind, then by column. */
  readonly #counts = new Map<string, Map<string, number>>()
  /** Descriptions of the unexpected answers, and how often each came. */
  readonly #unexpected = new Map<string, number>()
  #sent = 0
  #retries = 0
  /** By event. */
  readonly #withheld = new Map<string, number>()

  add({ delivery, result, isExpected, retries }: SentDelivery): void {
    const name = `${delivery.vendor} ${delivery.kind}`
    const counts = this.#counts.get(name) ?? new Map<string, number>()
    this.#counts.set(name, counts)
    increment(counts, 'sent')
    increment(counts, SUCCESSES.includes(result) ? result : 'refused')
    if (!isExpected) {
      increment(counts, 'unexpected')
      increment(this.#unexpected, `${name}: expected ${delivery.expectedResult}, was answered ${result}`)
    }
    this.#sent += 1
    this.#retries += retries
  }

  /** Counts a delivery that was not sent on purpose. */
  withhold({ vendor, kind }: SimulatedDelivery): void {
    const name = `${vendor} ${kind}`
    const counts = this.#counts.get(name) ?? new Map<string, number>()
    this.#counts.set(name, counts)
    increment(counts, 'withheld')
    increment(this.#withheld, kind)
  }

  /** How many deliveries were withheld, and how many of them no API of a vendor has. */
  get withheld(): { all: number; neverPulled: number } {
    const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0)
    return {
      all: sum([...this.#withheld.values()]),
      neverPulled: sum(NEVER_PULLED.map((kind) => this.#withheld.get(kind) ?? 0)),
    }
  }

  get isAsExpected(): boolean {
    return this.#unexpected.size === 0
  }

  /** The counts by delivery, the unexpected answers, and how long it took, in seconds. */
  toJson(seconds: number): object {
    return {
      sent: this.#sent,
      seconds,
      retries: this.#retries,
      withheld: this.withheld.all,
      withheldNeverPulled: this.withheld.neverPulled,
      asExpected: this.isAsExpected,
      deliveries: [...this.#counts].sort().map(([delivery, counts]) => ({
        delivery,
        ...Object.fromEntries([...COLUMNS, 'withheld'].map((column) => [column, counts.get(column) ?? 0])),
      })),
      unexpected: Object.fromEntries(this.#unexpected),
    }
  }

  /** A table of the counts, the rate over `seconds`, and the unexpected answers. */
  toText(seconds: number): string {
    const { all, neverPulled } = this.withheld
    const columns = all > 0 ? [...COLUMNS, 'withheld'] : COLUMNS
    const table = new Table({
      head: ['delivery', ...columns],
      colAligns: ['left', ...columns.map(() => 'right' as const)],
      style: { head: [], border: [], compact: true },
    })
    for (const [name, counts] of [...this.#counts].sort()) {
      table.push([name, ...columns.map((column) => `${counts.get(column) ?? '·'}`)])
    }
    const rate = Math.round(this.#sent / seconds)
    const retries = this.#retries > 0 ? `, ${this.#retries} retries` : ''
    return [
      table.toString(),
      `${this.#sent} deliveries in ${seconds.toFixed(1)} s (${rate}/s)${retries}: ${
        this.isAsExpected ? 'every answer as expected.' : 'NOT every answer as expected.'
      }`,
      ...(all > 0
        ? [`${all} deliveries withheld. ${neverPulled} of them are of events that no API of a vendor has.`]
        : []),
      ...[...this.#unexpected].map(([description, count]) => `  ${count} × ${description}`),
      '',
    ].join('\n')
  }
}

function increment(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
