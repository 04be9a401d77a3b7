import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Logger } from 'pino'
import type { Vendor } from '../contract/vendor.ts'
import { sqlState } from '../db/commit/failure.ts'
import { lockNumber } from '../db/migrate/migrate.ts'
import type { CallLimits } from './limits.ts'
import { missingSettings, type ReconcileOptions, reconcile } from './reconcile.ts'
import type { CallResult } from './requests.ts'
import { type LastRun, lastRuns } from './runs.ts'

/** Milliseconds from the start to the first look, and between two looks. */
const FIRST_PAUSE = 15_000
const PAUSE = 60_000

/** A run that did not complete is tried again after this many milliseconds, if RECONCILE_EVERY is longer. */
const AFTER_FAILURE = 60 * 60_000

/** Milliseconds that a request has to end when the service stops. */
const LAST_REQUEST = 5_000

const DAY = 86_400_000

interface ScheduleOptions
  extends Pick<ReconcileOptions, 'pool' | 'store' | 'clock' | 'setting' | 'credentials'> {
  readonly vendors: readonly Vendor[]
  /** Opens a connection that keeps its session. Returns null if a pooler in transaction mode is in between. */
  readonly connect: () => Promise<pg.Client | null>
  readonly schema: string
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Milliseconds between two runs; null: no run. */
  readonly every: number | null
  readonly days: number
  readonly limits: CallLimits
  readonly onCall: (vendor: string, result: CallResult) => void
}

/**
 * Reconciles every vendor regularly while the service runs, on one replica at a time. It also reads what the last runs found,
 * those of the command too, for the metrics of every replica.
 */
export class ReconcileSchedule {
  readonly #options: ScheduleOptions
  readonly #end = new AbortController()
  readonly #kill = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #hasWarned = false
  /** The last run of each vendor about everybody. */
  state: readonly LastRun[] = []

  constructor(options: ScheduleOptions) {
    this.#options = options
  }

  begin(): void {
    this.#running = this.#run()
  }

  /** Ends a run: what was fetched is stored. */
  async close(): Promise<void> {
    this.#end.abort()
    const timer = setTimeout(() => this.#kill.abort(), LAST_REQUEST)
    await this.#running
    clearTimeout(timer)
  }

  async #run(): Promise<void> {
    const { signal } = this.#end
    const pause = (milliseconds: number) =>
      sleep(milliseconds, undefined, { signal, ref: false }).catch(() => {})
    await pause(FIRST_PAUSE)
    while (!signal.aborted) {
      await this.pass()
      await pause(PAUSE)
    }
  }

  /** Runs what is due, and reads the state. */
  async pass(): Promise<void> {
    const { pool, log } = this.#options
    try {
      this.state = await lastRuns(pool)
      for (const vendor of this.#due()) await this.#reconcileAlone(vendor)
    } catch (error) {
      if (this.#end.signal.aborted) return
      log.warn(
        { code: sqlState(error), reason: (error as Error).name },
        'the reconciliation failed and will be retried',
      )
    }
  }

  /** The vendors that can be asked, and whose last run is long enough ago. */
  #due(): Vendor[] {
    const { vendors, every } = this.#options
    if (every === null) return []
    return vendors.filter((vendor) => {
      if (!vendor.pull || missingSettings(vendor, this.#options).length > 0) return false
      const last = this.state.find((run) => run.vendor === vendor.name)
      return !last || last.age >= (last.outcome === 'complete' ? every : Math.min(every, AFTER_FAILURE))
    })
  }

  async #reconcileAlone(vendor: Vendor): Promise<void> {
    const { connect, pool, schema, log } = this.#options
    const client = await connect()
    if (!client) {
      if (!this.#hasWarned) log.warn('RECONCILE_EVERY needs a direct connection: set MIGRATE_DATABASE_URL')
      this.#hasWarned = true
      return
    }
    const lock = lockNumber(`nightpost reconcile ${schema} ${vendor.name}`)
    try {
      const { rows } = await client.query('select pg_try_advisory_lock($1) as mine', [lock])
      if (!rows[0].mine) return
      // Another replica may have finished a run since the state was read.
      this.state = await lastRuns(pool)
      if (this.#due().includes(vendor)) await this.#reconcile(vendor)
      this.state = await lastRuns(pool)
    } finally {
      await client.end().catch(() => {})
    }
  }

  async #reconcile(vendor: Vendor): Promise<void> {
    const { clock, days, log, onCall, ...options } = this.#options
    const to = clock.now()
    const report = await reconcile({
      ...{ ...options, clock, vendor },
      period: { from: Math.floor(to / DAY) * DAY - days * DAY, to },
      startedBy: 'schedule',
      signal: this.#end.signal,
      kill: this.#kill.signal,
      onCall: (result) => onCall(vendor.name, result),
    })
    const { outcome, reason, people, calls, pulled, failed, suspectDays } = report
    const fields = {
      ...{ vendor: vendor.name, outcome, reason, people, calls, pulled, failures: failed, suspectDays },
      ...{
        missing: report.count('missing'),
        differing: report.count('differing'),
        kept: report.count('kept'),
      },
    }
    if (outcome === 'complete') log.info(fields, 'reconciled')
    else log.warn(fields, 'the reconciliation did not complete')
  }
}
