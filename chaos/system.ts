import type { FaultyProxy } from './proxy.ts'
import type { SupervisedService } from './supervised-service.ts'

/** What faults are injected into: a service under load, its Postgres, and the connection between them. */
export interface System {
  readonly service: SupervisedService
  readonly postgres: {
    /** URL of a direct connection, which bypasses the proxy. */
    readonly url: () => string
    kill(): Promise<void>
    /** Absent if Nightpost starts Postgres itself. */
    start?(): Promise<void>
    stop?(): Promise<void>
  }
  readonly proxy?: FaultyProxy
  /** A pseudo-random number from 0 to 1, excluding 1. */
  readonly random: () => number
}
