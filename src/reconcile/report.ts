/** Why a record was pulled, or why its row stays. */
export type Reason = 'missing' | 'differing' | 'kept'

/** Records of one owner and event with one reason. */
export interface Found {
  readonly owner: string
  readonly event: string
  readonly reason: Reason
  readonly records: number
}

/** How a run ended. */
export type RunOutcome = 'complete' | 'incomplete' | 'failed'

/** What a run of one vendor found and did. */
export class ReconcileReport {
  readonly vendor: string
  readonly #found = new Map<string, { owner: string; event: string; reason: Reason; records: number }>()
  /** Deliveries that were committed, by event and outcome. */
  readonly committed = new Map<string, { event: string; outcome: string; count: number }>()
  /** What failed in the end, by a text without data. */
  readonly failures = new Map<string, number>()
  /** What a vendor's code counts, and `erased`, `same`. */
  readonly notes = new Map<string, number>()
  /** Owners of whom the vendor received data after their last delivery. */
  readonly behind = new Set<string>()
  outcome: RunOutcome = 'complete'
  reason: string | null = null
  people = 0
  calls = 0
  suspectDays = 0

  constructor(vendor: string) {
    this.vendor = vendor
  }

  /** Counts a record that is missing, differs, or stays as it is. */
  find(owner: string, event: string, reason: Reason): void {
    const key = `${reason} ${event} ${owner}`
    const found = this.#found.get(key) ?? { owner, event, reason, records: 0 }
    found.records += 1
    this.#found.set(key, found)
  }

  /** Counts a delivery that was committed. */
  commit(event: string, outcome: string): void {
    const key = `${event} ${outcome}`
    const committed = this.committed.get(key) ?? { event, outcome, count: 0 }
    committed.count += 1
    this.committed.set(key, committed)
  }

  /** Counts a failure. `what` is a text without data. */
  fail(what: string): void {
    this.failures.set(what, (this.failures.get(what) ?? 0) + 1)
  }

  /** Counts what is neither found nor a failure. */
  note(what: string, count = 1): void {
    this.notes.set(what, (this.notes.get(what) ?? 0) + count)
  }

  /** Ends the run early. The first reason counts. */
  end(outcome: RunOutcome, reason: string): void {
    if (this.outcome !== 'complete') return
    this.outcome = outcome
    this.reason = reason
  }

  get found(): readonly Found[] {
    return [...this.#found.values()]
  }

  /** Records with a reason. */
  count(reason: Reason): number {
    return this.found.reduce((sum, found) => (found.reason === reason ? sum + found.records : sum), 0)
  }

  /** The records by event and reason. */
  get byEvent(): ReadonlyArray<{ event: string; reason: Reason; records: number; owners: number }> {
    const sums = new Map<string, { event: string; reason: Reason; records: number; owners: number }>()
    for (const { event, reason, records } of this.found) {
      const sum = sums.get(`${event} ${reason}`) ?? { event, reason, records: 0, owners: 0 }
      sum.records += records
      sum.owners += 1
      sums.set(`${event} ${reason}`, sum)
    }
    return [...sums.values()].sort((a, b) => (`${a.event} ${a.reason}` < `${b.event} ${b.reason}` ? -1 : 1))
  }

  /** Deliveries of the run that were stored. */
  get pulled(): number {
    return [...this.committed.values()].reduce(
      (sum, one) => (one.outcome === 'stored' ? sum + one.count : sum),
      0,
    )
  }

  get failed(): number {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0)
  }
}
