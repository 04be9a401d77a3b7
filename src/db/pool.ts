import pg from 'pg'
import type { Logger } from 'pino'
import { APPLICATION } from './application.ts'
import { sqlState } from './failure.ts'

const SECONDS = 1000

/** Seconds after which a statement that got no answer is given up; the vendor is told to try again. */
const WRITE_TIMEOUT = 15

/**
 * Seconds that a group waits for a row that another transaction holds, before it is halved to go round it.
 * More than Postgres' deadlock_timeout, so that a deadlock is found as such.
 */
const LOCK_TIMEOUT = 2

const SETTINGS = `set synchronous_commit = on; set timezone = utc; set plan_cache_mode = force_generic_plan;
  set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off;
  select set_config('log_min_messages', 'log', false) where has_parameter_privilege('log_min_messages', 'SET')`

/** Connections to Postgres that commit durably, speak UTC, and never wait without end. */
export function createPool(databaseUrl: string, log: Pick<Logger, 'warn'>): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: APPLICATION,
    max: 6,
    connectionTimeoutMillis: 5 * SECONDS,
    statement_timeout: WRITE_TIMEOUT * SECONDS,
    lock_timeout: LOCK_TIMEOUT * SECONDS,
    idle_in_transaction_session_timeout: WRITE_TIMEOUT * SECONDS,
    query_timeout: (WRITE_TIMEOUT + 2) * SECONDS,
    keepAlive: true,
    // An ack promises durability, whatever default the database or role was given. Every statement finds
    // its rows by primary key, however full the tables are: no plan depends on what a group holds, so it
    // is made once. What Postgres logs of a failed statement quotes values of the row: Nightpost logs the
    // SQLSTATE instead, where its role may say so.
    onConnect: async (client: pg.ClientBase) => {
      await client.query(SETTINGS)
    },
  })
  // A client that loses its server emits an error, which ends the process where nobody listens. The pool
  // listens to its idle clients; one that is in use, between two queries, would have no listener.
  pool.on('connect', (client) => client.on('error', () => {}))
  pool.on('error', (error) => log.warn({ code: sqlState(error) }, 'lost an idle connection'))
  return pool
}

/** Connections by what they do at this moment, and callers that wait for one. */
export function poolLoad({ idleCount, totalCount, waitingCount }: pg.Pool) {
  return { idle: idleCount, busy: totalCount - idleCount, waiting: waitingCount }
}

/** One connection with the same settings and no time limit, for work that reads the whole ledger. */
export async function connect(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'nightpost replay' })
  client.on('error', () => {})
  await client.connect()
  await client.query(SETTINGS)
  return client
}
