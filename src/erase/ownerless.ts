import type pg from 'pg'
import { usersNamed } from '../contract/user-headers.ts'
import { isDistributed } from '../db/citus/state.ts'
import type { PersonKind } from '../db/sql/fence.ts'
import { hashOf } from './ids.ts'
import type { Person } from './person.ts'
import { readText, textsIn } from './texts.ts'
import { transaction } from './transaction.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** A table whose rows have no owner. Some of them may be about a person all the same. */
export type OwnerlessTable = 'deliveries' | 'unverified_deliveries'

export interface OwnerlessRow {
  readonly delivery_id: string
  readonly vendor: string
  readonly headers: Readonly<Record<string, string>>
  readonly received_at: Date
  readonly body: Buffer | null
}

/** Rows and bytes of one query; it returns one row at least. A body may have up to BODY_LIMIT_BYTES. */
const PAGE = 200
const PAGE_BYTES = 4 * 2 ** 20

export const FIRST = '00000000-0000-0000-0000-000000000000'
const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

const RANGE = `d.vendor = any($1::text[]) and d.delivery_id > $2 and d.delivery_id <= $3 order by d.delivery_id limit ${PAGE}`

const ofNobody = (on: string) =>
  `select d.delivery_id, d.vendor, d.headers, d.received_at, b.body, coalesce(octet_length(d.body), d.body_size, 0) as size
    from deliveries as d left join delivery_bodies as b ${on} where d.owner = '' and ${RANGE}`

const SELECT = {
  deliveries: ofNobody('using (delivery_id)'),
  unverified_deliveries: `select d.delivery_id, d.vendor, d.headers, d.received_at, d.body, octet_length(d.body) as size
    from unverified_deliveries as d where ${RANGE}`,
}

const DELIVERIES_ON_CITUS = ofNobody(`on b.owner = '' and b.delivery_id = d.delivery_id`)

const pageOf = (rows: string) =>
  `select delivery_id, vendor, headers, received_at, body from (
     select r.*, sum(r.size) over (order by r.delivery_id) - r.size as bytes_before from (${rows}) as r
   ) as page where bytes_before < ${PAGE_BYTES} order by delivery_id`

/** Reads the rows without an owner of some vendors, in the order of their ids, page by page: those after an id, up to another. */
export async function* ownerlessRows(
  client: Client,
  table: OwnerlessTable,
  vendors: readonly string[],
  { after = FIRST, until = LAST }: { readonly after?: string; readonly until?: string } = {},
): AsyncGenerator<readonly OwnerlessRow[]> {
  const isElsewhere = table === 'deliveries' && (await isDistributed(client))
  const select = pageOf(isElsewhere ? DELIVERIES_ON_CITUS : SELECT[table])
  for (let last = after; ; ) {
    const { rows } = await client.query<OwnerlessRow>(select, [vendors, last, until])
    const end = rows.at(-1)
    if (!end) return
    yield rows
    last = end.delivery_id
  }
}

export interface Ownerless {
  /** The rows that name the person, in a header or in the body. */
  readonly ids: readonly string[]
  /** The rows that name nobody: no header names a user, and the body can't be read as text or is no JSON. */
  readonly unreadable: number
  /** When the last of these arrived, ISO 8601; null if there is none. */
  readonly newestUnreadable: string | null
}

/** Finds the rows without an owner that name a person: deliveries that are rejected or unrecognised, and the quarantine. */
export async function findOwnerless(
  client: Client,
  table: OwnerlessTable,
  person: Person,
): Promise<Ownerless> {
  const ids: string[] = []
  let unreadable = 0
  let newest: Date | null = null
  for await (const rows of ownerlessRows(client, table, [person.vendor.name])) {
    for (const { delivery_id, headers, received_at, body } of rows) {
      const found = namedIn(person, headers, body)
      if (found === true) ids.push(delivery_id)
      else if (found === null) {
        unreadable += 1
        if (newest === null || received_at > newest) newest = received_at
      }
    }
  }
  return { ids, unreadable, newestUnreadable: newest?.toISOString() ?? null }
}

/**
 * Whether a delivery without an owner names a person: a header does, or an id of theirs stands in the body. Null if that can't be
 * known: no header names anybody, and the body is no JSON.
 */
export function namedIn(
  { vendor, owners, users, unnamed }: Person,
  headers: Readonly<Record<string, string>>,
  body: Buffer | null,
): boolean | null {
  const isUnnamed = (kind: PersonKind, id: string) =>
    unnamed !== undefined &&
    unnamed.hashes.size > 0 &&
    unnamed.hashes.has(hashOf(unnamed.key, vendor.name, kind, id))
  const named = usersNamed(vendor, headers)
  if (named.some((id) => users.includes(id) || isUnnamed('user', id))) return true
  const text = readText(headers, body)
  const ids = new Set([...owners, ...users])
  for (const id of textsIn(text))
    if (ids.has(id) || isUnnamed('owner', id) || isUnnamed('user', id)) return true
  return named.length === 0 && !text.isJson ? null : false
}

export async function deleteOwnerless(
  client: pg.ClientBase,
  table: OwnerlessTable,
  ids: readonly string[],
): Promise<number> {
  if (ids.length === 0) return 0
  const { rowCount } = await transaction(client, () =>
    client.query(
      `delete from ${table} where delivery_id = any($1::uuid[])${table === 'deliveries' ? " and owner = ''" : ''}`,
      [ids],
    ),
  )
  return rowCount ?? 0
}
