import type pg from 'pg'
import { type Delivery, type Receipt, type Store, Unavailable } from '../../ingest/delivery.ts'
import { rejectAfterFault, rejectRefusedRows } from '../../ingest/rejection.ts'
import type { TimeLimits } from '../connect/transaction.ts'
import type { Client } from '../write/plan.ts'
import { goRound } from './detour.ts'
import { failureOf, sqlState } from './failure.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { Queue, type Waiting } from './queue.ts'

/** Writes a group as one transaction, and gives each delivery its receipt. */
export interface GroupWriter {
  write(client: Client, group: readonly Delivery[], limits?: TimeLimits): Promise<Receipt[]>
}

/** How often a group is tried that another transaction stands in the way of. */
const ATTEMPTS = 3

/**
 * Group commit: whoever finds a free writer takes all that waits, as one transaction. On an idle store nothing
 * waits to make a group larger; groups grow because deliveries arrive while those before them are written.
 */
export class GroupCommit implements Store {
  readonly #pool: Pick<pg.Pool, 'connect'>
  readonly #writer: GroupWriter
  readonly #limits: Limits
  readonly #queue: Queue
  /** All that has no answer yet, the oldest first: what waits and what is being written. */
  readonly #pending = new Set<Waiting>()
  #sweeping: NodeJS.Timeout | undefined
  /** When the last answer is due, by the clock of `performance`. */
  #end = Number.POSITIVE_INFINITY
  #waking: NodeJS.Timeout | undefined
  /** The groups that are being written, and since when. */
  readonly #running = new Set<{ readonly deliveries: number; readonly since: number }>()
  #closing: (() => void) | null = null
  /** Transactions that were committed so far, and the deliveries in them. */
  readonly written = { groups: 0, deliveries: 0 }
  /** Told the size of each group once it is committed. */
  onCommit: (deliveries: number) => void = () => {}
  /** Told of an error of Nightpost's own code. */
  onFault: (error: Error) => void = () => {}

  constructor(pool: Pick<pg.Pool, 'connect'>, writer: GroupWriter, limits: Limits = defaultLimits) {
    this.#pool = pool
    this.#writer = writer
    this.#limits = limits
    this.#queue = new Queue(limits)
  }

