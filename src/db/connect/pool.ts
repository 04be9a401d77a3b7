import pg from 'pg'
import type { Logger } from 'pino'
import { sqlState } from '../commit/failure.ts'
import { APPLICATION } from './application.ts'
import { Connection } from './connection.ts'
import { type DatabaseSettings, databaseSettings } from './database.ts'
import { ANY_POOLING, type Pooling, poolingOf, StatementPooling } from './pooling.ts'
import type { SessionSettings } from './settings.ts'

const SECONDS = 1000

/** Seconds after which a statement without an answer is cancelled. The vendor gets a 503 and sends again. */
const WRITE_TIMEOUT = 15

/**
 * Seconds that a group waits for a row that another transaction has locked. After that the group is written without the
 * deliveries that wait (`commit/split-group.ts`). Longer than Postgres' deadlock_timeout (1 s), so that Postgres reports a deadlock first.
 */
const LOCK_TIMEOUT = 1.1

/** Limits of every statement and of every lock wait, in milliseconds. */
export interface WriteLimits {
  readonly statementTimeout: number
  readonly lockTimeout: number
}

/** What a pool is for, and how many connections it may have. */
interface PoolUse {
  readonly name: string
  readonly use: 'read' | 'write'
  readonly max: number
}

const SERVICE: PoolUse = { name: APPLICATION, use: 'write', max: 6 }

/** Connections of each of several workers: two that write groups, and two for all that is short. */
const WORKER_CONNECTIONS = 4

/** Connections of so many workers, with those that only one of them has: for the upkeep, online steps and the console. */
export const connectionsOf = (workers: number) => workers * WORKER_CONNECTIONS + 5

const LIMITS: WriteLimits = { statementTimeout: WRITE_TIMEOUT * SECONDS, lockTimeout: LOCK_TIMEOUT * SECONDS }

/**
 * Connections of the service. They commit durably, use UTC, and limit the time of every statement and every lock wait.
 * After a connection is lost, the pooling mode is detected again: the address may lead to another pooler by then.
 */
export class ConnectionPool extends pg.Pool {
  readonly #database: DatabaseSettings
  readonly #limits: WriteLimits
  readonly #use: SessionSettings['use']
  readonly #log: Pick<Logger, 'warn'>
  #pooling: Pooling | undefined
  #detection: Promise<Pooling> | undefined

  constructor(
    database: DatabaseSettings,
    log: Pick<Logger, 'warn'>,
    limits: WriteLimits,
    { name, use, max }: PoolUse = SERVICE,
  ) {
    super({
      connectionString: database.url,
      application_name: name,
      max,
      connectionTimeoutMillis: 5 * SECONDS,
      // The server's own limits are set after the connection is open, because poolers refuse them as startup parameters.
      query_timeout: (WRITE_TIMEOUT + 2) * SECONDS,
      keepAlive: true,
      Client: Connection,
      onConnect: (client: pg.ClientBase) => this.#configure(client as Connection),
    })
    this.#database = database
    this.#use = use
    this.#limits = limits
    this.#log = log
    // A client that loses its server emits an error, which ends the process if there is no listener. The pool listens only
    // to idle clients, so a client in use, between two queries, needs this listener.
    this.on('connect', (client) => client.on('error', () => this.#forgetPooling()))
    this.on('error', (error) => log.warn({ code: sqlState(error) }, 'lost an idle connection'))
    // The pool discards a released client that is ending. The next connection detects the mode again.
    this.on('release', (_, client) => {
      if (client instanceof Connection && client.isProvisional) void client.end()
    })
  }

  /** Closes the idle connections and forgets the pooling mode. Call it if the server or the pooler has changed. */
  async renew(): Promise<void> {
    this.#forgetPooling()
    for (let left = this.idleCount; left > 0 && this.idleCount > 0; left -= 1) {
      const client = await this.connect()
      client.release(true)
    }
  }

  /** A detection that is running goes on: if the pooler was replaced, its own connections are lost too and it fails. */
  #forgetPooling(): void {
    this.#pooling = undefined
  }

  async #configure(client: Connection): Promise<void> {
    const settings: SessionSettings = {
      schema: this.#database.schema,
      ...this.#limits,
      idleInTransactionTimeout: WRITE_TIMEOUT * SECONDS,
      use: this.#use,
    }
    const pooling = await this.#detectPooling().catch((error) => {
      if (error instanceof StatementPooling) throw error
      this.#log.warn({ code: sqlState(error) }, 'the pooling mode could not be detected')
      return null
    })
    client.isProvisional = pooling === null
    await client.configure(pooling ?? ANY_POOLING, settings)
  }

  /** Returns the known mode, or detects it: once for all connections that open at the same time. */
  async #detectPooling(): Promise<Pooling> {
    if (this.#pooling) return this.#pooling
    this.#detection ??= this.#detect()
    return this.#detection
  }

  async #detect(): Promise<Pooling> {
    try {
      this.#pooling = await pooled(this.#database)
      return this.#pooling
    } finally {
      this.#detection = undefined
    }
  }
}

