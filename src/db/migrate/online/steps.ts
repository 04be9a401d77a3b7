import type pg from 'pg'
import type { Vendor } from '../../../contract/vendor.ts'
import { APPLICATION_0_1_0 } from '../../connect/application.ts'
import { LOCK_RETRY_POLICY, type LockRetryPolicy, type Progress } from '../lock-retry.ts'
import { lockNumber, resetSession } from '../migrate.ts'
import { adviceFor, MigrationError } from '../migration-error.ts'
import { buildChangeIndex, buildDayIndexes, dropStoredIndex, rebuildInvalidIndexes } from './indexes.ts'
import { keyChanges } from './key-change.ts'
import { recordPeople } from './people.ts'
import type { OnlineStep } from './step.ts'

/** Returns every step in the order of execution. */
export const onlineSteps = (
  vendors: ReadonlyArray<Pick<Vendor, 'name' | 'targets' | 'userColumn'>>,
): OnlineStep[] => [
  rebuildInvalidIndexes,
  buildChangeIndex,
  buildDayIndexes,
  ...keyChanges(vendors.flatMap(({ targets }) => targets)),
  dropStoredIndex,
  recordPeople(vendors),
]

/** A step that is not finished. `waitsFor` is null while a process executes it. */
export interface Pending {
  readonly name: string
  readonly waitsFor: string | null
}

/** Returns the steps that are not done, as the catalogue says. */
export async function pendingSteps(
  client: Pick<pg.ClientBase, 'query'>,
  steps: readonly OnlineStep[],
): Promise<OnlineStep[]> {
  const pending: OnlineStep[] = []
  for (const step of steps) if (!(await step.isDone(client))) pending.push(step)
  return pending
}

export interface OnlineOptions {
  readonly steps: readonly OnlineStep[]
  readonly log: Progress
  readonly schema?: string
  readonly lockRetry?: LockRetryPolicy
  /**
   * Milliseconds without a connection of version 0.1.0 after which no replica of it can be running. Its pool keeps a
   * connection for 10 s after use, and readiness probes use one at least as often.
   */
  readonly quiet?: number
}

/** Executes the online steps as far as possible. Each call of `pass` continues. */
export class OnlineRunner {
  readonly #options: Required<OnlineOptions>
  #quietSince: number | undefined

  constructor(options: OnlineOptions) {
    this.#options = { schema: 'public', lockRetry: LOCK_RETRY_POLICY, quiet: 30_000, ...options }
  }

  /** Executes what is possible over a connection that keeps its session. Returns the steps that are left. */
  async pass(client: pg.ClientBase): Promise<Pending[]> {
    const { steps, schema } = this.#options
    await resetSession(client, schema)
    const lock = lockNumber(`nightpost online steps ${schema}`)
    const { rows } = await client.query('select pg_try_advisory_lock($1) as mine', [lock])
    if (!rows[0].mine) {
      const left = await pendingSteps(client, steps)
      return left.map(({ name }) => ({ name, waitsFor: 'another process, which executes it' }))
    }
    try {
      const pending: Pending[] = []
      for (const step of await pendingSteps(client, steps)) {
        const waitsFor = await this.#run(client, step)
        if (waitsFor !== null) pending.push({ name: step.name, waitsFor })
      }
      return pending
    } finally {
      await client.query('select pg_advisory_unlock($1)', [lock]).catch(() => {})
    }
  }

  async #run(client: pg.ClientBase, step: OnlineStep): Promise<string | null> {
    const { log, lockRetry } = this.#options
    try {
      return await step.run(client, {
        log,
        lockRetry,
        waitsForVersion010: () => this.#waitsForVersion010(client),
      })
    } catch (error) {
      if (error instanceof MigrationError) throw error
      throw new MigrationError(
        `Online step "${step.name}"`,
        error,
        await adviceFor(client, error).catch(() => null),
      )
    }
  }

  /** Returns what to wait for until no replica of version 0.1.0 can be running; null if none can. */
  async #waitsForVersion010(client: pg.ClientBase): Promise<string | null> {
    const { rows } = await client.query(
      `select count(*)::int as count from pg_stat_activity
       where datname = current_database() and application_name = $1`,
      [APPLICATION_0_1_0],
    )
    if (rows[0].count > 0) {
      this.#quietSince = undefined
      return `version 0.1.0, which has ${rows[0].count} connections`
    }
    this.#quietSince ??= Date.now()
    const left = this.#quietSince + this.#options.quiet - Date.now()
    return left > 0 ? `${Math.ceil(left / 1000)} s more without a connection of version 0.1.0` : null
  }
}
