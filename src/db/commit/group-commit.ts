import type pg from 'pg'
import { commitChannel, type DeliveryTrace, traced } from '../../contract/channels.ts'
import { type Delivery, type Receipt, type Store, Unavailable } from '../../ingest/delivery.ts'
import { rejectAfterFault, rejectRefusedRows } from '../../ingest/rejection.ts'
import { rollBack, type TimeLimits } from '../connect/transaction.ts'
import type { Client } from '../write/plan.ts'
import { failureOf, isLost, LOST_NODE, sqlState } from './failure.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { Deadlines, type Group, type Lanes, laneOf, ONE_LANE, type PendingDelivery, Queue } from './queue.ts'
import { splitGroup } from './split-group.ts'
import { Transactions } from './transactions.ts'

/** Writes a group as one transaction and returns the receipt of each delivery, in the same order. */
export interface GroupWriter {
  write(client: Client, group: readonly Delivery[], limits?: TimeLimits): Promise<Receipt[]>
}

/** How often a group is tried that is in conflict with another transaction. */
const ATTEMPTS = 3

/**
 * Group commit: a writer that becomes free commits all queued deliveries of a lane as one transaction, up to a limit. Nothing
 * waits to make a group larger. Groups grow because deliveries arrive while the group before them is written. On plain
 * Postgres there is one lane.
 *
 * The states of a delivery:
 *
 *    commit()            takeGroup()             committed
 *   ──────────▶ QUEUED ─────────────▶ WRITING ─────────────▶ ANSWERED with its receipt
 *                 ▲                      │
 *                 │                      │ the transaction failed
 *                 │                      ▼
 *                 │ not tried yet,    SPLIT ── committed in a smaller group ──▶ ANSWERED with its receipt
 *                 │ behind a lock        │
 *                 └──────────────────────┤
 *                                        ├── its rows are refused ──────────▶ WRITING again, as `rejected`
 *                                        └── it is locked, the server fails ▶ ANSWERED with `Unavailable`
 *
 *   WRITING ── the connection is lost twice ──▶ ANSWERED with `Unavailable`. A group of one delivery is not split.
 *
 *   QUEUED, WRITING, SPLIT ── the deadline passes ──▶ EXPIRED: answered with `Unavailable`. It is not written, unless
 *                                                     its transaction was running already.
 *
 * The states of the store:
 *
 *   OPEN ── shortenDeadlines(ms) ──▶ ENDING, takes deliveries for ms ── close() ──▶ CLOSING, takes none
 *                                                                                       │ no transaction runs
 *                                                                                       ▼
 *                                                                                     CLOSED
 */
export class GroupCommit implements Store {
  readonly #pool: Pick<pg.Pool, 'connect'>
  readonly #writer: GroupWriter
  readonly #lanes: Lanes
  readonly #queue: Queue
  readonly #deadlines: Deadlines
  readonly #transactions: Transactions
  /** Called when the store is closed; null until `close` is called. */
  #onClosed: (() => void) | null = null
  /** Transactions that were committed so far, and the deliveries in them. */
  readonly written = { groups: 0, deliveries: 0 }
  /** Why every delivery is refused, set from outside (`SchemaGuard`); null if they are taken. */
  refusal: string | null = null
  /** Called with the number of deliveries of each committed group. */
  onCommit: (deliveries: number) => void = () => {}
  /** Called with an error of Nightpost's own code, and the trace of the delivery that it concerns. */
  onFault: (error: Error, trace?: DeliveryTrace) => void = () => {}

  constructor(
    pool: Pick<pg.Pool, 'connect'>,
    writer: GroupWriter,
    limits: Limits = defaultLimits,
    lanes: Lanes = ONE_LANE,
  ) {
    this.#pool = pool
    this.#writer = writer
    this.#lanes = lanes
    this.#queue = new Queue(limits, lanes)
    this.#deadlines = new Deadlines(limits.answerWithin)
    this.#transactions = new Transactions(limits, lanes)
  }

