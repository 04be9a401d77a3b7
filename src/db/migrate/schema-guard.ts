import type pg from 'pg'
import { type Delivery, type Receipt, type Store, Unavailable } from '../../ingest/delivery.ts'
import { breakingFault, readRecord } from './migration-record.ts'

/** Milliseconds between two checks. */
const INTERVAL = 2_000

/** Refuses deliveries after a newer version has applied a migration that this version can't work with. */
export class SchemaGuard {
  readonly #pool: Pick<pg.Pool, 'query'>
  readonly #timer: NodeJS.Timeout
  /** Why deliveries are refused; null if they are accepted. */
  fault: string | null = null

  constructor(pool: Pick<pg.Pool, 'query'>) {
    this.#pool = pool
    this.#timer = setInterval(() => void this.look(), INTERVAL).unref()
  }

  /** Checks the migrations. If the database does not answer, the last result stays. */
  async look(): Promise<void> {
    const found = await readRecord(this.#pool).catch(() => undefined)
    if (found !== undefined) this.fault = breakingFault(found)
  }

  /** Returns a store that refuses deliveries with `Unavailable` while there is a fault. */
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
