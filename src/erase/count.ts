import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import { quoted } from '../db/migrate/migration-files.ts'
import { hasOtherVendor } from './ledger.ts'
import { countNames } from './names.ts'
import { findOwnerless } from './ownerless.ts'
import type { Person } from './person.ts'
import { personTables } from './person-tables.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** What the database has of a person: how many rows, by table. */
export interface Holding {
  readonly counts: Readonly<Record<string, number>>
  /** The ids of the rows without an owner that name the person. */
  readonly ownerless: readonly string[]
  readonly quarantined: readonly string[]
  /** Rows without an owner that name nobody and can't be read. They may be about the person. */
  readonly unreadable: number
  readonly newestUnreadable: string | null
}

/** Counts what the database has of a person. The caller's transaction should be a snapshot. */
export async function countHolding(client: Client, person: Person): Promise<Holding> {
  const { vendor, owners, users } = person
  const selects = personTables([vendor]).map(
    ({ target, ownerColumn }) =>
      `select '${getTableName(target.table)}' as name, count(*)::int as n from ${quoted(getTableName(target.table))} where ${quoted(ownerColumn)} = any($2::text[])`,
  )
  const { rows } = await client.query(
    `${selects.join(' union all ')}
    union all select 'deliveries', count(*)::int from deliveries where vendor = $1 and owner = any($2::text[])
    union all select 'body_packs', count(*)::int from body_packs as p where owner = any($2::text[])
      and not ${hasOtherVendor('p.owner')}`,
    [vendor.name, owners],
  )
  const named = await client.query(
    `select count(*)::int as n from deliveries
     where outcome <> 'stored' and vendor = $1 and user_id = any($2::text[]) and owner <> '' and owner <> all($3::text[])`,
    [vendor.name, users, owners],
  )
  const ownerless = await findOwnerless(client, 'deliveries', person)
  const quarantined = await findOwnerless(client, 'unverified_deliveries', person)
  return {
    counts: {
      ...Object.fromEntries(rows.map(({ name, n }) => [name, n])),
      ...(await countNames(client, person)),
      'deliveries without an owner': ownerless.ids.length,
      'deliveries of others that name the person': named.rows[0].n,
      unverified_deliveries: quarantined.ids.length,
    },
    ownerless: ownerless.ids,
    quarantined: quarantined.ids,
    unreadable: ownerless.unreadable + quarantined.unreadable,
    newestUnreadable: later(ownerless.newestUnreadable, quarantined.newestUnreadable),
  }
}

/** The later of two times as `toISOString` writes them. */
const later = (one: string | null, other: string | null) =>
  one === null || (other !== null && other > one) ? other : one

export const totalOf = (counts: Holding['counts']): number =>
  Object.values(counts).reduce((sum, n) => sum + n, 0)
