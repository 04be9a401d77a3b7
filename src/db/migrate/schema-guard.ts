import type pg from 'pg'
import { breakingFault, readRecord } from './migration-record.ts'

/** Milliseconds between two checks. */
const INTERVAL = 2_000

/** Makes a store refuse deliveries after a newer version has applied a migration that this version can't work with. */
export class SchemaGuard {
  readonly #pool: Pick<pg.Pool, 'query'>
  readonly #store: { refusal: string | null }
  readonly #timer: NodeJS.Timeout

  constructor(pool: Pick<pg.Pool, 'query'>, store: { refusal: string | null }) {
    this.#pool = pool
    this.#store = store
    this.#timer = setInterval(() => void this.look(), INTERVAL).unref()
  }

  /** Checks the migrations. If the database does not answer, the last result stays. */
  async look(): Promise<void> {
    const found = await readRecord(this.#pool).catch(() => undefined)
    if (found !== undefined) this.#store.refusal = breakingFault(found)
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
