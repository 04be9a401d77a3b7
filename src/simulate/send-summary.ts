import Table from 'cli-table3'
import type { Sent } from './send.ts'

const SUCCESSES = ['stored', 'duplicate', 'unrecognised']

/** What was sent against what was answered, a line for each vendor and kind of delivery. */
export class Summary {
  readonly #lines = new Map<string, Map<string, number>>()
  readonly #unexpected = new Map<string, number>()
  sent = 0
  retries = 0

  add({ delivery, said, isExpected, retries }: Sent): void {
    const name = `${delivery.vendor} ${delivery.kind}`
    const line = this.#lines.get(name) ?? new Map<string, number>()
    this.#lines.set(name, line)
    for (const count of [
      'sent',
      SUCCESSES.includes(said) ? said : 'refused',
      ...(isExpected ? [] : ['unexpected']),
    ]) {
      line.set(count, (line.get(count) ?? 0) + 1)
    }
    if (!isExpected) {
      const what = `${name}: expected ${delivery.expected}, was answered ${said}`
      this.#unexpected.set(what, (this.#unexpected.get(what) ?? 0) + 1)
    }
    this.sent += 1
    this.retries += retries
  }

  get isAsExpected(): boolean {
    return this.#unexpected.size === 0
  }

  print(seconds: number): string {
    const counts = ['sent', ...SUCCESSES, 'refused', 'unexpected']
    const table = new Table({
      head: ['delivery', ...counts],
      colAligns: ['left', ...counts.map(() => 'right' as const)],
      style: { head: [], border: [], compact: true },
    })
    for (const [name, line] of [...this.#lines].sort()) {
      table.push([name, ...counts.map((count) => `${line.get(count) ?? '·'}`)])
    }
    const rate = Math.round(this.sent / seconds)
    const retries = this.retries > 0 ? `, ${this.retries} tried again` : ''
    return [
      table.toString(),
      `${this.sent} deliveries in ${seconds.toFixed(1)} s (${rate}/s)${retries}: ${
        this.isAsExpected ? 'every answer as expected.' : 'NOT every answer as expected.'
      }`,
      ...[...this.#unexpected].map(([what, count]) => `  ${count} × ${what}`),
      '',
    ].join('\n')
  }
}
