import type pg from 'pg'
import type { Patience, Progress } from '../patience.ts'

export interface StepContext {
  readonly log: Progress
  readonly patience: Patience
  /** Whether no replica of version 0.1.0 has been connected for long enough to be sure that none runs. */
  isRidOf010(client: pg.ClientBase): Promise<string | null>
}

/**
 * Work on the schema that may take long and stops nobody: it is done while the service runs, by one replica at a time.
 * Each step reads in the catalogue what is left of it, so that it can end anywhere and be taken up again.
 */
export interface OnlineStep {
  readonly name: string
  isDone(client: Pick<pg.ClientBase, 'query'>): Promise<boolean>
  /** Does what can be done now. Returns what it waits for; null where it is finished. */
  run(client: pg.ClientBase, context: StepContext): Promise<string | null>
}
