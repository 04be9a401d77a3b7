import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import type { Person } from '../contract/pull.ts'
import { isErased } from '../db/sql/fence.ts'
import { primaryKeyOf } from '../db/sql/parameters.ts'
import type { Target } from '../tables/target.ts'

type Client = Pick<pg.Pool, 'query'>

const PAGE = 1_000

/** Rows of a table that `common` reads. */
const SAMPLE = 200

/** What a run reads of the database. Names of tables and columns come from declarations, never from an answer. */
export class Reading {
  readonly #client: Client
  readonly #vendor: string

  constructor(client: Client, vendor: string) {
    this.#client = client
    this.#vendor = vendor
  }

  /** Everybody of the vendor's who has rows, page by page. */
  async *known(): AsyncGenerator<Person> {
    let last = ''
    for (;;) {
      const { rows } = await this.#client.query(
        `select owner, user_id from owners where vendor = $1 and owner collate "C" > $2
         order by owner collate "C" limit ${PAGE}`,
        [this.#vendor, last],
      )
      for (const { owner, user_id } of rows) yield { owner, user: user_id === '' ? owner : user_id }
      if (rows.length < PAGE) return
      last = rows.at(-1).owner
    }
  }

  /** Whether a person was erased: the vendor is then not asked. */
  async isErased({ owner, user }: Person): Promise<boolean> {
    const { rows } = await this.#client.query(
      `select coalesce(${isErased('$1::text', 'owner', '$2::text')}, ${isErased('$1::text', 'user', '$3::text')}) as is_erased`,
      [this.#vendor, owner, user],
    )
    return rows[0].is_erased === true
  }

  async held(
    { table }: Target,
    owner: string,
    ids: readonly string[],
    columns: readonly string[],
  ): Promise<Record<string, unknown>[]> {
    const key = primaryKeyOf(table).map(({ name }) => name)
    const wanted = columns.map((name) => `"${name}"`).join(', ')
    const { rows } = await this.#client.query(
      `select ${wanted} from "${getTableName(table)}" where "${key[0]}" = $1 and "${key.at(-1)}" = any($2::text[])`,
      [owner, ids],
    )
    return rows
  }

  async lastPush(owner: string): Promise<number | null> {
    const { rows } = await this.#client.query(
      `select (extract(epoch from max(last_received_at)) * 1000)::float8 as at from deliveries
       where owner = $1 and vendor = $2 and source = 'push'`,
      [owner, this.#vendor],
    )
    return rows[0].at
  }

  async common(targets: readonly Target[], owner: string, column: string): Promise<string | null> {
    const found = new Set<string>()
    for (const { table } of targets) {
      const [key] = primaryKeyOf(table)
      const { rows } = await this.#client.query(
        `select distinct value from (select "${column}" as value from "${getTableName(table)}"
           where "${key?.name}" = $1 and "${column}" is not null limit ${SAMPLE}) as t`,
        [owner],
      )
      for (const { value } of rows) found.add(value)
    }
    const [only = null] = found
    return found.size === 1 ? only : null
  }

  /** Those of the digests that the ledger has of an owner, with the outcome. */
  async outcomes(owner: string, digests: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.#client.query(
      `select encode(body_digest, 'hex') as digest, outcome from deliveries
       where owner = $1 and vendor = $2 and body_digest = any(select decode(d, 'hex') from unnest($3::text[]) as d)`,
      [owner, this.#vendor, digests],
    )
    return new Map(rows.map(({ digest, outcome }) => [digest, outcome]))
  }

  /** Days of an owner without rows of `target` although other days have some: see `Pull.unpullable`. */
  async suspectDays(
    { target, day, besides }: { target: Target; day: string; besides: readonly Target[] },
    owner: string,
    { from, to }: { from: number; to: number },
  ): Promise<number> {
    const daysOf = ({ table }: Target) =>
      `select "${day}" as day from "${getTableName(table)}" where "${primaryKeyOf(table)[0]?.name}" = $1
       and "${day}" >= (to_timestamp($2 / 1000.0::float8) at time zone 'UTC')::date
       and "${day}" < (to_timestamp($3 / 1000.0::float8) at time zone 'UTC')::date`
    const { rows } = await this.#client.query(
      `with present as (${daysOf(target)}), beside as (${besides.map(daysOf).join(' union ')})
       select count(*)::int as days from beside where exists (select from present)
         and day not in (select day from present where day is not null)`,
      [owner, from, to],
    )
    return rows[0].days
  }
}
