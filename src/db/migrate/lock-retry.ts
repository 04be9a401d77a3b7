import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { sqlState } from '../commit/failure.ts'
import { begin } from '../connect/transaction.ts'
import { adviceFor, MigrationError } from './migration-error.ts'

/** Where progress is logged. */
export interface Progress {
  info(message: string): void
}

/** How a change of the schema waits for locks. Times are in milliseconds. */
export interface LockRetryPolicy {
  /**
   * Lock timeout of an attempt. While it waits, all other statements on the table queue behind it. Longer than Postgres'
   * deadlock_timeout, after which autovacuum is cancelled, and shorter than the lock_timeout of deliveries.
   */
  readonly lockTimeout: number
  /** Pause before the next attempt. */
  readonly pause: number
  /** Limit of all attempts together. */
  readonly total: number
}

export const LOCK_RETRY_POLICY: LockRetryPolicy = { lockTimeout: 1_050, pause: 2_000, total: 60_000 }

export type Query = (text: string, values?: unknown[]) => Promise<pg.QueryResult>

/** Lock timeout, deadlock. */
const LOCK_NOT_AVAILABLE = ['55P03', '40P01']

/**
 * Executes a change of the schema as one short transaction. Retries while a table that it needs is locked. Throws a
 * `MigrationError` that begins with `what`.
 */
export async function retryOnLock(
  client: pg.ClientBase,
  what: string,
  policy: LockRetryPolicy,
  log: Progress | undefined,
  work: (query: Query) => Promise<void>,
): Promise<void> {
  const until = Date.now() + policy.total
  for (;;) {
    let last = ''
    try {
      await begin(client, { lockTimeout: policy.lockTimeout })
      await work((text, values) => {
        last = text
        return client.query(text, values)
      })
      await client.query('commit')
      return
    } catch (error) {
      await client.query('rollback').catch(() => {})
      if (!LOCK_NOT_AVAILABLE.includes(sqlState(error) ?? '')) {
        throw new MigrationError(what, error, await adviceFor(client, error).catch(() => null))
      }
      const holders = await lockHolders(client, last)
      if (Date.now() + policy.pause > until) {
        throw new MigrationError(what, error, `${holders}. End that process, then start again.`)
      }
      log?.info(`${what} waits for a lock: ${holders}`)
      await sleep(policy.pause)
    }
  }
}

/** Returns which processes have locks of the tables that a statement names, as text. */
async function lockHolders(client: pg.ClientBase, statement: string): Promise<string> {
  const { rows } = await client.query(
    `select c.relname as table, string_agg(distinct l.pid::text, ', ') as pids
     from pg_locks as l join pg_class as c on c.oid = l.relation
     where l.granted and l.pid <> pg_backend_pid() and c.relkind in ('r', 'p', 'm', 'v')
       and l.database = (select oid from pg_database where datname = current_database())
       and c.relnamespace = current_schema()::regnamespace and position(c.relname in $1) > 0
     group by c.relname order by c.relname`,
    [statement],
  )
  if (rows.length === 0) return 'a table that it needs was locked'
  return rows.map(({ table, pids }) => `table ${table} is locked by process ${pids}`).join(', ')
}
