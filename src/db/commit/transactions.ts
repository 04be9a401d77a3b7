import type { Limits } from './limits.ts'

/** What the rule needs to know of the lanes (`queue.ts`). */
interface LaneNodes {
  readonly areMany: boolean
  readonly nodes: number
  nodeOf(lane: number): number
}

/** The group transactions that run at this moment, and the rule that says when another one may begin. */
export class Transactions {
  readonly #limits: Pick<Limits, 'writers' | 'laneWriters' | 'longTransaction'>
  readonly #lanes: LaneNodes
  /** Nodes on which the latest transaction was lost. */
  readonly #lost = new Set<number>()
  readonly #running = new Set<{
    readonly lane: number
    readonly deliveries: number
    readonly since: number
  }>()
  #timer: NodeJS.Timeout | undefined

  constructor(limits: Pick<Limits, 'writers' | 'laneWriters' | 'longTransaction'>, lanes: LaneNodes) {
    this.#limits = limits
    this.#lanes = lanes
  }

  get count(): number {
    return this.#running.size
  }

  get most(): number {
    return this.#lanes.areMany ? this.#limits.laneWriters : this.#limits.writers
  }

  get hasFreeWriter(): boolean {
    return this.#running.size < this.most
  }

  /**
   * Whether a transaction should begin for `queued` deliveries of a lane. Beside a running transaction of the lane it should only
   * if at least as many deliveries are queued as that one writes. Otherwise they are committed sooner, and at less cost,
   * together with those that arrive until it has ended. The same holds beside transactions of any lanes if there are `writers`
   * of them: more at a time make groups smaller. A transaction that takes long does not count: it may wait for a lock, or for
   * a node that is lost.
   */
  shouldBegin(queued: number, lane: number): boolean {
    if (queued === 0 || !this.#isNodeFree(lane)) return false
    const now = performance.now()
    const all = { count: 0, deliveries: 0, ofLane: 0 }
    for (const running of this.#running) {
      if (now - running.since >= this.#limits.longTransaction) continue
      all.count += 1
      all.deliveries += running.deliveries
      if (running.lane === lane) all.ofLane += running.deliveries
    }
    return queued >= (all.count < this.#limits.writers ? all.ofLane : all.deliveries)
  }

  /**
   * A node that does not answer holds up its transactions until their timeout. So no node gets all writers, and one on which a
   * transaction was lost gets one until it commits again.
   */
  #isNodeFree(lane: number): boolean {
    if (this.#lanes.nodes === 1) return true
    const node = this.#lanes.nodeOf(lane)
    let running = 0
    for (const each of this.#running) if (this.#lanes.nodeOf(each.lane) === node) running += 1
    return running < (this.#lost.has(node) ? 1 : Math.max(1, this.most - 1))
  }

  /** Notes whether a transaction of a lane was committed, or lost because its node, or the way to it, failed. */
  note(lane: number, isLost: boolean): void {
    if (this.#lanes.nodes === 1) return
    const node = this.#lanes.nodeOf(lane)
    if (isLost) this.#lost.add(node)
    else this.#lost.delete(node)
  }

  /** Runs one transaction, which counts as running until `write` has ended. */
  async run(lane: number, deliveries: number, write: () => Promise<void>): Promise<void> {
    const transaction = { lane, deliveries, since: performance.now() }
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
