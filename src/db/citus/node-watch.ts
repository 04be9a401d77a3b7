import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { DatabaseSettings } from '../connect/database.ts'
import { connectDirect } from '../connect/pool.ts'
import { isDistributed } from './state.ts'

/** Milliseconds between two looks. */
const PAUSE = 10_000

/** Milliseconds in which the coordinator must reach a node. */
const REACHED_WITHIN = 3_000

/** Milliseconds for the statement that asks a node: more than the connection may take. */
const STATEMENT = 10_000

/** The nodes that have shards of the ledger. */
const NODES = `select distinct p.nodename as host, p.nodeport as port
from pg_dist_shard as s join pg_dist_shard_placement as p using (shardid) where s.logicalrelid = to_regclass('deliveries') order by 1, 2`

/**
 * The coordinator opens a new connection for each question. One that it keeps would wait for a node that is silent, even beyond
 * the timeout of the statement.
 */
const SETTINGS = `set citus.max_cached_conns_per_worker = 0; set citus.node_connection_timeout = ${REACHED_WITHIN}`

/**
 * Asks the coordinator again and again which nodes it reaches, over a connection of its own. It ends at once if the database is not
 * distributed, and watches nothing if a pooler in transaction mode is in between.
 */
export class NodeWatch {
  readonly #database: DatabaseSettings
  readonly #pool: Pick<pg.ClientBase, 'query'>
  readonly #end = new AbortController()
  #client: pg.Client | null = null
  #running: Promise<void> = Promise.resolve()
  /** Whether each node was reached, by its host and port. Empty before the first look, and if the database is not distributed. */
  states: ReadonlyMap<string, boolean> = new Map()

  constructor(database: DatabaseSettings, pool: Pick<pg.ClientBase, 'query'>) {
    this.#database = database
    this.#pool = pool
  }

  /** Says that nodes are lost. Null if none is, undefined if no nodes are known. */
  get fault(): string | null | undefined {
    const all = [...this.states.values()]
    const lost = all.filter((isReached) => !isReached).length
    if (all.length === 0) return undefined
    if (lost === 0) return null
    return `${lost} of ${all.length} nodes of the database ${lost === 1 ? 'does' : 'do'} not answer. Deliveries for owners there are answered 503.`
  }

  begin(): void {
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    this.#end.abort()
    await this.#client?.end().catch(() => {})
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#end
    while (!signal.aborted) {
      try {
        if (!(await this.#look())) break
      } catch {
        // The coordinator does not answer: readiness tells of that. What is known of the nodes stays.
        await this.#disconnect()
      }
      await sleep(PAUSE, undefined, { signal, ref: false }).catch(() => {})
    }
    await this.#disconnect()
  }

  /** Returns false if there is nothing to watch. */
  async #look(): Promise<boolean> {
    if (!this.#client && !(await isDistributed(this.#pool))) return false
    this.#client ??= await connectDirect(this.#database, {
      name: 'nightpost nodes',
      use: 'read',
      statementTimeout: STATEMENT,
    })
    if (!this.#client || this.#end.signal.aborted) return false
    await this.#client.query(SETTINGS)
    const { rows } = await this.#client.query(NODES)
    const states = new Map<string, boolean>()
    for (const { host, port } of rows) {
      const { rows } = await this.#client.query('select citus_check_connection_to_node($1, $2) as is', [
        host,
        port,
      ])
      states.set(`${host}:${port}`, rows[0].is)
    }
    this.states = states
    return true
  }

  async #disconnect(): Promise<void> {
    const client = this.#client
    this.#client = null
    await client?.end().catch(() => {})
  }
}
