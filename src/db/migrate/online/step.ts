import type pg from 'pg'
import type { LockRetryPolicy, Progress } from '../lock-retry.ts'

export interface StepContext {
  readonly log: Progress
  readonly lockRetry: LockRetryPolicy
  /** Returns what to wait for until no replica of version 0.1.0 can be running; null if none can. */
  waitsForVersion010(client: pg.ClientBase): Promise<string | null>
}

/**
 * A change of the schema that may take long and blocks no statement. One replica at a time executes it while the service runs.
 * A step reads from the catalogue what is left to do, so that it can be interrupted anywhere and resumed.
 */
export interface OnlineStep {
  readonly name: string
  isDone(client: Pick<pg.ClientBase, 'query'>): Promise<boolean>
  /** Does what is possible now. Returns what it waits for, or null if it is finished. */
  run(client: pg.ClientBase, context: StepContext): Promise<string | null>
}
