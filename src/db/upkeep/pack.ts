import { hash } from 'node:crypto'
import type pg from 'pg'
import { columnLiteral } from '../sql/values.ts'
import { idAtTime, timeOfId } from '../uuid-time.ts'
import { createPartitions, PACKS } from './partitions.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** What one transaction packs at most. A transaction that changes entries locks them, so it is smaller. */
export interface WindowLimits {
  readonly bytes: number
  readonly deliveries: number
  readonly changedEntries: number
}

export const WINDOW: WindowLimits = { bytes: 64 * 2 ** 20, deliveries: 100_000, changedEntries: 2_000 }

/** Bytes of bodies in one pack, before compression. Reading one body unpacks up to this much. */
const PACK_BYTES = 256 * 2 ** 10

const DAY = 86_400_000

export interface PackOptions {
  /** Deliveries that arrived before this time are packed, in milliseconds of Unix time. */
  readonly until: number
  /** Bodies older than this time are dropped and not packed; null if they are kept for ever. */
  readonly keptSince: number | null
  readonly signal: AbortSignal
  readonly limits?: WindowLimits
  readonly onProgress?: (position: number) => void
}

export interface Packed {
  readonly deliveries: number
  readonly packs: number
}

/** An entry whose body is to be packed. */
interface Entry {
  readonly delivery_id: string
  readonly owner: string
  readonly digest: string
  readonly body_group: string | null
  readonly body_start: number | null
  readonly size: number
  /** The body is in the entry, because it came late or from a version that kept all bodies there. */
  readonly is_inline: boolean
}

interface Pack {
  readonly owner: string
  readonly ids: string[]
  readonly ends: number[]
  readonly bodies: Buffer[]
}

/**
 * Packs the bodies of stored deliveries by owner, in the order of arrival, in transactions of bounded size. Each records how
 * far it came, so an interrupted run is taken up where it stopped. A pack is read back, and every body of it compared with its
 * digest, before the transaction commits. Throws if a body doesn't have its digest; then nothing is dropped.
 */
