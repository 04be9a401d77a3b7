import type { Receipt } from '../ingest/delivery.ts'

/** What a replay did: how many deliveries went from which outcome to which, and what is still wrong. */
export class Summary {
  /** `before → now` → deliveries. */
  readonly transitions = new Map<string, number>()
  /** Problem code → deliveries that have it now: rejected again, or partly stored. */
  readonly problems = new Map<string, number>()
  deliveries = 0
  /** Deliveries that are rejected, or that the database did not take. */
  failed = 0
  /** Rows that a rebuild made, changed or removed; null where nothing was rebuilt. */
  changedRows: number | null = null

  add(before: string, receipt: Receipt | 'unavailable' | 'unproven'): void {
    const now = typeof receipt === 'string' ? receipt : receipt.outcome
    this.deliveries += 1
    count(this.transitions, `${before} → ${now}`)
    if (now === 'rejected' || now === 'unavailable') this.failed += 1
    if (typeof receipt !== 'string' && receipt.problem) count(this.problems, receipt.problem.code)
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
