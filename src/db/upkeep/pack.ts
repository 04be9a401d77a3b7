import type pg from 'pg'
import { beginWriting } from '../citus/nodes.ts'
import { isDistributed } from '../citus/state.ts'
import { sqlState } from '../commit/failure.ts'
import { fencedDeliveries, isNotFenced } from '../sql/fence.ts'
import { timeOfId } from '../uuid-time.ts'
import { type Chunk, nextChunk, packedBodies, packedInline, readSorted } from './chunk.ts'
import { cutPacks, insertPacks, type Pack, readBack, windowsOf } from './packs.ts'
import { createPartitions, PACKS } from './partitions.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** How much is sorted by owner at once, and how much of it one transaction writes at most. */
export interface PackLimits {
  /** The bodies of a chunk. The server's temporary files take up to 2.5 times their bytes. */
  readonly chunkBytes: number
  readonly chunkDeliveries: number
  /** The bodies that one transaction packs. They are in this process's memory. */
  readonly bytes: number
  readonly deliveries: number
  /** The entries that are read and emptied at a time, by several transactions. Each locks its own. */
  readonly changedEntries: number
}

export const PACK_LIMITS: PackLimits = {
  chunkBytes: 2 ** 30,
  chunkDeliveries: 1_500_000,
  bytes: 16 * 2 ** 20,
  deliveries: 25_000,
  changedEntries: 2_000,
}

export interface PackOptions {
  /** Deliveries that arrived before this time are packed, in milliseconds of Unix time. */
  readonly until: number
  /** Bodies older than this time are dropped and not packed; null if they are kept for ever. */
  readonly keptSince: number | null
  readonly signal: AbortSignal
  readonly limits?: PackLimits
  /** Called after each transaction: the time until which everything is packed, and how many bodies this run has packed. */
  readonly onProgress?: (position: number, deliveries: number) => void
}

export interface Packed {
  readonly deliveries: number
  readonly packs: number
}

/**
 * Packs the bodies of stored deliveries by owner, a chunk of at most a day at a time: Postgres sorts the bodies of the chunk by
 * owner, and transactions of bounded size write the packs. A pack is read back, and every body of it compared with its digest,
 * before its transaction commits. Then bodies that were in their entries are removed from there. The position moves at the end
 * of the chunk. An interrupted run is taken up where it stopped, because bodies that are in a pack are left out. Throws if a body
 * doesn't have its digest; then nothing is dropped.
 */
export async function packBodies(client: Client, options: PackOptions): Promise<Packed> {
  const { until, signal, limits = PACK_LIMITS, onProgress } = options
  const done = { deliveries: 0, packs: 0 }
  let { chunkBytes, chunkDeliveries } = limits
  for (;;) {
    const from = await packedUntil(client)
    if (timeOfId(from) >= until || signal.aborted) return done
    const chunk = await nextChunk(client, from, until, { chunkBytes, chunkDeliveries })
    const onPacked = (packs: readonly Pack[]) => {
      done.deliveries += packs.reduce((sum, { entries }) => sum + entries.length, 0)
      done.packs += packs.length
      onProgress?.(timeOfId(from), done.deliveries)
    }
    try {
      if (!(await packChunk(client, chunk, { ...options, limits }, onPacked))) return done
    } catch (error) {
      if (sqlState(error) !== TOO_LARGE_FOR_TEMP_FILES || chunkBytes <= SMALLEST_CHUNK) throw error
      chunkBytes /= 4
      chunkDeliveries = Math.ceil(chunkDeliveries / 4)
      continue
    }
    await client.query(
      `insert into upkeep_tasks as t (task, position, finished_at) values ('pack', $1, now())
       on conflict (task) do update set position = excluded.position, finished_at = excluded.finished_at`,
      [chunk.end],
    )
    onProgress?.(timeOfId(chunk.end), done.deliveries)
  }
}

/** The server's `temp_file_limit`. */
const TOO_LARGE_FOR_TEMP_FILES = '53400'

/** Bytes that can be sorted in memory. */
const SMALLEST_CHUNK = 16 * 2 ** 20

