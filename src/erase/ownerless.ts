import type pg from 'pg'
import type { Vendor } from '../contract/vendor.ts'
import { isDistributed } from '../db/citus/state.ts'
import type { PersonKind } from '../db/sql/fence.ts'
import { hashOf } from './ids.ts'
import type { Person } from './person.ts'
import { readText, textsIn } from './texts.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** A table whose rows have no owner. Some of them may be about a person all the same. */
export type OwnerlessTable = 'deliveries' | 'unverified_deliveries'

/** Rows of one query. Their bodies are read, and each may have up to BODY_LIMIT_BYTES. */
const PAGE = 50

const FIRST = '00000000-0000-0000-0000-000000000000'

const ofNobody = (on: string) =>
  `select d.delivery_id, d.headers, d.received_at, b.body from deliveries as d left join delivery_bodies as b ${on}
    where d.owner = '' and d.vendor = $1 and d.delivery_id > $2 order by d.delivery_id limit ${PAGE}`

const SELECT = {
  deliveries: ofNobody('using (delivery_id)'),
  unverified_deliveries: `select delivery_id, headers, received_at, body from unverified_deliveries
    where vendor = $1 and delivery_id > $2 order by delivery_id limit ${PAGE}`,
}

const DELIVERIES_ON_CITUS = ofNobody(`on b.owner = '' and b.delivery_id = d.delivery_id`)

export interface Ownerless {
  /** The rows that name the person, in a header or in the body. */
  readonly ids: readonly string[]
  /** The rows that name nobody: no header names a user, and the body can't be read as text or is no JSON. */
  readonly unreadable: number
  /** When the last of these arrived, ISO 8601; null if there is none. */
  readonly newestUnreadable: string | null
}

/**
 * Finds the rows without an owner that name a person: deliveries that are rejected or unrecognised, and the quarantine.
 */
export async function findOwnerless(
  client: Client,
  table: OwnerlessTable,
  person: Person,
): Promise<Ownerless> {
  const ids: string[] = []
  let unreadable = 0
  let newest: Date | null = null
  const isElsewhere = table === 'deliveries' && (await isDistributed(client))
  const select = isElsewhere ? DELIVERIES_ON_CITUS : SELECT[table]
  for (let last = FIRST; ; ) {
    const { rows } = await client.query(select, [person.vendor.name, last])
    if (rows.length === 0) return { ids, unreadable, newestUnreadable: newest?.toISOString() ?? null }
    for (const { delivery_id, headers, received_at, body } of rows) {
      const found = namedIn(person, headers, body)
      if (found === true) ids.push(delivery_id)
      else if (found === null) {
        unreadable += 1
        if (newest === null || received_at > newest) newest = received_at
      }
    }
    last = rows.at(-1).delivery_id
  }
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
  const isUser = (id: string) => users.includes(id) || isUnnamed('user', id)
  const named = userHeaders(vendor).flatMap((name) => (headers[name] ? utf8(headers[name]) : []))
  if (named.some(isUser)) return true
  const text = readText(headers, body)
  const ids = new Set([...owners, ...users])
  for (const id of textsIn(text))
    if (ids.has(id) || isUnnamed('owner', id) || isUnnamed('user', id)) return true
  return named.length === 0 && !text.isJson ? null : false
}

/** The headers in which a vendor names a user. */
export const userHeaders = ({ schemes }: Vendor): string[] => [
  ...new Set(Object.values(schemes).flatMap(({ userHeader }) => userHeader ?? [])),
]

/** Node decodes headers as Latin-1, and so the ledger has them. */
const utf8 = (header: string) => [header, Buffer.from(header, 'latin1').toString('utf8')]

export async function deleteOwnerless(
  client: Client,
  table: OwnerlessTable,
  ids: readonly string[],
): Promise<number> {
  if (ids.length === 0) return 0
  const { rowCount } = await client.query(
    `delete from ${table} where delivery_id = any($1::uuid[])${table === 'deliveries' ? " and owner = ''" : ''}`,
    [ids],
  )
  return rowCount ?? 0
}
