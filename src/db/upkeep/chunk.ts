import { hash } from 'node:crypto'
import type pg from 'pg'
import { isDistributed } from '../citus/state.ts'
import { idAtTime, timeOfId } from '../uuid-time.ts'
import { DamagedBody, type PackedEntry } from './packs.ts'

type Client = Pick<pg.ClientBase, 'query'>

const DAY = 86_400_000

/** Deliveries of one day whose bodies are packed together: the ids from `from` on, before `end`. */
export interface Chunk {
  readonly from: string
  readonly end: string
  /** How many of them have a body that may have to be packed. */
  readonly deliveries: number
  /** How many have it in their entry. */
  readonly inline: number
}

interface ChunkLimits {
  readonly chunkBytes: number
  readonly chunkDeliveries: number
}

/** Finds the next chunk from an id on, of deliveries that arrived before a time. */
export async function nextChunk(
  client: Client,
  from: string,
  until: number,
  { chunkBytes, chunkDeliveries }: ChunkLimits,
): Promise<Chunk> {
  const { rows: first } = await client.query(
    'select delivery_id as id from deliveries where delivery_id >= $1 and delivery_id < $2 order by 1 limit 1',
    [from, idAtTime(until)],
  )
  if (first.length === 0) return { from, end: idAtTime(until), deliveries: 0, inline: 0 }
  const endOfDay = idAtTime(Math.min(until, dayOf(first[0].id) + DAY))
  const { rows } = await client.query(
    `select count(*)::int as deliveries, count(*) filter (where is_inline)::int as inline, max(delivery_id::text collate "C") as last
     from (
       select delivery_id, is_inline, row_number() over w as nth, sum(size) over w as bytes
       from (
         select delivery_id, body is not null as is_inline, coalesce(octet_length(body), body_size) as size
         from deliveries
         where delivery_id >= $1 and delivery_id < $2 and outcome = 'stored' and (body is not null or body_group is not null)
         order by delivery_id limit $3
       ) as due window w as (order by delivery_id rows unbounded preceding)
     ) as counted where nth = 1 or bytes <= $4`,
    [first[0].id, endOfDay, chunkDeliveries, chunkBytes],
  )
  const { deliveries, inline, last } = rows[0]
  return { from: first[0].id, end: last === null ? endOfDay : idAfter(last), deliveries, inline }
}

const dayOf = (id: string) => Math.floor(timeOfId(id) / DAY) * DAY