export const createPool = (
  database: DatabaseSettings | string,
  log: Pick<Logger, 'warn'>,
  limits: Partial<WriteLimits> = {},
  workers = 1,
) =>
  new ConnectionPool(
    databaseSettings(database),
    log,
    { ...LIMITS, ...limits },
    { ...SERVICE, max: workers === 1 ? SERVICE.max : WORKER_CONNECTIONS },
  )

/** Connections for pages: read-only, few, and with a short limit, so that a page can't hold up a delivery. */
export const createReadPool = (
  database: DatabaseSettings,
  log: Pick<Logger, 'warn'>,
  { name, max, statementTimeout }: { name: string; max: number; statementTimeout: number },
) =>
  new ConnectionPool(
    database,
    log,
    { statementTimeout, lockTimeout: 1 * SECONDS },
    { name, use: 'read', max },
  )

/** Returns the number of idle and of busy connections, and of callers that wait for one. */
export function poolLoad({ idleCount, totalCount, waitingCount }: pg.Pool) {
  return { idle: idleCount, busy: totalCount - idleCount, waiting: waitingCount }
}

/** Returns the pooling mode. Detects it unless the settings name it. Throws `StatementPooling`. */
export async function pooled({ url, pooling }: Pick<DatabaseSettings, 'url' | 'pooling'>): Promise<Pooling> {
  return typeof pooling === 'object' ? pooling : poolingOf(url, pooling)
}

interface ConnectionOptions {
  /** Shown in `pg_stat_activity`. */
  readonly name: string
  readonly use: SessionSettings['use']
  /** Milliseconds. The default is 0, no limit, for work that reads the whole ledger. */
  readonly statementTimeout?: number
  readonly types?: pg.CustomTypesConfig
}

/** Opens one connection for a command. Throws if it can not be opened or does not keep its settings (`SettingsLost`). */
export async function connect(
  database: DatabaseSettings | string,
  { name, use, statementTimeout = 0, types }: ConnectionOptions,
): Promise<pg.Client> {
  const { url, schema, pooling } = databaseSettings(database)
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
    await client.configure(known, { schema, use, ...limits })
    return client
  } catch (error) {
    await client.end()
    throw error
  }
}

/**
 * Opens a connection that keeps its session, for advisory locks and settings that outlast a transaction. Returns null if a
 * pooler in transaction mode is in between.
 */
export async function connectDirect(
  database: DatabaseSettings | string,
  options: ConnectionOptions,
): Promise<pg.Client | null> {
  const { directUrl, url, schema, pooling } = databaseSettings(database)
  const known = await pooled({ url: directUrl, pooling: directUrl === url ? pooling : 'auto' })
  return known.mode === 'session'
    ? connect({ url: directUrl, directUrl, schema, pooling: known }, options)
    : null
}
