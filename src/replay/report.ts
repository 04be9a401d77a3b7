import type { Receipt } from '../ingest/delivery.ts'

/** What a replay did: the number of deliveries by old and new outcome, and what still fails. */
export class ReplayReport {
  /** Number of deliveries by `old outcome → new outcome`. */
  readonly transitions = new Map<string, number>()
  /** Number of deliveries by problem code, of those that are rejected again or partly stored. */
  readonly problems = new Map<string, number>()
  deliveries = 0
  /** Deliveries that are rejected, or that were not committed. */
  failed = 0
  /** Rows that a rebuild added, changed or removed; null if nothing was rebuilt. */
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