export async function packBodies(client: Client, options: PackOptions): Promise<Packed> {
  const { until, signal, onProgress } = options
  const done = { deliveries: 0, packs: 0 }
  for (;;) {
    const from = await packedUntil(client)
    if (timeOfId(from) >= until || signal.aborted) return done
    const packed = await packWindow(client, from, options)
    done.deliveries += packed.deliveries
    done.packs += packed.packs
    onProgress?.(packed.position)
  }
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000'

/** The bodies of deliveries with a smaller id are packed. */
export async function packedUntil(client: Client): Promise<string> {
  const { rows } = await client.query(`select position from upkeep_tasks where task = 'pack'`)
  return rows[0]?.position ?? FIRST_ID
}

async function packWindow(client: Client, from: string, options: PackOptions) {
  await client.query('begin')
  try {
    const { entries, next } = await readWindow(client, from, options)
    const isKept = options.keptSince === null || timeOfId(next) > options.keptSince
    const packs = isKept ? packsOf(entries, await readBodies(client, entries)) : []
    if (packs.length > 0) {
      const time = timeOfId((packs[0] as Pack).ids[0] as string)
      await createPartitions(client, PACKS, time, time + 1)
      await insertPacks(client, packs)
      await readBack(client, packs, entries)
    }
    await emptyEntries(client, entries)
    await client.query(
      `insert into upkeep_tasks as t (task, position, finished_at) values ('pack', $1, now())
       on conflict (task) do update set position = excluded.position, finished_at = excluded.finished_at`,
      [next],
    )
    await client.query('commit')
    const deliveries = packs.reduce((sum, { ids }) => sum + ids.length, 0)
    return { deliveries, packs: packs.length, position: timeOfId(next) }
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** Reads the entries from an id on, as many as one transaction packs, of one day. `next` is the id after them. */
async function readWindow(
  client: Client,
  from: string,
  { until, limits = WINDOW }: PackOptions,
): Promise<{ entries: Entry[]; next: string }> {
  const end = idAtTime(until)
  const { rows: first } = await client.query(
    'select delivery_id as id from deliveries where delivery_id >= $1 and delivery_id < $2 order by 1 limit 1',
    [from, end],
  )
  if (first.length === 0) return { entries: [], next: end }
  const endOfDay = Math.min(until, Math.floor(timeOfId(first[0].id) / DAY) * DAY + DAY)
  const { rows } = await client.query(
    `select delivery_id, owner, encode(body_digest, 'hex') as digest, body_group, body_start,
       coalesce(body_size, octet_length(body)) as size, outcome = 'stored' and body is not null as is_inline,
       outcome = 'stored' and (body is not null or body_group is not null) as is_packed
     from deliveries where delivery_id >= $1 and delivery_id < $2 order by delivery_id limit $3`,
    [first[0].id, idAtTime(endOfDay), limits.deliveries],
  )
  const entries: Entry[] = []
  let bytes = 0
  let changed = 0
  for (const row of rows) {
    bytes += row.is_packed ? row.size : 0
    changed += row.is_inline ? 1 : 0
    if (entries.length > 0 && (bytes > limits.bytes || changed > limits.changedEntries))
      return { entries, next: row.delivery_id }
    if (row.is_packed) entries.push(row)
  }
  const isWhole = rows.length < limits.deliveries
  return { entries, next: isWhole ? idAtTime(endOfDay) : idAfter(rows.at(-1).delivery_id) }
}

/** The next UUID. */
function idAfter(id: string): string {
  const hex = (BigInt(`0x${id.replaceAll('-', '')}`) + 1n).toString(16).padStart(32, '0')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** Bytes of groups that one query reads. */
const READ_GROUPS = 64

/** Reads the bodies of the entries by delivery, and compares each with its digest. */
async function readBodies(client: Client, entries: readonly Entry[]): Promise<Map<string, Buffer>> {
  const bodies = new Map<string, Buffer>()
  const byGroup = new Map<string, Entry[]>()
  const inline: string[] = []
  for (const entry of entries) {
    if (entry.is_inline) inline.push(entry.delivery_id)
    else if (entry.body_group !== null) {
      const others = byGroup.get(entry.body_group)
      if (others) others.push(entry)
      else byGroup.set(entry.body_group, [entry])
    }
  }
  const ids = [...byGroup.keys()].sort()
  for (let at = 0; at < ids.length; at += READ_GROUPS) {
    const some = ids.slice(at, at + READ_GROUPS)
    const { rows } = await client.query(
      'select group_id, bytes from body_groups where group_id = any($1::uuid[]) and group_id between $2 and $3',
      [some, some[0], some.at(-1)],
    )
    for (const { group_id, bytes } of rows) {
      for (const { delivery_id, body_start, size } of byGroup.get(group_id) ?? []) {
        const start = (body_start as number) - 1
        bodies.set(delivery_id, bytes.subarray(start, start + size))
      }
    }
  }
  if (inline.length > 0) {
    const { rows } = await client.query(
      'select delivery_id, body from deliveries where delivery_id = any($1::uuid[]) and body is not null order by owner collate "C", vendor collate "C", body_digest for update',
      [inline],
    )
    for (const { delivery_id, body } of rows) bodies.set(delivery_id, body)
  }
  for (const { delivery_id, digest } of entries) {
    const body = bodies.get(delivery_id)
    if (body && hash('sha256', body, 'hex') !== digest) throw new DamagedBody(delivery_id)
  }
  return bodies
}

/** The bytes of a body are not those that arrived. */
export class DamagedBody extends Error {
  override readonly name = 'DamagedBody'

  constructor(deliveryId: string) {
    super(
      `The body of delivery ${deliveryId} does not have the digest that the ledger recorded. Nothing was dropped.`,
    )
  }
}

/** Groups bodies into packs, by owner and in order of arrival. A body that is no longer kept is left out. */
function packsOf(entries: readonly Entry[], bodies: ReadonlyMap<string, Buffer>): Pack[] {
  const packs: Pack[] = []
  const open = new Map<string, Pack>()
  for (const { owner, delivery_id } of entries) {
    const body = bodies.get(delivery_id)
    if (!body) continue
    let pack = open.get(owner)
    if (!pack || (pack.ends.at(-1) as number) + body.length > PACK_BYTES) {
      pack = { owner, ids: [], ends: [], bodies: [] }
      open.set(owner, pack)
      packs.push(pack)
    }
    pack.ids.push(delivery_id)
    pack.ends.push((pack.ends.at(-1) ?? 0) + body.length)
    pack.bodies.push(body)
  }
  return packs
}

/** Bytes of packs that one statement inserts or reads. */
const STATEMENT_BYTES = 8 * 2 ** 20

function* slices(packs: readonly Pack[]): Generator<Pack[]> {
  let slice: Pack[] = []
  let bytes = 0
  for (const pack of packs) {
    const size = pack.ends.at(-1) as number
    if (slice.length > 0 && bytes + size > STATEMENT_BYTES) {
      yield slice
      slice = []
      bytes = 0
    }
    slice.push(pack)
    bytes += size
  }
  if (slice.length > 0) yield slice
}

async function insertPacks(client: Client, packs: readonly Pack[]): Promise<void> {
  for (const slice of slices(packs)) {
    const sizes = slice.map(({ ends }) => ends.at(-1) as number)
    let start = 1
    const starts = sizes.map((size) => {
      start += size
      return start - size
    })
    await client.query(
      `insert into body_packs (owner, pack_id, last_id, delivery_ids, ends, bytes)
       select r.owner, r.pack_id, r.last_id, r.delivery_ids::uuid[], r.ends::integer[],
         substring($6::bytea from r.start for r.size)
       from unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $7::integer[], $8::integer[])
         as r(owner, pack_id, last_id, delivery_ids, ends, start, size)`,
      [
        slice.map(({ owner }) => owner),
        slice.map(({ ids }) => ids[0]),
        slice.map(({ ids }) => ids.at(-1)),
        slice.map(({ ids }) => columnLiteral(ids, 'uuid')),
        slice.map(({ ends }) => `{${ends.join()}}`),
        Buffer.concat(slice.flatMap(({ bodies }) => bodies)),
        starts,
        sizes,
      ],
    )
  }
}

/** Reads packs back as a reader would, and compares every body with its digest. */
async function readBack(client: Client, packs: readonly Pack[], entries: readonly Entry[]): Promise<void> {
  const digests = new Map(entries.map(({ delivery_id, digest }) => [delivery_id, digest]))
  let found = 0
  for (const slice of slices(packs)) {
    const { rows } = await client.query(
      `select p.delivery_ids, p.ends, p.bytes
       from unnest($1::text[], $2::uuid[]) as r(owner, pack_id)
       join body_packs as p on p.owner = r.owner and p.pack_id = r.pack_id and p.pack_id between $3 and $4`,
      [
        slice.map(({ owner }) => owner),
        slice.map(({ ids }) => ids[0]),
        ...bounds(slice.map(({ ids }) => ids[0] as string)),
      ],
    )
    for (const { delivery_ids, ends, bytes } of rows) {
      for (const [at, id] of delivery_ids.entries()) {
        const body = bytes.subarray(ends[at - 1] ?? 0, ends[at])
        if (hash('sha256', body, 'hex') !== digests.get(id)) throw new DamagedBody(id)
        found += 1
      }
    }
  }
  const expected = packs.reduce((sum, { ids }) => sum + ids.length, 0)
  if (found !== expected) throw new Error(`Of ${expected} packed bodies ${found} could be read back.`)
}

const bounds = (ids: readonly string[]): [string, string] => {
  const sorted = [...ids].sort()
  return [sorted[0] as string, sorted.at(-1) as string]
}

/** Removes bodies from their entries, once they are packed or no longer kept. */
async function emptyEntries(client: Client, entries: readonly Entry[]): Promise<void> {
  const inline = entries.filter(({ is_inline }) => is_inline).map(({ delivery_id }) => delivery_id)
  if (inline.length === 0) return
  await client.query(
    `update deliveries set body = null, body_size = octet_length(body)
     where delivery_id = any($1::uuid[]) and outcome = 'stored' and body is not null`,
    [inline],
  )
}
