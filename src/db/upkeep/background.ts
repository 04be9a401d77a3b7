import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Logger } from 'pino'
import { sqlState } from '../commit/failure.ts'
import { resetSession } from '../migrate/migrate.ts'
import { type MaintainOptions, maintain, oldestBody } from './maintain.ts'
import { databaseTime, daysAhead } from './partitions.ts'
import { type LedgerSizes, ledgerSizes } from './sizes.ts'

/** Milliseconds from the start to the first run, and between two runs. */
const FIRST_PAUSE = 10_000
const PAUSE = 10 * 60_000

/** Milliseconds that a run has to end when the service stops. */
const LAST_TRANSACTION = 5_000

export interface LedgerState {
  readonly sizes: LedgerSizes
  /** Whole days for which partitions stand ready. */
  readonly daysAhead: number
  /** Seconds since the beginning of the oldest day or week that has bodies; null if there are none. */
  readonly oldestBodySeconds: number | null
}

interface BackgroundOptions {
  /** Opens a connection that keeps its session. Returns null if a pooler in transaction mode is in between. */
  readonly connect: () => Promise<pg.Client | null>
  readonly pool: pg.Pool
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** False: only the state is read (`MAINTENANCE=off`). */
  readonly isOn: boolean
  readonly options: Omit<MaintainOptions, 'log' | 'signal'>
}

/** Does the ledger's upkeep while the service runs, on one replica at a time, and reads the ledger's sizes for the metrics. */
export class Upkeep {
  readonly #options: BackgroundOptions
  readonly #end = new AbortController()
  #client: pg.Client | undefined
  #running: Promise<void> = Promise.resolve()
  /** As the last run found it; null before the first. */
  state: LedgerState | null = null

  constructor(options: BackgroundOptions) {
    this.#options = options
  }

  begin(): void {
    this.#running = this.#run()
  }

  /** Ends a run between two of its transactions, or in a long one, such as a sort. The next run continues. */
  async close(): Promise<void> {
    this.#end.abort()
    const timer = setTimeout(() => void this.#client?.end().catch(() => {}), LAST_TRANSACTION)
    await this.#running
    clearTimeout(timer)
  }

  async #run(): Promise<void> {
    const { signal } = this.#end
    const pause = (milliseconds: number) =>
      sleep(milliseconds, undefined, { signal, ref: false }).catch(() => {})
    await pause(FIRST_PAUSE)
    while (!signal.aborted) {
      await this.#pass()
      await pause(PAUSE)
    }
  }

  async #pass(): Promise<void> {
    const { connect, isOn, options, log, pool } = this.#options
    const { signal } = this.#end
    try {
      if (isOn) {
        this.#client = (await connect()) ?? undefined
        if (this.#client && !signal.aborted) {
          await resetSession(this.#client, options.schema)
          await this.#client.query(`set lock_timeout = '1s'`)
          const done = await maintain(this.#client, {
            ...options,
            signal,
            log: (message) => log.info(message),
          })
          if (done && done.bodiesPacked + done.entriesDeleted + done.erasedDeliveriesDeleted > 0)
            log.info(done, 'the ledger was maintained')
        }
      }
      if (!signal.aborted) this.state = await readLedgerState(pool, options.targets)
    } catch (error) {
      if (signal.aborted) return
      log.warn(
        { code: sqlState(error), reason: (error as Error).message },
        'the upkeep of the ledger failed and will be retried',
      )
    } finally {
      await this.#client?.end().catch(() => {})
      this.#client = undefined
    }
  }
}

export async function readLedgerState(
  client: Pick<pg.ClientBase, 'query'>,
  targets: MaintainOptions['targets'],
): Promise<LedgerState> {
  const now = await databaseTime(client)
  const oldest = await oldestBody(client)
  return {
    sizes: await ledgerSizes(client, targets),
    daysAhead: await daysAhead(client, now),
    oldestBodySeconds: oldest === null ? null : Math.max(0, (now - oldest) / 1000),
  }
}
