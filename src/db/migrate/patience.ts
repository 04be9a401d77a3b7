import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { sqlState } from '../commit/failure.ts'
import { begin } from '../connect/transaction.ts'
import { adviceFor, MigrationError } from './migration-error.ts'

/** Takes what there is to say meanwhile. */
export interface Progress {
  info(message: string): void
}

/** Milliseconds. */
export interface Patience {
  /**
   * For a lock: what needs the table queues behind the one who waits for it. Longer than Postgres' deadlock_timeout,
   * after which autovacuum gives way, and shorter than the lock_timeout of deliveries.
   */
  readonly lock: number
  /** Before the next try. */
  readonly pause: number
  /** For all tries. */
  readonly total: number
}

export const PATIENCE: Patience = { lock: 1_050, pause: 2_000, total: 60_000 }

export type Query = (text: string, values?: unknown[]) => Promise<pg.QueryResult>

/** Lock timeout, deadlock. */
const IN_THE_WAY = ['55P03', '40P01']

/**
 * Does some work on the schema as one short transaction, again and again while a table that it needs is in use.
 * Throws a `MigrationError` that begins with `what`.
 */
export async function patiently(
  client: pg.ClientBase,
  what: string,
  patience: Patience,
  log: Progress | undefined,
  work: (query: Query) => Promise<void>,
): Promise<void> {
  const until = Date.now() + patience.total
  for (;;) {
    let last = ''
    try {
      await begin(client, { lockTimeout: patience.lock })
      await work((text, values) => {
        last = text
        return client.query(text, values)
      })
      await client.query('commit')
      return
    } catch (error) {
      await client.query('rollback').catch(() => {})
      if (!IN_THE_WAY.includes(sqlState(error) ?? '')) {
        throw new MigrationError(what, error, await adviceFor(client, error).catch(() => null))
      }
      const users = await usersOf(client, last)
      if (Date.now() + patience.pause > until) {
        throw new MigrationError(what, error, `${users}. End that, then start again.`)
      }
      log?.info(`${what} waits: ${users}`)
      await sleep(patience.pause)
    }
  }
}

/** Who holds the tables that a statement names. */
async function usersOf(client: pg.ClientBase, statement: string): Promise<string> {
  const { rows } = await client.query(
    `select c.relname as table, string_agg(distinct l.pid::text, ', ') as pids
     from pg_locks as l join pg_class as c on c.oid = l.relation
     where l.granted and l.pid <> pg_backend_pid() and c.relkind in ('r', 'p', 'm', 'v')
       and l.database = (select oid from pg_database where datname = current_database())
       and c.relnamespace = current_schema()::regnamespace and position(c.relname in $1) > 0
     group by c.relname order by c.relname`,
    [statement],
  )
  if (rows.length === 0) return 'a table that it needs was in use'
  return rows.map(({ table, pids }) => `table ${table} is in use by process ${pids}`).join(', ')
}
