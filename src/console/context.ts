import type { FastifyRequest } from 'fastify'
import type pg from 'pg'
import type { Logger } from 'pino'
import type { Config } from '../config/index.ts'
import type { Vendor } from '../contract/vendor.ts'
import type { DatabaseSettings } from '../db/connect/database.ts'
import type { Readiness } from '../ops/health.ts'
import type { Metrics } from '../ops/metrics/index.ts'
import type { ProcessState } from '../ops/metrics/process-state.ts'

/** What the console needs from the service beside it. */
export interface ConsoleDependencies extends Pick<ProcessState, 'onlineSteps' | 'ledger'> {
  readonly config: Config
  readonly token: string
  readonly log: Logger
  readonly database: DatabaseSettings
  readonly vendors: readonly Vendor[]
  readonly metrics: Metrics
  readonly readiness: Readiness
  /** Where the service that receives deliveries listens; null before it does. */
  readonly serviceAddress: () => string | null
  /** Milliseconds of Unix time by the database's clock, which stamps the deliveries. */
  readonly now: () => number
  /** A short hash of a person's id, as the log of the requests has it. */
  readonly hashOf: (id: string) => string
}

/** What the pages work with. */
export interface ConsoleContext extends ConsoleDependencies {
  readonly pool: pg.Pool
  /** Whether the sender of a request is still logged in. */
  readonly isOpen: (request: FastifyRequest) => boolean
  /** Whether bodies and health values may be shown to those who ask. */
  readonly showsValues: boolean
}
