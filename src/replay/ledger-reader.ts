import type pg from 'pg'
import { joinBodies } from '../db/citus/join-bodies.ts'
import { isDistributed } from '../db/citus/state.ts'
import type { Arrival, Verdict } from '../ingest/delivery.ts'

/** A delivery of the ledger, with its body. */
export interface LedgerDelivery {
  readonly arrival: Arrival
  readonly vendor: string
  readonly owner: string
  readonly outcome: Verdict['outcome']
  readonly authenticatedBy: string
  readonly source: 'push' | 'pull'
  readonly headers: Readonly<Record<string, string>>
}

/** In a filter: the deliveries that are stored, but with records that have no row. */
const PARTLY_STORED = 'partly_stored'

/** Selects deliveries: every condition that is given must hold. */
export interface Filter {
  /** Outcomes of the ledger, or `partly_stored`. */
  readonly outcomes?: readonly string[]
  readonly vendor?: string
  readonly event?: string
  /** The user that the header names, or the owner of the data. */
  readonly user?: string
  readonly owner?: string
  /** Bounds of the first arrival, ISO 8601: `since` is included, `until` is not. */
  readonly since?: string
  readonly until?: string
  readonly deliveries?: readonly string[]
}

/** Limits of one query: the bytes of all bodies, and the number of deliveries. */
const CHUNK_BYTES = 8 * 2 ** 20
const CHUNK_DELIVERIES = 500
const PAGE = 5_000

type Client = Pick<pg.ClientBase, 'query'>

export async function countDeliveries(client: Client, filter: Filter): Promise<number> {
  const { where, values } = conditions(filter)
  const { rows } = await client.query(`select count(*)::int as count from deliveries where ${where}`, values)
  return rows[0].count
}

/**
 * Reads the deliveries in order of arrival, in chunks. Deliveries that arrive during the reading may be included. Those
 * whose body is no longer kept are left out, unless the table `moreBodies` (`delivery_id`, `body`) has it.
 */
export async function* readDeliveries(
  client: Client,
  filter: Filter,
  moreBodies?: string,
): AsyncGenerator<LedgerDelivery[]> {
  const { where, values } = conditions(filter)
  const next = `select delivery_id, coalesce(body_size, octet_length(body)) as size from deliveries
    where ${where} and delivery_id > $${values.length + 1} order by delivery_id limit ${PAGE}`
  const inLedger = (await isDistributed(client)) ? BY_ID_ON_CITUS : byId('delivery_bodies')
  let last = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const { rows: page } = await client.query(next, [...values, last])
    if (page.length === 0) return
    for (const ids of chunks(page)) {
      const { rows } = await client.query(inLedger, [ids])
      if (moreBodies) {
        rows.push(...(await client.query(byId(moreBodies), [ids])).rows)
        rows.sort((a, b) => (a.delivery_id < b.delivery_id ? -1 : 1))
      }
      yield rows.map(ledgerDelivery)
    }
    last = page.at(-1).delivery_id
  }
}

const COLUMNS = `d.delivery_id, d.vendor, d.owner, d.outcome, d.authenticated_by, d.source, d.headers, b.body, d.body_digest,
  d.received_at::text`

const byId = (
  bodies: string,
) => `select ${COLUMNS} from deliveries as d join ${bodies} as b using (delivery_id)
  where delivery_id = any($1::uuid[]) order by delivery_id`

const BY_ID_ON_CITUS = `select ${COLUMNS} from deliveries as d join ${joinBodies('$1')}
  where d.delivery_id = any($1::uuid[]) order by d.delivery_id`

function ledgerDelivery(row: Record<string, unknown>): LedgerDelivery {
  return {
    arrival: {
      id: row.delivery_id as string,
      receivedAt: row.received_at as string,
      body: row.body as Buffer,
      digest: (row.body_digest as Buffer).toString('hex'),
    },
    vendor: row.vendor as string,
    owner: row.owner as string,
    outcome: row.outcome as Verdict['outcome'],
    authenticatedBy: row.authenticated_by as string,
    source: row.source as LedgerDelivery['source'],
    headers: row.headers as Record<string, string>,
  }
}

/** Divides the ids of a page into chunks within the limits of one query. */
export function chunks(page: ReadonlyArray<{ delivery_id: string; size: number }>): string[][] {
  const all: string[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const { delivery_id, size } of page) {
    bytes += size
    if (bytes > CHUNK_BYTES || all.at(-1)?.length === CHUNK_DELIVERIES) {
      all.push([])
      bytes = size
    }
    all.at(-1)?.push(delivery_id)
  }
  return all
}

/** The filter as an SQL condition; every value is a parameter. */
export function conditions(filter: Filter): { where: string; values: unknown[] } {
  const values: unknown[] = []
  const all: string[] = ['true']
  const add = (value: unknown, condition: (parameter: string) => string) => {
    if (value === undefined) return
    values.push(value)
    all.push(condition(`$${values.length}`))
  }
  // The condition of the partial index on deliveries that are not stored.
  const isStored = (outcome: string) => outcome === 'stored' || outcome === PARTLY_STORED
  if (filter.outcomes && !filter.outcomes.some(isStored)) all.push(`outcome <> 'stored'`)
  const partly = filter.outcomes?.includes(PARTLY_STORED)
    ? ` or (outcome = 'stored' and problem is not null)`
    : ''
  add(filter.outcomes, (p) => `(outcome = any(${p}::text[])${partly})`)
  add(filter.vendor, (p) => `vendor = ${p}`)
  add(filter.event, (p) => `event = ${p}`)
  add(filter.user, (p) => `(user_id = ${p} or owner = ${p})`)
  add(filter.owner, (p) => `owner = ${p}`)
  add(filter.since, (p) => `received_at >= ${p}::timestamptz`)
  add(filter.until, (p) => `received_at < ${p}::timestamptz`)
  add(filter.deliveries, (p) => `delivery_id = any(${p}::uuid[])`)
  return { where: all.join(' and '), values }
}
