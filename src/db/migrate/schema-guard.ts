import type pg from 'pg'
import { type Delivery, type Receipt, type Store, Unavailable } from '../../ingest/delivery.ts'
import { breakingFault, readRecord } from './migration-record.ts'

/** Milliseconds between two looks. */
const EVERY = 2_000

/** Takes nothing more once a newer version has migrated the database in a way that this one can't work with. */
export class SchemaGuard {
  readonly #pool: Pick<pg.Pool, 'query'>
  readonly #timer: NodeJS.Timeout
  /** Why nothing is taken; null where it is. */
  fault: string | null = null

  constructor(pool: Pick<pg.Pool, 'query'>) {
    this.#pool = pool
    this.#timer = setInterval(() => void this.look(), EVERY).unref()
  }

  /** A database that does not answer is no news of its schema. */
  async look(): Promise<void> {
    const found = await readRecord(this.#pool).catch(() => undefined)
    if (found !== undefined) this.fault = breakingFault(found)
  }

  /** The same store, behind the guard. */
  before(store: Store): Store {
    return {
      commit: (delivery: Delivery): Promise<Receipt> =>
        this.fault === null ? store.commit(delivery) : Promise.reject(new Unavailable(this.fault)),
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
