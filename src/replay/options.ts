import type pg from 'pg'
import type { Logger } from 'pino'
import type { Config } from '../config/index.ts'
import type { Vendor } from '../contract/vendor.ts'
import type { Pooling } from '../db/connect/pooling.ts'
import type { Filter } from './ledger-reader.ts'
import type { ReplayReport } from './report.ts'

export interface ReplayOptions {
  readonly databaseUrl: string
  readonly vendors: readonly Vendor[]
  readonly config: Config
  readonly log: Pick<Logger, 'warn'>
  /** Outcomes may be rejected, unrecognised, stored, partly_stored and unverified. Without outcomes: the whole ledger. */
  readonly filter: Filter
  /** The directory of an archive: its deliveries are replayed, and with `all` those of the ledger too. */
  readonly from?: string
  /** Also makes the rows of every owner again from the ledger. */
  readonly all: boolean
  readonly dryRun: boolean
  /** Stops the replay after the transactions that are under way. */
  readonly signal: AbortSignal
  readonly progress: (done: number, total: number, what: string) => void
}

/** A running replay: its options, its connections, and the report it adds to. */
export interface ReplayContext extends ReplayOptions {
  readonly client: pg.Client
  /** Whether `client` keeps its session. */
  readonly pooling: Pooling
  readonly pool: pg.Pool
  readonly report: ReplayReport
}
