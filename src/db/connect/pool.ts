import pg from 'pg'
import type { Logger } from 'pino'
import { sqlState } from '../commit/failure.ts'
import { APPLICATION } from './application.ts'
import { Connection } from './connection.ts'
import { completed, type DatabaseSettings } from './database.ts'
import { type Pooling, poolingOf } from './pooling.ts'
import type { Purpose } from './settings.ts'

const SECONDS = 1000

/** Seconds after which a statement that got no answer is given up; the vendor is told to try again. */
const WRITE_TIMEOUT = 15

/**
 * Seconds that a group waits for a row that another transaction holds, before it goes round it (`detour.ts`).
 * More than Postgres' deadlock_timeout, so that a deadlock is found as such.
 */
const LOCK_TIMEOUT = 1.1

/** Time limits of every statement and of every wait for a lock, in milliseconds. */
export interface WriteLimits {
  readonly statementTimeout: number
  readonly lockTimeout: number
}

const LIMITS: WriteLimits = { statementTimeout: WRITE_TIMEOUT * SECONDS, lockTimeout: LOCK_TIMEOUT * SECONDS }

/** Connections to Postgres that commit durably, speak UTC, and never wait without end. */
export class ConnectionPool extends pg.Pool {
  readonly #database: DatabaseSettings
  readonly #limits: WriteLimits
  #pooling: Promise<Pooling> | undefined

  constructor(database: DatabaseSettings, log: Pick<Logger, 'warn'>, limits: WriteLimits) {
    super({
      connectionString: database.url,
      application_name: APPLICATION,
      max: 6,
      connectionTimeoutMillis: 5 * SECONDS,
      // The server's own limits are set once it is connected: a pooler refuses them as parameters of the start.
      query_timeout: (WRITE_TIMEOUT + 2) * SECONDS,
      keepAlive: true,
      Client: Connection,
      onConnect: (client: pg.ClientBase) => this.#settle(client as Connection),
    })
    this.#database = database
    this.#limits = limits
    // A client that loses its server emits an error, which ends the process where nobody listens. The pool
    // listens to its idle clients; one that is in use, between two queries, would have no listener. What comes
    // back after a loss may be another pooler.
    this.on('connect', (client) => client.on('error', () => this.#forget()))
    this.on('error', (error) => log.warn({ code: sqlState(error) }, 'lost an idle connection'))
  }

  /**
   * Lets go of the idle connections, and of what is known of a pooler: the server or the pooler has changed
   * since they were made.
   */
  async renew(): Promise<void> {
    this.#forget()
    for (let left = this.idleCount; left > 0 && this.idleCount > 0; left -= 1) {
      const client = await this.connect()
      client.release(true)
    }
  }

  #forget(): void {
    this.#pooling = undefined
  }

  async #settle(client: Connection): Promise<void> {
    const purpose: Purpose = {
      schema: this.#database.schema,
      ...this.#limits,
      idleInTransactionTimeout: WRITE_TIMEOUT * SECONDS,
      use: 'write',
    }
    await client.settle(await this.#findPooling(), purpose)
  }

  #findPooling(): Promise<Pooling> {
    const finding = this.#pooling ?? pooled(this.#database)
    this.#pooling = finding
    finding.catch(() => {
      if (this.#pooling === finding) this.#pooling = undefined
    })
    return finding
  }
}

export const createPool = (
  database: DatabaseSettings | string,
  log: Pick<Logger, 'warn'>,
  limits: Partial<WriteLimits> = {},
) => new ConnectionPool(completed(database), log, { ...LIMITS, ...limits })

/** Connections by what they do at this moment, and callers that wait for one. */
export function poolLoad({ idleCount, totalCount, waitingCount }: pg.Pool) {
  return { idle: idleCount, busy: totalCount - idleCount, waiting: waitingCount }
}

/** How the way to the database pools, found out where nobody knows. */
export async function pooled({ url, pooling }: Pick<DatabaseSettings, 'url' | 'pooling'>): Promise<Pooling> {
  return typeof pooling === 'object' ? pooling : poolingOf(url, pooling)
}

interface Single {
  /** Shown in `pg_stat_activity`. */
  readonly name: string
  readonly use: Purpose['use']
  /** Milliseconds; 0, which is the default, is for work that reads the whole ledger. */
  readonly statementTimeout?: number
  readonly types?: pg.CustomTypesConfig
}

/** One connection for a command. */
export async function connect(
  database: DatabaseSettings | string,
  { name, use, statementTimeout = 0, types }: Single,
): Promise<pg.Client> {
  const { url, schema, pooling } = completed(database)
  const known = await pooled({ url, pooling })
  const client = new Connection({
    connectionString: url,
    application_name: name,
    connectionTimeoutMillis: 10 * SECONDS,
    ...(types && { types }),
  })
  client.on('error', () => {})
  await client.connect()
  try {
    const limits = { statementTimeout, lockTimeout: 0, idleInTransactionTimeout: 0 }
    await client.settle(known, { schema, use, ...limits })
    return client
  } catch (error) {
    await client.end()
    throw error
  }
}

/** One that keeps its session: advisory locks, settings between transactions. Null where a pooler stands in between. */
export async function connectDirect(
  database: DatabaseSettings | string,
  single: Single,
): Promise<pg.Client | null> {
  const { directUrl, url, schema, pooling } = completed(database)
  const known = await pooled({ url: directUrl, pooling: directUrl === url ? pooling : 'auto' })
  return known.mode === 'session'
    ? connect({ url: directUrl, directUrl, schema, pooling: known }, single)
    : null
}
