import type { Limits } from './limits.ts'

/** The group transactions that run at this moment, and the rule that says when another one may begin. */
export class Transactions {
  readonly #limits: Pick<Limits, 'writers' | 'longTransaction'>
  readonly #running = new Set<{ readonly deliveries: number; readonly since: number }>()
  #timer: NodeJS.Timeout | undefined

  constructor(limits: Pick<Limits, 'writers' | 'longTransaction'>) {
    this.#limits = limits
  }

  get count(): number {
    return this.#running.size
  }

  get hasFreeWriter(): boolean {
    return this.#running.size < this.#limits.writers
  }

  /**
   * Whether a transaction should begin for `queued` deliveries. Beside a running transaction it should only if at least
   * as many deliveries are queued as that one writes. Otherwise they are committed sooner, and at less cost, together
   * with those that arrive until a writer is free. A transaction that takes long does not count: it may wait for a lock.
   */
  shouldBegin(queued: number): boolean {
    if (queued === 0) return false
    let writing = 0
    for (const { deliveries, since } of this.#running) {
      if (performance.now() - since < this.#limits.longTransaction) writing += deliveries
    }
    return queued >= writing
  }

  /** Runs one transaction, which counts as running until `write` has ended. */
  async run(deliveries: number, write: () => Promise<void>): Promise<void> {
    const transaction = { deliveries, since: performance.now() }
    this.#running.add(transaction)
    await write()
    this.#running.delete(transaction)
  }

  /** Calls `begin` once the transactions that run now count as long, in case no delivery arrives that would ask again. */
  askAgainLater(begin: () => void): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      begin()
    }, this.#limits.longTransaction)
  }
}
