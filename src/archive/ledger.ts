import { hash } from 'node:crypto'
import type pg from 'pg'
import { joinBodies } from '../db/citus/join-bodies.ts'
import { isDistributed } from '../db/citus/state.ts'
import { fencedDeliveries, isNotFenced } from '../db/sql/fence.ts'
import type { Period } from '../db/upkeep/maintain.ts'
import { DamagedBody } from '../db/upkeep/packs.ts'
import { GROUPS, PACKS, partitionsOf } from '../db/upkeep/partitions.ts'
import { idAtTime } from '../db/uuid-time.ts'
import { inChunks } from './chunks.ts'
import type { ArchivedDelivery } from './format.ts'

type Client = Pick<pg.ClientBase, 'query'>

const PAGE = 5_000

/** An entry of the ledger that may have a body. */
interface Candidate {
  readonly id: string
  readonly size: number
}

/** The first delivery that arrived in a period; null if the ledger has no delivery of it. */
export async function firstIdIn(client: Client, { from, to }: Period): Promise<string | null> {
  const { rows } = await client.query(
    'select delivery_id as id from deliveries where delivery_id >= $1 and delivery_id < $2 order by 1 limit 1',
    [idAtTime(from), idAtTime(to)],
  )
  return rows[0]?.id ?? null
}

export async function countEntries(client: Client, { from, to }: Period): Promise<number> {
  const { rows } = await client.query(
    'select count(*)::int as count from deliveries where delivery_id >= $1 and delivery_id < $2',
    [idAtTime(from), idAtTime(to)],
  )
  return rows[0].count
}

/** The time from which there are partitions for bodies. What arrived earlier has a body only in its entry. */
export async function partitionsSince(client: Client): Promise<number> {
  const partitions = [...(await partitionsOf(client, GROUPS)), ...(await partitionsOf(client, PACKS))]
  return Math.min(Date.now(), ...partitions.map(({ from }) => from))
}

/** The entries of a period that may have a body, in the order of their ids. */
export async function* candidates(client: Client, period: Period): AsyncGenerator<Candidate> {
  const apart = idAtTime(await partitionsSince(client))
  const onCitus = await isDistributed(client)
  let from = idAtTime(period.from)
  let last = ''
  for (;;) {
    const { rows } = await client.query(onCitus ? CANDIDATES_ON_CITUS : CANDIDATES, [
      from,
      idAtTime(period.to),
      apart,
    ])
    const fenced = onCitus ? await fencedOf(client, rows) : NONE
    for (const row of rows) if (row.id !== last && !fenced.has(row.id)) yield row
    if (rows.length < PAGE) return
    last = rows.at(-1).id
    from = last
  }
}

const MAY_HAVE_BODY = `from deliveries as d
  where delivery_id >= $1 and delivery_id < $2 and (body is not null or delivery_id >= $3)`
const SIZE = 'coalesce(body_size, octet_length(body), 0) as size'

const CANDIDATES = `select delivery_id as id, ${SIZE} ${MAY_HAVE_BODY} and ${isNotFenced('d')}
  order by delivery_id limit ${PAGE}`

/** A shard can't look up the fence for each row. */
const CANDIDATES_ON_CITUS = `select delivery_id as id, ${SIZE}, vendor, owner ${MAY_HAVE_BODY}
  order by delivery_id limit ${PAGE}`

const NONE: ReadonlySet<string> = new Set()

/** Returns the ids of the deliveries whose owner is erased. */
async function fencedOf(
  client: Client,
  rows: ReadonlyArray<{ id: string; vendor: string; owner: string }>,
): Promise<ReadonlySet<string>> {
  const { rows: fenced } = await client.query(fencedDeliveries.text, [
    rows.map(({ id }) => id),
    rows.map(({ vendor }) => vendor),
    rows.map(({ owner }) => owner),
    rows.map(() => null),
  ])
  return new Set(fenced.map(({ delivery_id }) => delivery_id))
}

/** Whether one of these deliveries has a body that is still kept. */
export async function haveBody(client: Client, ids: readonly string[]): Promise<boolean> {
  const { rows } = await client.query(
    'select true as have from delivery_bodies where delivery_id = any($1::uuid[]) limit 1',
    [ids],
  )
  return rows.length > 0
}

/**
 * The deliveries of a period whose body is still kept, in the order of their ids. Throws `DamagedBody` if a body does not
 * have its digest.
 */
export async function* ledgerDeliveries(client: Client, period: Period): AsyncGenerator<ArchivedDelivery> {
  const byId = (await isDistributed(client)) ? BY_ID_ON_CITUS : BY_ID
  for await (const chunk of inChunks(candidates(client, period), ({ size }) => size)) {
    const { rows } = await client.query(byId, [chunk.map(({ id }) => id)])
    for (const delivery of rows) {
      if (hash('sha256', delivery.body, 'hex') !== delivery.body_digest)
        throw new DamagedBody(delivery.delivery_id)
      yield delivery
    }
  }
}

const iso = (column: string) =>
  `to_char(d.${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as ${column}`

const COLUMNS = `d.delivery_id, d.owner, d.vendor, d.event, d.user_id, d.authenticated_by, d.outcome, d.problem,
  d.source, d.headers, ${iso('received_at')}, ${iso('last_received_at')}, d.times_received, d.normaliser_version,
  encode(d.body_digest, 'hex') as body_digest, b.body`

// OFFSET keeps the planner from joining the other way round, which reads all bodies for each chunk.
const BY_ID = `select ${COLUMNS}
  from unnest($1::uuid[]) as r(id)
  cross join lateral (select * from deliveries where delivery_id = r.id offset 0) as d
  cross join lateral (select body from delivery_bodies where delivery_id = r.id offset 0) as b
  order by d.delivery_id`

const BY_ID_ON_CITUS = `select ${COLUMNS} from deliveries as d join ${joinBodies('$1')}
  where d.delivery_id = any($1::uuid[]) order by d.delivery_id`
