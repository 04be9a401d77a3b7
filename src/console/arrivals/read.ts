import type pg from 'pg'
import { idAtTime } from '../../db/uuid-time.ts'
import { type Filter, instantOf } from './filter.ts'

/** An entry of the ledger as the list shows it. */
export interface Arrival {
  readonly deliveryId: string
  readonly vendor: string
  readonly event: string | null
  readonly owner: string
  readonly userId: string | null
  readonly outcome: string
  /** Why it was rejected, or that some records of it have no row. */
  readonly code: string | null
  readonly receivedAt: Date
  readonly timesReceived: number
  readonly bytes: number | null
}

export interface Arrivals {
  readonly arrivals: readonly Arrival[]
  /** Continues after the last entry that was looked at; null if there are no more. */
  readonly next: string | null
  /** The arrival of the oldest entry that was looked at, if the page ended there and not because it is full. */
  readonly lookedBackTo: Date | null
}

export const PAGE = 50

/** Entries that a page looks at. With a filter that few entries fit, the next page continues from there. */
const MOST_LOOKED_AT = 10_000

const COLUMNS = `delivery_id as "deliveryId", vendor, event, owner, user_id as "userId", outcome,
  problem_code as code, received_at as "receivedAt", times_received as "timesReceived", body_bytes as bytes`

/**
 * The newest deliveries before `before`. It reads a bounded part of the ledger, however few entries fit the filter: the latest
 * entries, or all of a person's if they are not many.
 */
export async function readArrivals(client: pg.ClientBase, filter: Filter, before: string): Promise<Arrivals> {
  const values: unknown[] = []
  const parameter = (value: unknown) => `$${values.push(value)}`
  const owners = filter.user === '' ? [] : await ownersOf(client, filter.user)
  const ofPerson = owners.length > 0 ? parameter(owners) : ''
  const isRare = ofPerson !== '' && (await areFew(client, owners))
  const bounds = [...boundsOf(filter, before)].map(
    ([operator, id]) => `delivery_id ${operator} ${parameter(id)}`,
  )
  // The predicate of a partial index, which leads to the few entries that are not stored.
  if (filter.outcome !== '' && filter.outcome !== 'stored') bounds.push("outcome <> 'stored'")
  const source = isRare ? allOf(ofPerson, parameter(filter.user)) : 'delivery_log'
  const all = `select ${COLUMNS} from ${source} where ${bounds.join(' and ') || 'true'} order by delivery_id desc`
  const boundValues = [...values]
  const conditions = (['vendor', 'event', 'outcome'] as const).flatMap((name) =>
    filter[name] === '' ? [] : [`${name} = ${parameter(filter[name])}`],
  )
  if (ofPerson !== '' && !isRare) conditions.push(`(owner = any(${ofPerson}::text[]))`)
  const { rows } = await client.query<Arrival>(
    conditions.length === 0
      ? `${all} limit ${PAGE + 1}`
      : `with looked_at as materialized (${all} limit ${MOST_LOOKED_AT})
         select * from looked_at where ${conditions.join(' and ')} order by "deliveryId" desc limit ${PAGE + 1}`,
    values,
  )
  if (rows.length > PAGE) {
    const arrivals = rows.slice(0, PAGE)
    return { arrivals, next: arrivals.at(-1)?.deliveryId ?? null, lookedBackTo: null }
  }
  if (conditions.length === 0) return { arrivals: rows, next: null, lookedBackTo: null }
  const end = `${all} offset ${MOST_LOOKED_AT - 1} limit 1`
  const { rows: ends } = await client.query<Arrival>(end, boundValues)
  return { arrivals: rows, next: ends[0]?.deliveryId ?? null, lookedBackTo: ends[0]?.receivedAt ?? null }
}

/** Deliveries that one look for news reads at most. */
const MOST_NEWS = 100

/** The latest deliveries after `since`, the oldest first. `isCut`: there are more, older ones. */
export async function arrivalsSince(
  client: pg.ClientBase,
  since: string,
): Promise<{ arrivals: Arrival[]; isCut: boolean }> {
  const { rows } = await client.query<Arrival>(
    `select ${COLUMNS} from delivery_log where delivery_id > $1 order by delivery_id desc limit ${MOST_NEWS + 1}`,
    [since],
  )
  return { arrivals: rows.slice(0, MOST_NEWS).reverse(), isCut: rows.length > MOST_NEWS }
}

function* boundsOf({ from, to }: Filter, before: string): Generator<[operator: '<' | '>=', id: string]> {
  const [first, last] = [instantOf(from), instantOf(to)]
  if (before !== '') yield ['<', before]
  if (last !== null) yield ['<', idAtTime(last)]
  if (first !== null) yield ['>=', idAtTime(first)]
}

/** Deliveries of a person that are all read before they are sorted. */
const MOST_OF_PERSON = 3_000

/** Whether the owners have few deliveries. It reads the primary key's index, and no further than it must. */
async function areFew(client: pg.ClientBase, owners: readonly string[]): Promise<boolean> {
  const { rows } = await client.query(
    `select count(*)::int as count from (
       select true from deliveries where owner = any($1::text[]) limit ${MOST_OF_PERSON + 1}
     ) as own`,
    [owners],
  )
  return rows[0].count <= MOST_OF_PERSON
}

/**
 * A FROM item with the deliveries of a person's owners, and the rejected ones with the person's id whose body names nobody. It
 * is read whole: otherwise Postgres might look for a rare owner through the ids of the whole ledger.
 */
const allOf = (owners: string, user: string): string => `(
    select * from delivery_log where owner = any(${owners}::text[])
    union all
    select * from (
      select * from delivery_log where outcome <> 'stored' order by delivery_id desc limit ${MOST_LOOKED_AT}
    ) as refused where owner = '' and user_id = ${user}
    offset 0
  ) as mine`

/** The owners that an id means: itself, and those of the person or the vendor's user with this id. */
async function ownersOf(client: pg.ClientBase, user: string): Promise<string[]> {
  const { rows } = await client.query(
    `select owner from people where person_id = $1
     union select owner from owners where coalesce(nullif(user_id, ''), owner) = $1 union select $1`,
    [user],
  )
  return rows.map(({ owner }) => owner)
}
