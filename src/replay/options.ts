import type pg from 'pg'
import type { Logger } from 'pino'
import type { Config } from '../config/index.ts'
import type { Vendor } from '../contract/vendor.ts'
import type { Filter } from './ledger-reader.ts'
import type { Summary } from './summary.ts'

export interface ReplayOptions {
  readonly databaseUrl: string
  readonly vendors: readonly Vendor[]
  readonly config: Config
  readonly log: Pick<Logger, 'warn'>
  /** Outcomes may be rejected, unrecognised, stored, partly_stored and unverified; without any: all of the ledger. */
  readonly filter: Filter
  /** Also makes the rows of every owner anew from the ledger. */
  readonly all: boolean
  readonly dryRun: boolean
  /** Stops after what is being written. */
  readonly signal: AbortSignal
  readonly progress: (done: number, total: number, what: string) => void
}

/** Everything that a part of a replay works with. */
export interface Replay extends ReplayOptions {
  readonly client: pg.Client
  readonly pool: pg.Pool
  readonly summary: Summary
}
