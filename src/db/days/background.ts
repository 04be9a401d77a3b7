import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Logger } from 'pino'
import type { Target } from '../../tables/target.ts'
import { sqlState } from '../commit/failure.ts'
import { type Progress, storeDays } from './store.ts'
import { zoneRules } from './zone-rules.ts'

/** Milliseconds to the first run, between two runs, and after a failure or while another process does it. */
const FIRST_PAUSE = 10_000
const PAUSE = 2_000
const LONG_PAUSE = 20_000

/** How much longer than a step the pause after it is, while there is more to do. Deliveries have the processors meanwhile. */
const REST = 3
const LONG_REST = 20

/** Milliseconds between two looks whether deliveries still wait, and how long they may put off a step. */
const WHILE_BUSY = 200
const LONGEST_WAIT = 60_000

/** Milliseconds after which the rules of time zones are read again. */
const RULES_FOR = 24 * 3_600_000

interface BackgroundOptions {
  readonly pool: pg.Pool
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** False: nothing is done (`MAINTENANCE=off`). */
  readonly isOn: boolean
  /** Whether deliveries of this process wait to be committed. */
  readonly isBusy: () => boolean
  readonly schema: string
  readonly targets: readonly Target[]
}

/** Keeps `stored_days` current while the service runs, on one replica at a time. */
export class DayKeeper {
  readonly #options: BackgroundOptions
  readonly #end = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #rules: { readonly hash: string; readonly until: number } | null = null
  #isComputing = false
  #lastStep = performance.now()

  constructor(options: BackgroundOptions) {
    this.#options = options
  }

  begin(): void {
    if (this.#options.isOn) this.#running = this.#run()
  }

  /** Waits for the transaction that is running. */
  async close(): Promise<void> {
    this.#end.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#end
    let pause = FIRST_PAUSE
    while (!signal.aborted) {
      await sleep(pause, undefined, { signal, ref: false }).catch(() => {})
      if (!signal.aborted) pause = await this.#pass()
    }
  }

  /** Returns the milliseconds until the next pass. */
  async #pass(): Promise<number> {
    const { log, pool, isBusy } = this.#options
    const started = performance.now()
    if (isBusy() && started - this.#lastStep < LONGEST_WAIT) return WHILE_BUSY
    this.#lastStep = started
    try {
      const client = await pool.connect()
      let progress: Progress
      try {
        progress = await this.#step(client)
        client.release()
      } catch (error) {
        client.release(error as Error)
        throw error
      }
      this.#tell(progress)
      if (progress === 'more' || progress === 'computing')
        return (isBusy() ? LONG_REST : REST) * (performance.now() - started)
      return progress === 'done' ? PAUSE : LONG_PAUSE
    } catch (error) {
      if (!this.#end.signal.aborted)
        log.warn(
          { code: sqlState(error), reason: (error as Error).message },
          'the days of user_days could not be stored; this will be retried',
        )
      return LONG_PAUSE
    }
  }

  async #step(client: pg.PoolClient): Promise<Progress> {
    const { schema, targets } = this.#options
    if (this.#rules === null || performance.now() > this.#rules.until)
      this.#rules = { hash: await zoneRules(client), until: performance.now() + RULES_FOR }
    return await storeDays(client, { schema, targets, rules: this.#rules.hash })
  }

  #tell(progress: Progress): void {
    const { log } = this.#options
    if (progress === 'computing' && !this.#isComputing)
      log.info('computing all days of user_days, to store them')
    if (progress === 'done' && this.#isComputing) log.info('all days of user_days are stored')
    if (progress === 'computing') this.#isComputing = true
    else if (progress === 'done') this.#isComputing = false
  }
}

/**
 * Stores days until every change is in them that was committed before, or until something has to be waited for. Returns whether
 * all days are stored, but for those of the last changes.
 */
export async function storeAllDays(
  client: pg.ClientBase,
  {
    schema,
    targets,
    signal,
  }: Pick<BackgroundOptions, 'schema' | 'targets'> & { readonly signal: AbortSignal },
): Promise<boolean> {
  const rules = await zoneRules(client)
  while (!signal.aborted) {
    const progress = await storeDays(client as pg.PoolClient, { schema, targets, rules })
    if (progress === 'done' || progress === 'waiting') break
  }
  const { rows } = await client.query('select stored_days_are_complete() as is')
  return rows[0].is
}
