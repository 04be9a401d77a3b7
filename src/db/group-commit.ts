import type pg from 'pg'
import { type Delivery, type Receipt, type Store, Unavailable } from '../ingest/delivery.ts'
import { problem } from '../problem.ts'
import { failureOf, sqlState } from './failure.ts'
import type { Client } from './plan.ts'

export interface Limits {
  /** Transactions at a time. A second one lets Postgres work while the first waits for the disk. */
  readonly writers: number
  /** A group takes no further delivery once it holds this much. */
  readonly groupDeliveries: number
  readonly groupRows: number
  readonly groupBytes: number
  /** What may wait; past it the answer is 503. */
  readonly waitingDeliveries: number
  readonly waitingBytes: number
  readonly waitingRows: number
  /** Milliseconds until a delivery that isn't committed is answered 503: Sahha waits for 30 s. */
  readonly answerWithin: number
}

export const defaultLimits: Limits = {
  writers: 2,
  groupDeliveries: 512,
  groupRows: 10_000,
  groupBytes: 8 * 2 ** 20,
  waitingDeliveries: 10_000,
  waitingBytes: 64 * 2 ** 20,
  waitingRows: 200_000,
  answerWithin: 25_000,
}

/** Writes a group as one transaction, and gives each delivery its receipt. */
export interface GroupWriter {
  write(client: Client, group: readonly Delivery[]): Promise<Receipt[]>
}

interface Waiting {
  delivery: Delivery
  readonly rows: number
  /** When the sender is told to come again, by the clock of `performance`. */
  readonly until: number
  /** The sender was told to come again: there is nobody to write it for. */
  isLate: boolean
  resolve(receipt: Receipt): void
  reject(error: Error): void
}

/** How often a group is tried that another transaction stands in the way of. */
const ATTEMPTS = 3

/**
 * Group commit: whoever finds a free writer takes all that waits, as one transaction. Nothing is delayed
 * to make a group larger; groups grow because deliveries arrive while the disk confirms the one before.
 */
export class GroupCommit implements Store {
  readonly #pool: Pick<pg.Pool, 'connect'>
  readonly #writer: GroupWriter
  readonly #limits: Limits
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #waitingRows = 0
  /** All that has no answer yet, the oldest first: what waits and what is being written. */
  readonly #pending = new Set<Waiting>()
  #sweeping: NodeJS.Timeout | undefined
  #active = 0
  #closing: (() => void) | null = null
  /** Transactions that were committed so far, and the deliveries in them. */
  readonly written = { groups: 0, deliveries: 0 }
  /** Told the size of each group once it is committed. */
  onCommit: (deliveries: number) => void = () => {}

  constructor(pool: Pick<pg.Pool, 'connect'>, writer: GroupWriter, limits: Limits = defaultLimits) {
    this.#pool = pool
    this.#writer = writer
    this.#limits = limits
  }

  /** What is there to do at this moment. */
  get load() {
    const { waitingDeliveries, waitingBytes, writers } = this.#limits
    return {
      queue: {
        deliveries: this.#waiting.length,
        bytes: this.#waitingBytes,
        maxDeliveries: waitingDeliveries,
        maxBytes: waitingBytes,
      },
      writers: { busy: this.#active, all: writers },
    }
  }

  /** Why nothing more is taken at this moment; null where it is. */
  get fault(): string | null {
    if (this.#closing) return 'Nightpost is shutting down.'
    const { waitingDeliveries, waitingBytes, waitingRows } = this.#limits
    const isFull =
      this.#waiting.length >= waitingDeliveries ||
      this.#waitingBytes >= waitingBytes ||
      this.#waitingRows >= waitingRows
    return isFull ? 'Too many deliveries are waiting.' : null
  }

  commit(delivery: Delivery): Promise<Receipt> {
    const fault = this.fault
    if (fault !== null) return Promise.reject(new Unavailable(fault))
    return new Promise((resolve, reject) => {
      const rows = delivery.verdict.rows.reduce((sum, into) => sum + into.rows.length, 1)
      const until = performance.now() + this.#limits.answerWithin
      const waiting = { delivery, rows, until, isLate: false, resolve, reject }
      this.#waiting.push(waiting)
      this.#pending.add(waiting)
      this.#sweeping ??= setInterval(
        () => this.#sweep(),
        Math.min(1000, this.#limits.answerWithin / 4),
      ).unref()
      this.#waitingBytes += delivery.arrival.body.length
      this.#waitingRows += rows
      if (this.#active < this.#limits.writers) void this.#work()
    })
  }

  /** Resolves when all that waits is committed; from now on nothing more is taken. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#closing = resolve
      if (this.#active === 0) resolve()
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

  async #work(): Promise<void> {
    this.#active += 1
    while (this.#waiting.length > 0) await this.#settle(this.#take())
    this.#active -= 1
    if (this.#active === 0) this.#closing?.()
  }

  #take(): Waiting[] {
    const { groupDeliveries, groupRows, groupBytes } = this.#limits
    let rows = 0
    let bytes = 0
    let count = 0
    for (const { delivery, rows: more } of this.#waiting) {
      rows += more
      bytes += delivery.arrival.body.length
      if (count > 0 && (count === groupDeliveries || rows > groupRows || bytes > groupBytes)) break
      this.#waitingBytes -= delivery.arrival.body.length
      this.#waitingRows -= more
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  /** Gives every delivery of the group its outcome; never throws. */
  async #settle(all: Waiting[]): Promise<void> {
    const group = all.filter(({ isLate }) => !isLate)
    if (group.length === 0) return
    try {
      const receipts = await this.#write(group.map(({ delivery }) => delivery))
      this.written.groups += 1
      this.written.deliveries += group.length
      this.onCommit(group.length)
      for (const [at, waiting] of group.entries()) {
        this.#pending.delete(waiting)
        waiting.resolve(receipts[at] as Receipt)
      }
    } catch (error) {
      const failure = failureOf(error)
      const [only] = group
      if (group.length > 1 && failure !== 'connection' && failure !== 'server') {
        // What is wrong with one delivery, or locked for it, is no reason to refuse its neighbours.
        const middle = Math.ceil(group.length / 2)
        await this.#settle(group.slice(0, middle))
        await this.#settle(group.slice(middle))
      } else if (failure === 'data' && only?.delivery.verdict.outcome === 'stored') {
        only.delivery = refused(only.delivery, error)
        await this.#settle([only])
      } else {
        const reason = new Unavailable('The database did not commit.', { cause: error })
        for (const waiting of group) {
          this.#pending.delete(waiting)
          waiting.reject(reason)
        }
      }
    }
  }

  async #write(group: Delivery[]): Promise<Receipt[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#transaction(group)
      } catch (error) {
        const failure = failureOf(error)
        const again = failure === 'conflict' ? attempt < ATTEMPTS : failure === 'connection' && attempt < 2
        if (!again) throw error
      }
    }
  }

  async #transaction(group: Delivery[]): Promise<Receipt[]> {
    const client = await this.#pool.connect()
    try {
      const receipts = await this.#writer.write(client, group)
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

/** The rows passed the schema, but Postgres refuses one of them: the body is kept for a replay. */
function refused(delivery: Delivery, error: unknown): Delivery {
  const detail = `The body fits its event, but the database refused its rows (${sqlState(error) ?? 'unwritable'}).`
  const verdict = {
    ...delivery.verdict,
    outcome: 'rejected',
    problem: problem('invalid_body', detail),
    rows: [],
  } as const
  return { ...delivery, verdict }
}
