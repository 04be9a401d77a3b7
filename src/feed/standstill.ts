import type pg from 'pg'

/** The transaction for which the feed waits. */
interface Holder {
  /** Its transaction id. */
  readonly id: string
  /** Its process; null if it is a prepared transaction. */
  readonly pid: number | null
  /** Seconds since its begin; null if this role may not see it. */
  readonly age: number | null
}

/** Seconds after which an open transaction is worth a warning. */
const OLD = 10

/** The lock of a transaction on its own id shows its process to every role. The age is shown to its own role and to monitors. */
const HOLDER = `select l.transactionid::text as id, l.pid,
  coalesce(extract(epoch from clock_timestamp() - a.xact_start), extract(epoch from clock_timestamp() - p.prepared))::float8 as age
from pg_locks as l left join pg_stat_activity as a on a.pid = l.pid
  left join pg_prepared_xacts as p on p.transaction = l.transactionid
where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
  and l.transactionid = pg_snapshot_xmin(pg_current_snapshot())::xid`

/** Watches whether an old transaction holds up the feed. Each such transaction is reported once. */
export class Standstill {
  readonly #old: number
  #seen: { id: string; since: number } | undefined
  #reported: string | undefined

  /** `old`: seconds after which a transaction is reported. */
  constructor(old = OLD) {
    this.#old = old
  }

  /** Returns a warning, or null. */
  async look(client: Pick<pg.ClientBase, 'query'>): Promise<string | null> {
    const holder: Holder | undefined = (await client.query(HOLDER)).rows[0]
    if (!holder) return null
    if (this.#seen?.id !== holder.id) this.#seen = { id: holder.id, since: Date.now() }
    const age = holder.age ?? (Date.now() - this.#seen.since) / 1000
    if (age < this.#old || this.#reported === holder.id) return null
    this.#reported = holder.id
    const who = holder.pid === null ? 'a prepared transaction' : `a transaction of process ${holder.pid}`
    return `The feed stands still because of ${who} that has been open for ${Math.floor(age)} s. What was committed since then is shown after its end.`
  }
}