  /** What is there to do at this moment. */
  get load() {
    const { writers } = this.#limits
    return { queue: this.#queue.load, writers: { busy: this.#running.size, all: writers } }
  }

  /** Why nothing more is taken at this moment; null where it is. */
  get fault(): string | null {
    if (this.#closing || performance.now() > this.#end) return 'Nightpost is shutting down.'
    return this.#queue.isFull ? 'Too many deliveries are waiting.' : null
  }

  commit(delivery: Delivery): Promise<Receipt> {
    const fault = this.fault
    if (fault !== null) return Promise.reject(new Unavailable(fault))
    return new Promise((resolve, reject) => {
      const { answerWithin } = this.#limits
      const until = Math.min(performance.now() + answerWithin, this.#end)
      this.#pending.add(this.#queue.push({ delivery, until, isLate: false, resolve, reject }))
      this.#sweeping ??= setInterval(() => this.#sweep(), Math.min(1000, answerWithin / 4)).unref()
      this.#begin()
    })
  }

  /** In so many milliseconds every delivery is answered, and no further one is taken. */
  hurry(milliseconds: number): void {
    this.#end = Math.min(this.#end, performance.now() + milliseconds)
    for (const waiting of this.#pending) waiting.until = Math.min(waiting.until, this.#end)
    setTimeout(() => this.#sweep(), milliseconds + 1).unref()
  }

  /** Resolves when all that waits is committed; from now on nothing more is taken. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#closing = resolve
      if (this.#running.size === 0) resolve()
    })
  }

  /** One timer looks after all: one for each delivery would show in its cost. */
  #sweep(): void {
    const now = performance.now()
    for (const waiting of this.#pending) {
      if (waiting.until > now) break
      waiting.isLate = true
      this.#pending.delete(waiting)
      waiting.reject(new Unavailable('The database did not commit in time.'))
    }
    if (this.#pending.size > 0) return
    clearInterval(this.#sweeping)
    this.#sweeping = undefined
  }

  #begin(): void {
    if (this.#running.size === this.#limits.writers) return
    if (this.#isWorthwhile()) void this.#work()
    else if (this.#queue.length > 0)
      this.#waking ??= setTimeout(() => this.#wake(), this.#limits.longTransaction)
  }

  /** What waits may be held up by a transaction that is, with nobody coming after it. */
  #wake(): void {
    this.#waking = undefined
    this.#begin()
  }

  /**
   * Whether what waits is worth a transaction of its own: there must be as much of it as is being written.
   * Less is committed sooner and cheaper with all that comes until a writer is free. A transaction that
   * takes long, behind a lock perhaps, is no reason to wait.
   */
  #isWorthwhile(): boolean {
    if (this.#queue.length === 0) return false
    let writing = 0
    for (const { deliveries, since } of this.#running) {
      if (performance.now() - since < this.#limits.longTransaction) writing += deliveries
    }
    return this.#queue.length >= writing
  }

  async #work(): Promise<void> {
    while (this.#isWorthwhile()) {
      const group = this.#queue.take()
      const running = { deliveries: group.length, since: performance.now() }
      this.#running.add(running)
      await this.#settle(group)
      this.#running.delete(running)
    }
    this.#begin()
    if (this.#running.size === 0) this.#closing?.()
  }

  /** Gives every delivery of the group its outcome, or puts it back into the queue; never throws. */
  async #settle(all: Waiting[]): Promise<void> {
    const group = all.filter(({ isLate }) => !isLate)
    if (group.length === 0) return
    try {
      await this.#write(group)
    } catch (error) {
      const [only] = group
      const failure = failureOf(error)
      if (failure === 'connection') this.#turnAway(group, error)
      else if (only && group.length === 1) await this.#refuse(only, error)
      else await this.#goRound(group, error)
    }
  }

  /** What is wrong with one delivery, or locked for it, is no reason to refuse its neighbours. */
  async #goRound(group: Waiting[], cause: unknown): Promise<void> {
    const left = await goRound(group, cause, {
      write: (part, limits) => this.#write(part, limits),
      refuse: (waiting, error, limits) => this.#refuse(waiting, error, limits),
    })
    // A lock will be let go: what it kept from being tried waits for that, behind all that came meanwhile.
    if (failureOf(left.error) === 'locked') for (const waiting of left.deliveries) this.#queue.push(waiting)
    else this.#turnAway(left.deliveries, left.error)
  }

  /** Answers a delivery that fails by itself. */
  async #refuse(waiting: Waiting, error: unknown, limits?: TimeLimits): Promise<void> {
    const failure = failureOf(error)
    if (failure === 'fault') this.onFault(error as Error)
    const isKept =
      waiting.delivery.verdict.outcome === 'stored' && (failure === 'data' || failure === 'fault')
    if (isKept) {
      waiting.delivery =
        failure === 'data'
          ? rejectRefusedRows(waiting.delivery, sqlState(error))
          : rejectAfterFault(waiting.delivery)
      await this.#write([waiting], limits).catch((again) => this.#turnAway([waiting], again))
    } else if (failure === 'fault') {
      this.#pending.delete(waiting)
      waiting.reject(error as Error)
    } else this.#turnAway([waiting], error)
  }

  #turnAway(group: Waiting[], cause: unknown): void {
    if (group.length === 0) return
    const reason = new Unavailable('The database did not commit.', { cause })
    for (const waiting of group) {
      this.#pending.delete(waiting)
      waiting.reject(reason)
    }
  }

  async #write(group: Waiting[], limits?: TimeLimits): Promise<void> {
    const receipts = await this.#attempt(group, limits)
    this.written.groups += 1
    this.written.deliveries += group.length
    this.onCommit(group.length)
    for (const [at, waiting] of group.entries()) {
      this.#pending.delete(waiting)
      waiting.resolve(receipts[at] as Receipt)
    }
  }

  async #attempt(group: Waiting[], limits?: TimeLimits): Promise<Receipt[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#transaction(
          group.map(({ delivery }) => delivery),
          limits,
        )
      } catch (error) {
        const failure = failureOf(error)
        const again = failure === 'conflict' ? attempt < ATTEMPTS : failure === 'connection' && attempt < 2
        if (!again || group.every(({ isLate }) => isLate)) throw error
      }
    }
  }

  async #transaction(group: Delivery[], limits?: TimeLimits): Promise<Receipt[]> {
    const client = await this.#pool.connect()
    try {
      const receipts = await this.#writer.write(client, group, limits)
      client.release()
      return receipts
    } catch (error) {
      const rolledBack = failureOf(error) !== 'connection' && (await rollback(client))
      client.release(!rolledBack)
      throw error
    }
  }
}

async function rollback(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query('rollback')
    return true
  } catch {
    return false
  }
}
