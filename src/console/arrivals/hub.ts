import type pg from 'pg'
import { CHANGES } from '../../db/change-hint.ts'
import { connectDirect } from '../../db/connect/pool.ts'
import { idAtTime } from '../../db/uuid-time.ts'
import type { ConsoleContext } from '../context.ts'
import { inReading } from '../database.ts'
import { type DetailedArrival, withDetails } from './details.ts'
import { arrivalsSince } from './read.ts'

/** Milliseconds between two looks: at least, and if no hint comes. */
const SOONEST = 500
const LATEST = 2_000

/** A delivery may be committed this long after its arrival, in milliseconds; so a look reaches back that far. */
const OVERLAP = 30_000

/** Opens the connection that gives hints. Null if a pooler in transaction mode is in between. */
const connectForHints = (database: ConsoleContext['database']): Promise<pg.Client | null> =>
  connectDirect(database, { name: 'nightpost console hints', use: 'read' })

/** Takes deliveries, the oldest first. `isCut`: there were more, which are left out. */
export type Listener = (arrivals: readonly DetailedArrival[], isCut: boolean) => void

/**
 * Tells the open pages what arrived. It looks into the ledger when a commit gives a hint (`NOTIFY`), and by itself every two
 * seconds, in case the hint is lost or a pooler does not pass it on. Without an open page it does nothing.
 */
export class Hub {
  readonly #context: ConsoleContext
  readonly #connect: typeof connectForHints
  readonly #listeners = new Set<Listener>()
  /** When each delivery of the last looks was seen. */
  readonly #seen = new Map<string, number>()
  #hints: pg.Client | null = null
  #timer: NodeJS.Timeout | undefined
  #due = 0
  #lookedAt = 0
  #isLooking = false
  /** A hint came since the latest look began. */
  #isHinted = false
  /** Milliseconds from one look to the next, if there is a hint. It is longer after a look that had to leave arrivals out. */
  #pause = SOONEST

  constructor(context: ConsoleContext, connect = connectForHints) {
    this.#context = context
    this.#connect = connect
  }

  /**
   * Calls `listener` with what arrived after `since` or in the last seconds, and then with what arrives, until the returned
   * function is called. A delivery may be given twice: the page knows which it shows.
   */
  listen(listener: Listener, since: string | null): () => void {
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) void this.#takeHints()
    const recent = idAtTime(this.#context.now() - OVERLAP)
    void this.#read(since !== null && since < recent ? since : recent).then((found) => {
      if (found && this.#listeners.has(listener)) listener(found.arrivals, since !== null && found.isCut)
    })
    this.#look(LATEST)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) void this.close()
    }
  }

  async close(): Promise<void> {
    this.#listeners.clear()
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#seen.clear()
    const hints = this.#hints
    this.#hints = null
    await hints?.end().catch(() => {})
  }

  async #takeHints(): Promise<void> {
    try {
      const client = await this.#connect(this.#context.database)
      if (!client || this.#hints || this.#listeners.size === 0) return await client?.end()
      this.#hints = client
      client.on('notification', () => {
        this.#isHinted = true
        this.#look(this.#untilNext())
      })
      client.once('end', () => {
        if (this.#hints === client) this.#hints = null
      })
      await client.query(`listen ${CHANGES}`)
    } catch {
      // A standby can't listen, and a lost connection is no loss: it looks every two seconds.
    }
  }

  /** Milliseconds until the next look, counted from the beginning of the latest one. */
  #untilNext(): number {
    return this.#isHinted ? this.#pause - (Date.now() - this.#lookedAt) : LATEST
  }

  /** Looks after so many milliseconds, unless a look is due sooner. A look that runs arranges the next one itself. */
  #look(after: number): void {
    const due = Date.now() + Math.max(0, after)
    if (this.#isLooking || this.#listeners.size === 0 || (this.#timer && this.#due <= due)) return
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => void this.#tellNews(), due - Date.now()).unref()
  }

  async #tellNews(): Promise<void> {
    this.#timer = undefined
    this.#isLooking = true
    this.#isHinted = false
    this.#lookedAt = Date.now()
    const found = await this.#read(idAtTime(this.#context.now() - OVERLAP), this.#seen)
    const news = found?.arrivals ?? []
    // If an earlier look knew one of them, what it did not read is older still.
    const isCut = found?.isCut === true && !found.hasKnown && this.#seen.size > 0
    this.#pause = isCut ? LATEST : SOONEST
    for (const { deliveryId } of news) this.#seen.set(deliveryId, this.#lookedAt)
    for (const [id, at] of this.#seen) if (at < this.#lookedAt - 2 * OVERLAP) this.#seen.delete(id)
    if (news.length > 0) for (const listener of this.#listeners) listener(news, isCut)
    this.#isLooking = false
    this.#look(this.#untilNext())
  }

  /** What arrived after `since`, without the deliveries in `known`. */
  async #read(since: string, known: ReadonlyMap<string, unknown> = new Map()) {
    try {
      return await inReading(this.#context.pool, async (client) => {
        const { arrivals, isCut } = await arrivalsSince(client, since)
        const news = arrivals.filter(({ deliveryId }) => !known.has(deliveryId))
        const hasKnown = news.length < arrivals.length
        return { arrivals: await withDetails(client, this.#context, news), isCut, hasKnown }
      })
    } catch (error) {
      this.#context.log.warn(
        { code: (error as { code?: string }).code },
        'console: the latest arrivals are not known',
      )
      return null
    }
  }
}