/** Returns false if it was interrupted. */
async function packChunk(
  client: Client,
  chunk: Chunk,
  { keptSince, signal, limits }: PackOptions & { readonly limits: PackLimits },
  onPacked: (packs: readonly Pack[]) => void,
): Promise<boolean> {
  const isKept = keptSince === null || timeOfId(chunk.end) > keptSince
  if (isKept && chunk.deliveries > 0) {
    for await (const packs of windowsOf(cutPacks(packedBodies(client, chunk)), limits)) {
      onPacked(await writePacks(client, packs))
      if (signal.aborted) return false
    }
  }
  return chunk.inline === 0 || emptyEntries(client, chunk, isKept, signal, limits)
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000'

/** The bodies of deliveries with a smaller id are packed. */
export async function packedUntil(client: Client): Promise<string> {
  const { rows } = await client.query(`select position from upkeep_tasks where task = 'pack'`)
  return rows[0]?.position ?? FIRST_ID
}

/**
 * Writes packs in one transaction, without the deliveries that since they were read an erasure has deleted, or is about to
 * delete, or that a replay gave another owner. Returns what it wrote.
 */
async function writePacks(client: Client, packs: readonly Pack[]): Promise<Pack[]> {
  // An erasure waits for the transactions that hold this lock, so this one sees every fence that is not waiting. It blocks nobody.
  return transaction(client, [], async () => {
    await client.query('lock table deliveries in row exclusive mode')
    const gone = await goneDeliveries(client, packs)
    const written = packs.flatMap(({ owner, entries }) => {
      const kept = entries.filter(({ delivery_id }) => !gone.has(delivery_id))
      return kept.length > 0 ? [{ owner, entries: kept }] : []
    })
    const first = written[0]?.entries[0]
    if (first) {
      const time = timeOfId(first.delivery_id)
      await createPartitions(client, PACKS, time, time + 1)
      await insertPacks(client, written)
      await readBack(client, written)
    }
    return written
  })
}

/** On Citus a list of parameters has no shard, so the ledger is asked for those that are there. */
async function goneOnCitus(client: Client, packs: readonly Pack[]): Promise<Set<string>> {
  const { rows } = await client.query(
    `select delivery_id as id, vendor, owner from deliveries
     where delivery_id = any($1::uuid[]) and owner = any($2::text[]) and outcome = 'stored'`,
    [
      packs.flatMap(({ entries }) => entries.map(({ delivery_id }) => delivery_id)),
      packs.map(({ owner }) => owner),
    ],
  )
  const [ids, names, owners] = [
    rows.map(({ id }) => id),
    rows.map(({ vendor }) => vendor),
    rows.map(({ owner }) => owner),
  ]
  const fenced = await client.query(fencedDeliveries.text, [ids, names, owners, owners])
  const isFenced = new Set(fenced.rows.map(({ delivery_id }) => delivery_id))
  const ownerOf = new Map(rows.map(({ id, owner }) => [id, owner]))
  return new Set(
    packs.flatMap(({ owner, entries }) =>
      entries.flatMap(({ delivery_id: id }) => (ownerOf.get(id) === owner && !isFenced.has(id) ? [] : [id])),
    ),
  )
}

/** The subquery for each row makes Postgres use the index of the ids, however many there are. */
async function goneDeliveries(client: Client, packs: readonly Pack[]): Promise<Set<string>> {
  if (await isDistributed(client)) return goneOnCitus(client, packs)
  const { rows } = await client.query(
    `select r.id from unnest($1::uuid[], $2::text[]) as r(id, owner) where (
       select true from deliveries as d
       where d.delivery_id = r.id and d.owner = r.owner and d.outcome = 'stored' and ${isNotFenced('d')} limit 1
     ) is null`,
    [
      packs.flatMap(({ entries }) => entries.map(({ delivery_id }) => delivery_id)),
      packs.flatMap(({ owner, entries }) => entries.map(() => owner)),
    ],
  )
  return new Set(rows.map(({ id }) => id))
}

/** Transactions among which entries that lie beside each other are divided. A page has about as many entries with bodies. */
const TURNS = 8

/**
 * Removes bodies from the entries of a chunk once they are packed, or no longer kept. In the order of arrival, so that a page is
 * logged as a whole once: in the order of the owners that would happen for each of its entries. Neighbours are changed by
 * different transactions: each finds the room that the one before has freed on the page, so the entry stays there, and no index
 * changes. Returns false if it was interrupted.
 */
async function emptyEntries(
  client: Client,
  chunk: Chunk,
  isKept: boolean,
  signal: AbortSignal,
  { changedEntries }: PackLimits,
): Promise<boolean> {
  const entries = readSorted<{ delivery_id: string }>(client, packedInline(chunk, isKept), changedEntries)
  const onCitus = await isDistributed(client)
  for await (const rows of entries) {
    for (let turn = 0; turn < TURNS; turn += 1) {
      const ids = rows.filter((_, nth) => nth % TURNS === turn).map(({ delivery_id }) => delivery_id)
      if (ids.length > 0) await emptySome(client, ids, onCitus)
    }
    if (signal.aborted) return false
  }
  return true
}

async function emptySome(client: Client, ids: readonly string[], onCitus: boolean): Promise<void> {
  const condition = `delivery_id = any($1::uuid[]) and outcome = 'stored' and body is not null`
  // The transaction that moves the position waits for the disk, and so for all before it. On Citus that is another disk.
  await transaction(client, onCitus ? [] : ['set local synchronous_commit = off'], async () => {
    // In the order in which a group locks entries. Citus can't lock rows of several shards in an order.
    if (!onCitus)
      await client.query(
        `select from deliveries where ${condition} order by owner collate "C", vendor collate "C", body_digest for update`,
        [ids],
      )
    await client.query(
      `update deliveries set body = null, body_size = octet_length(body) where ${condition}`,
      [ids],
    )
  })
}

/** Milliseconds: a delivery that waits for the upkeep may wait a little longer. */
const LOCK_TIMEOUT = 1_000

async function transaction<T>(
  client: Client,
  settings: readonly string[],
  run: () => Promise<T>,
): Promise<T> {
  await beginWriting(client, { lockTimeout: LOCK_TIMEOUT }, settings)
  try {
    const result = await run()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