  /** What is queued and what is written at this moment, with the limits of each. */
  get load() {
    const { count, most } = this.#transactions
    return { queue: this.#queue.load, writers: { busy: count, all: most } }
  }

  /** Why the store takes no delivery at this moment; null if it does. */
  get fault(): string | null {
    if (this.#onClosed || this.#deadlines.areOver) return 'Nightpost is shutting down.'
    return this.#queue.isFull ? 'Too many deliveries are waiting.' : null
  }

  commit(delivery: Delivery): Promise<Receipt> {
    const fault = this.refusal ?? this.fault
    if (fault !== null) return Promise.reject(new Unavailable(fault))
    return new Promise((resolve, reject) => {
      const pending = { delivery, deadline: this.#deadlines.next(), isExpired: false, resolve, reject }
      this.#queue.push(pending)
      this.#deadlines.add(pending)
      this.#beginIfWorthwhile()
    })
  }

  /** Answers every delivery within `milliseconds`, and takes none after that. */
  shortenDeadlines(milliseconds: number): void {
    this.#deadlines.shorten(milliseconds)
  }

  /** Takes no more deliveries; resolves when all that were queued are answered. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#onClosed = resolve
      if (this.#transactions.count === 0) resolve()
    })
  }

  #beginIfWorthwhile(): void {
    while (this.#transactions.hasFreeWriter) {
      const group = this.#takeGroup()
      if (!group) {
        if (this.#queue.length > 0) this.#transactions.askAgainLater(() => this.#beginIfWorthwhile())
        return
      }
      void this.#runWriter(group)
    }
  }

  #takeGroup(): Group | null {
    return this.#queue.takeGroup((queued, lane) => this.#transactions.shouldBegin(queued, lane))
  }

  /** One writer: writes group after group as long as that is useful. */
  async #runWriter(first: Group): Promise<void> {
    for (let group: Group | null = first; group; group = this.#takeGroup()) {
      const { lane, deliveries } = group
      await this.#transactions.run(lane, deliveries.length, () => this.#settleGroup(deliveries))
    }
    this.#beginIfWorthwhile()
    if (this.#transactions.count === 0) this.#onClosed?.()
  }

  /** Answers every delivery of the group, or puts it back into the queue. Never throws. */
  async #settleGroup(taken: PendingDelivery[]): Promise<void> {
    const group = taken.filter(({ isExpired }) => !isExpired)
    if (group.length === 0) return
    try {
      await this.#commitAndAnswer(group)
    } catch (error) {
      const [only] = group
      if (failureOf(error) === 'connection') this.#answerUnavailable(group, error)
      else if (only && group.length === 1) await this.#writeAsFailed(only, error)
      else await this.#split(group, error)
    }
  }

  /** Finds the deliveries that make the group fail. Their neighbours are committed. */
  async #split(group: PendingDelivery[], cause: unknown): Promise<void> {
    const { unwritten, error } = await splitGroup(group, cause, {
      write: (part, limits) => this.#commitAndAnswer(part, limits),
      writeAsFailed: (pending, error, limits) => this.#writeAsFailed(pending, error, limits),
    })
    // Deliveries that the search did not reach because of a lock return to the end of the queue.
    if (failureOf(error) === 'locked') for (const pending of unwritten) this.#queue.push(pending)
    else this.#answerUnavailable(unwritten, error)
  }

  /** Keeps a delivery that fails by itself as `rejected` if it causes the failure; otherwise answers 503. */
  async #writeAsFailed(pending: PendingDelivery, error: unknown, limits?: TimeLimits): Promise<void> {
    const failure = failureOf(error)
    if (failure === 'fault') this.onFault(error as Error, pending.delivery.trace)
    const isCausedByDelivery = failure === 'data' || failure === 'fault'
    if (isCausedByDelivery && pending.delivery.verdict.outcome === 'stored') {
      pending.delivery =
        failure === 'data'
          ? rejectRefusedRows(pending.delivery, sqlState(error))
          : rejectAfterFault(pending.delivery)
      await this.#commitAndAnswer([pending], limits).catch((again) =>
        this.#answerUnavailable([pending], again),
      )
    } else if (failure === 'fault') this.#reject(pending, error as Error)
    else this.#answerUnavailable([pending], error)
  }

  #answerUnavailable(group: PendingDelivery[], cause: unknown): void {
    if (group.length === 0) return
    const reason = new Unavailable('The database did not commit.', { cause })
    for (const pending of group) this.#reject(pending, reason)
  }

  #reject(pending: PendingDelivery, error: Error): void {
    this.#deadlines.remove(pending)
    pending.reject(error)
  }

  /** Commits the group and answers each of its deliveries. */
  async #commitAndAnswer(group: PendingDelivery[], limits?: TimeLimits): Promise<void> {
    const receipts = await this.#commitWithRetries(group, limits)
    this.written.groups += 1
    this.written.deliveries += group.length
    this.onCommit(group.length)
    for (const [at, pending] of group.entries()) {
      this.#deadlines.remove(pending)
      pending.resolve(receipts[at] as Receipt)
    }
  }

  /** Retries after a conflict, and once after a lost connection: every write is idempotent. */
  async #commitWithRetries(group: PendingDelivery[], limits?: TimeLimits): Promise<Receipt[]> {
    const deliveries = () => group.map(({ delivery }) => delivery)
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#tryCommit(deliveries(), limits)
      } catch (error) {
        const failure = failureOf(error)
        const isRetried =
          failure === 'conflict' ? attempt < ATTEMPTS : failure === 'connection' && attempt < 2
        if (!isRetried || group.every(({ isExpired }) => isExpired)) throw error
      }
    }
  }

  #tryCommit(group: Delivery[], limits?: TimeLimits): Promise<Receipt[]> {
    if (!commitChannel.hasSubscribers) return this.#runTransaction(group, limits)
    const trace = { deliveries: group.flatMap((delivery) => delivery.trace ?? []), size: group.length }
    return traced(commitChannel, trace, () => this.#runTransaction(group, limits))
  }

  async #runTransaction(group: Delivery[], limits?: TimeLimits): Promise<Receipt[]> {
    const lane = laneOf(this.#lanes, group[0]?.verdict.owner ?? '')
    const client = await this.#pool.connect()
    try {
      const receipts = await this.#writer.write(client, group, limits)
      this.#transactions.note(lane, false)
      client.release()
      return receipts
    } catch (error) {
      this.#transactions.note(lane, isLost(error))
      // The coordinator of Citus reports that it has lost a node. The connection to the coordinator is kept.
      const isKept = failureOf(error) !== 'connection' || sqlState(error) === LOST_NODE
      const isRolledBack = isKept && (await rollBack(client))
      client.release(!isRolledBack)
      throw error
    }
  }
}
