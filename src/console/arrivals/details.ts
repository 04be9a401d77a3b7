import type pg from 'pg'
import { unixTime } from '../../contract/instant.ts'
import type { Headers } from '../../contract/vendor.ts'
import { isDistributed } from '../../db/citus/state.ts'
import { unpackAndJudge } from '../../ingest/judge.ts'
import type { ConsoleContext } from '../context.ts'
import { groupsOnCitus } from './citus-groups.ts'
import type { Arrival } from './read.ts'

/** What an entry of the ledger does not say by itself. */
export interface Details {
  /** Deliveries that one transaction stored with it; null if it was not stored at its first arrival. */
  readonly group: number | null
  /** Milliseconds from the vendor's own time of the record to its arrival; null if the body doesn't say it or is not read. */
  readonly lag: number | null
}

export type DetailedArrival = Arrival & Details

/** Deliveries of one transaction that are counted. */
export const MOST_COUNTED = 1_000

/** Bytes of a body that is read, as kept and unpacked. Larger ones are lists of samples. */
const MOST_BYTES = 64 * 1024

/** Adds the details. It reads each delivery's body, unless the console shows no values. */
export async function withDetails(
  client: pg.ClientBase,
  context: Pick<ConsoleContext, 'vendors' | 'showsValues'>,
  arrivals: readonly Arrival[],
): Promise<DetailedArrival[]> {
  if (arrivals.length === 0) return []
  const groups = await readGroups(client, arrivals)
  const lags = context.showsValues ? await readLags(client, context, arrivals) : new Map<string, number>()
  return arrivals.map((arrival) => ({
    ...arrival,
    group: groups.get(arrival.deliveryId) ?? null,
    lag: lags.get(arrival.deliveryId) ?? null,
  }))
}

/**
 * An even position in the change feed is that of the transaction that stored the delivery at its first arrival. The condition of the
 * feed's partial index stands in the query word for word, so that Postgres uses the index.
 */
async function readGroups(client: pg.ClientBase, arrivals: readonly Arrival[]): Promise<Map<string, number>> {
  const ids = arrivals.map(({ deliveryId }) => deliveryId)
  if (await isDistributed(client)) return groupsOnCitus(client, ids, MOST_COUNTED)
  const { rows } = await client.query<{ id: string; count: number }>(
    `with mine as materialized (
       select delivery_id, change_position from deliveries
       where delivery_id = any($1::uuid[]) and outcome = 'stored' and change_position % 2 = 0
     ), sizes as materialized (
       select change_position, (select count(*)::int from (
         select from deliveries as d where d.change_position = p.change_position and d.outcome = 'stored'
           and (d.outcome = 'stored' or d.change_position % 2 = 1) limit ${MOST_COUNTED}
       ) as one) as count
       from (select distinct change_position from mine) as p
     )
     select delivery_id as id, count from mine join sizes using (change_position)`,
    [ids],
  )
  return new Map(rows.map(({ id, count }) => [id, count]))
}

interface KeptBody {
  readonly id: string
  readonly vendor: string
  readonly scheme: string
  readonly headers: Headers
  readonly body: Buffer
}

async function readLags(
  client: pg.ClientBase,
  { vendors }: Pick<ConsoleContext, 'vendors'>,
  arrivals: readonly Arrival[],
): Promise<Map<string, number>> {
  const small = arrivals.filter(
    ({ outcome, bytes }) => outcome === 'stored' && bytes !== null && bytes <= MOST_BYTES,
  )
  const receivedAt = new Map(small.map((arrival) => [arrival.deliveryId, arrival.receivedAt.getTime()]))
  const { rows } = await client.query<KeptBody>(
    `select d.delivery_id as id, d.vendor, d.authenticated_by as scheme, d.headers, b.body
     from unnest($1::text[], $2::uuid[]) as r(owner, delivery_id)
     join deliveries as d on d.delivery_id = r.delivery_id and d.owner = r.owner
     join delivery_bodies as b on b.owner = r.owner and b.delivery_id = r.delivery_id`,
    [small.map(({ owner }) => owner), [...receivedAt.keys()]],
  )
  const lags = new Map<string, number>()
  for (const { id, vendor: name, scheme, headers, body } of rows) {
    const vendor = vendors.find((one) => one.name === name)
    if (!vendor?.schemes[scheme]) continue
    const { createdAt } = unpackAndJudge(vendor, scheme, headers, body, MOST_BYTES)
    const created = unixTime(createdAt)
    if (created !== null) lags.set(id, (receivedAt.get(id) ?? 0) - created)
  }
  return lags
}
