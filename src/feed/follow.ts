import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { CHANGES } from '../db/change-hint.ts'
import { type Change, cursorOfNow, FeedError, readPage } from './page.ts'
import { Standstill } from './standstill.ts'

/** Milliseconds between two looks without a hint, and before the next try after a lost connection. */
const POLL = 1_000

/** Changes that one statement reads. */
const PAGE = 1_000

export interface FollowOptions {
  readonly connect: () => Promise<pg.Client>
  /** A cursor, `now`, or null for the beginning. */
  readonly since: string | null
  /** Waits for more at the end of the feed. */
  readonly isEndless: boolean
  readonly maxRows?: number | undefined
  /** Takes changes, with the cursor after them. Also called with no change, when a cursor is known before the first change. */
  readonly take: (changes: readonly Change[], cursor: string) => Promise<void>
  readonly warn: (message: string) => void
  readonly signal: AbortSignal
}

/** Reads the feed until its end, or until `signal`. If it is endless, it connects again after a lost connection. */
export async function follow(options: FollowOptions): Promise<void> {
  const reader = new Reader(options)
  let isLost = false
  while (!options.signal.aborted) {
    try {
      await reader.read(() => {
        isLost = false
      })
      return
    } catch (error) {
      if (!options.isEndless || error instanceof FeedError || !isOfConnection(error)) throw error
      if (!isLost) options.warn(`The database does not answer (${(error as Error).message}). Trying again.`)
      isLost = true
      await sleep(POLL, undefined, { signal: options.signal }).catch(() => {})
    }
  }
}

/** Postgres' classes 08 (connection), 57P (shutdown) and 53 (no resources), or an error of the socket. */
function isOfConnection(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string }
  return code === undefined ? /connection/i.test(message ?? '') : /^(08|57P|53|E[A-Z]+$)/.test(code)
}

class Reader {
  readonly #options: FollowOptions
  readonly #standstill = new Standstill()
  #cursor: string | null
  #left: number

  constructor(options: FollowOptions) {
    this.#options = options
    this.#cursor = options.since
    this.#left = options.maxRows ?? Number.POSITIVE_INFINITY
  }

  /** Reads over one connection until the end of the feed, or of the connection. */
  async read(onAnswer: () => void): Promise<void> {
    const { connect, take, isEndless, signal } = this.#options
    const client = await connect()
    let isHinted = false
    let wake = () => {}
    const hint = () => {
      isHinted = true
      wake()
    }
    client.on('notification', hint).once('end', hint)
    signal.addEventListener('abort', hint)
    try {
      // A standby can't listen. Then the feed is asked every second.
      if (isEndless) await client.query(`listen ${CHANGES}`).catch(() => {})
      if (this.#cursor === 'now') {
        this.#cursor = await cursorOfNow(client)
        await take([], this.#cursor)
      }
      while (!signal.aborted && this.#left > 0) {
        const wanted = Math.min(PAGE, this.#left)
        isHinted = false
        const page = await readPage(client, this.#cursor, wanted)
        onAnswer()
        await this.#take(page)
        if (page.length === wanted) continue
        await this.#warnOfStandstill(client)
        if (!isEndless) return
        if (isHinted) continue
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, POLL)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
    } finally {
      signal.removeEventListener('abort', hint)
      await client.end().catch(() => {})
    }
  }

  async #take(page: readonly Change[]): Promise<void> {
    const last = page.at(-1)
    if (!last) return
    await this.#options.take(page, last.cursor)
    this.#cursor = last.cursor
    this.#left -= page.length
  }

  async #warnOfStandstill(client: pg.ClientBase): Promise<void> {
    const warning = await this.#standstill.look(client)
    if (warning !== null) this.#options.warn(warning)
  }
}
