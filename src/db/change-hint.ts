import type pg from 'pg'

/** The channel of the hint that the change feed may have more. */
export const CHANGES = 'nightpost_changes'

/** Milliseconds between two hints of a process. */
const PAUSE = 100

/**
 * Tells listeners that the change feed may have more: `NOTIFY nightpost_changes`, after the commit and apart from it. Many
 * commits share one hint. A hint that fails is lost without a word, because readers also ask by themselves.
 */
export class ChangeHint {
  readonly #pool: Pick<pg.Pool, 'query'>
  #timer: NodeJS.Timeout | undefined
  #sentAt = 0
  #sending: Promise<void> = Promise.resolve()

  constructor(pool: Pick<pg.Pool, 'query'>) {
    this.#pool = pool
  }

  /** A transaction was committed. */
  give(): void {
    if (this.#timer) return
    const wait = Math.max(0, this.#sentAt + PAUSE - Date.now())
    this.#timer = setTimeout(() => this.#send(), wait).unref()
  }

  /** Sends the hint that is due. */
  async close(): Promise<void> {
    if (this.#timer) this.#send()
    await this.#sending
  }

  #send(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#sentAt = Date.now()
    this.#sending = sendHint(this.#pool)
  }
}

export async function sendHint(client: Pick<pg.Pool | pg.ClientBase, 'query'>): Promise<void> {
  await client.query(`notify ${CHANGES}`).catch(() => {})
}