/** The next UUID. */
function idAfter(id: string): string {
  const hex = (BigInt(`0x${id.replaceAll('-', '')}`) + 1n).toString(16).padStart(32, '0')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/**
 * Runs a query in a read-only transaction, and yields its rows afterwards, so many at a time. Postgres has written them to
 * temporary files by then: no transaction is open between two batches. `work_mem` lets it merge a chunk in one pass. Nested
 * loops are off, because Postgres does not know how many deliveries packs have. Hash tables of groups are off, because their
 * memory is not bounded.
 */
export async function* readSorted<R extends pg.QueryResultRow>(
  client: Client,
  query: string,
  batch: number,
): AsyncGenerator<R[]> {
  await client.query('begin read only')
  try {
    await client.query(
      'set local work_mem = 32768; set local enable_nestloop = off; set local enable_hashagg = off; set local enable_memoize = off',
    )
    await client.query(`declare sorted no scroll cursor with hold for ${query}`)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
  try {
    for (;;) {
      const { rows } = await client.query<R>(`fetch ${batch} from sorted`)
      if (rows.length > 0) yield rows
      if (rows.length < batch) return
    }
  } finally {
    await client.query('close sorted').catch(() => {})
  }
}

const inChunk = ({ from, end }: Chunk, id: string) => `${id} >= '${from}' and ${id} < '${end}'`

/**
 * SQL for the deliveries of a chunk that are in packs already. A pack's id is that of its first delivery, and no pack crosses the
 * end of a day. It may cross the beginning of a chunk, if an interrupted run had chunks of another size.
 */
const packed = ({ from, end }: Chunk) => `packed as materialized (
  select unnest(p.delivery_ids) as delivery_id from body_packs as p
  where p.pack_id >= '${idAtTime(dayOf(from))}' and p.pack_id < '${end}' and p.last_id >= '${from}'
)`

const isNotPacked = 'not exists (select from packed as p where p.delivery_id = d.delivery_id)'

/** SQL for the deliveries of a chunk whose entry still has a body that is packed, or, if none is kept, a body. */
export const packedInline = (chunk: Chunk, isKept: boolean): string => `with ${packed(chunk)}
  select d.delivery_id from deliveries as d
  where ${inChunk(chunk, 'd.delivery_id')} and d.outcome = 'stored' and d.body is not null
    and (not ${isKept} or d.delivery_id in (select delivery_id from packed))
  order by d.delivery_id`

/** Bodies that one query reads, each of at most `LONG` bytes. */
const BATCH = 512
const LONG = 64 * 2 ** 10

const bodiesOfGroups = (chunk: Chunk) => `select u.owner, u.delivery_id, u.digest,
      case when u.size <= ${LONG} then substring(g.bytes from u.start for u.size) end as body
    from (
      select places.*, g.bytes from (
        select d.body_group, array_agg(d.owner) as owners, array_agg(d.delivery_id) as ids,
          array_agg(d.body_digest) as digests, array_agg(d.body_start) as starts, array_agg(d.body_size) as sizes
        from deliveries as d
        where ${inChunk(chunk, 'd.delivery_id')} and d.outcome = 'stored' and d.body is null and d.body_group is not null
          and ${isNotPacked}
        group by d.body_group
      ) as places
      cross join lateral (select bytes || ''::bytea as bytes from body_groups where group_id = places.body_group offset 0) as g
      offset 0
    ) as g
    cross join lateral unnest(g.owners, g.ids, g.digests, g.starts, g.sizes) as u(owner, delivery_id, digest, start, size)
    union all
`

/**
 * SQL for the bodies of a chunk that are in no pack, by owner and in the order of arrival. A long body is NULL, so that a batch
 * has a bounded size. `||` decompresses a group once; `substring` of the stored value would do so for each body. `offset 0` keeps
 * it before the join with the group's deliveries.
 */
const bodiesByOwner = (chunk: Chunk, hasGroups: boolean) => `with ${packed(chunk)}
  select * from (
${hasGroups ? bodiesOfGroups(chunk) : ''}    select d.owner, d.delivery_id, d.body_digest as digest, case when octet_length(d.body) <= ${LONG} then d.body end as body
    from deliveries as d
    where ${inChunk(chunk, 'd.delivery_id')} and d.outcome = 'stored' and d.body is not null and ${isNotPacked}
  ) as bodies order by owner collate "C", delivery_id`

/** Yields the bodies of a chunk that are in no pack, by owner and in the order of arrival, and compares each with its digest. */
export async function* packedBodies(client: Client, chunk: Chunk): AsyncGenerator<PackedEntry> {
  // A distributed ledger has no groups, and Citus can't join them with it.
  const hasGroups = !(await isDistributed(client))
  for await (const rows of readSorted<PackedEntry>(client, bodiesByOwner(chunk, hasGroups), BATCH)) {
    for (const row of rows) {
      const body = row.body ?? (await readBody(client, row))
      if (!body) continue
      if (hash('sha256', body, 'hex') !== row.digest.toString('hex')) throw new DamagedBody(row.delivery_id)
      yield { ...row, body }
    }
  }
}

/** Undefined if the delivery was deleted meanwhile. */
async function readBody(client: Client, { owner, delivery_id }: PackedEntry): Promise<Buffer | undefined> {
  const { rows } = await client.query(
    'select body from delivery_bodies where owner = $1 and delivery_id = $2',
    [owner, delivery_id],
  )
  return rows[0]?.body
}
