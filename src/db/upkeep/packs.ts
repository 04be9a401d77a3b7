import { hash } from 'node:crypto'
import type pg from 'pg'

type Client = Pick<pg.ClientBase, 'query'>

/** Bytes of bodies in one pack, before compression. Reading one body unpacks up to this much. */
const PACK_BYTES = 256 * 2 ** 10

/** An entry of the ledger whose body is to be packed. */
export interface PackedEntry {
  readonly delivery_id: string
  readonly owner: string
  readonly digest: Buffer
  readonly body: Buffer
}

/** Bodies of one owner, in order of arrival; at least one. */
export interface Pack {
  readonly owner: string
  readonly entries: readonly PackedEntry[]
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

const bytesOf = ({ entries }: Pack) => entries.reduce((sum, { body }) => sum + body.length, 0)

/** Makes packs of bodies that come by owner and in the order of arrival. */
export async function* cutPacks(entries: AsyncIterable<PackedEntry>): AsyncGenerator<Pack> {
  let pack: PackedEntry[] = []
  let bytes = 0
  for await (const entry of entries) {
    const [first] = pack
    if (first && (first.owner !== entry.owner || bytes + entry.body.length > PACK_BYTES)) {
      yield { owner: first.owner, entries: pack }
      pack = []
      bytes = 0
    }
    pack.push(entry)
    bytes += entry.body.length
  }
  if (pack[0]) yield { owner: pack[0].owner, entries: pack }
}

/** Divides packs into windows of bounded size. A pack that is larger has a window for itself. */
export async function* windowsOf(
  packs: AsyncIterable<Pack>,
  limits: { readonly bytes: number; readonly deliveries: number },
): AsyncGenerator<Pack[]> {
  let window: Pack[] = []
  let bytes = 0
  let deliveries = 0
  for await (const pack of packs) {
    const size = bytesOf(pack)
    const isFull = bytes + size > limits.bytes || deliveries + pack.entries.length > limits.deliveries
    if (window.length > 0 && isFull) {
      yield window
      window = []
      bytes = 0
      deliveries = 0
    }
    window.push(pack)
    bytes += size
    deliveries += pack.entries.length
  }
  if (window.length > 0) yield window
}

/** Bytes of packs that one statement inserts or reads. */
const STATEMENT_BYTES = 8 * 2 ** 20

function* slices(packs: readonly Pack[]): Generator<Pack[]> {
  let slice: Pack[] = []
  let bytes = 0
  for (const pack of packs) {
    const size = bytesOf(pack)
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

const firstId = ({ entries }: Pack) => entries[0]?.delivery_id as string

function endsOf({ entries }: Pack): number[] {
  let end = 0
  return entries.map(({ body }) => {
    end += body.length
    return end
  })
}

export async function insertPacks(client: Client, packs: readonly Pack[]): Promise<void> {
  for (const slice of slices(packs)) {
    const sizes = slice.map(bytesOf)
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
        slice.map(firstId),
        slice.map(({ entries }) => entries.at(-1)?.delivery_id),
        slice.map(({ entries }) => `{${entries.map(({ delivery_id }) => delivery_id).join()}}`),
        slice.map((pack) => `{${endsOf(pack).join()}}`),
        Buffer.concat(slice.flatMap(({ entries }) => entries.map(({ body }) => body))),
        starts,
        sizes,
      ],
    )
  }
}

/** Reads packs back as a reader would, and compares every body with its digest. */
export async function readBack(client: Client, packs: readonly Pack[]): Promise<void> {
  const digests = new Map(
    packs.flatMap(({ entries }) => entries.map(({ delivery_id, digest }) => [delivery_id, digest])),
  )
  let found = 0
  for (const slice of slices(packs)) {
    const { rows } = await client.query(
      `select p.delivery_ids, p.ends, p.bytes
       from unnest($1::text[], $2::uuid[]) as r(owner, pack_id)
       join body_packs as p on p.owner = r.owner and p.pack_id = r.pack_id and p.pack_id between $3 and $4`,
      [slice.map(({ owner }) => owner), slice.map(firstId), ...bounds(slice.map(firstId))],
    )
    for (const { delivery_ids, ends, bytes } of rows) {
      for (const [at, id] of delivery_ids.entries()) {
        const body = bytes.subarray(ends[at - 1] ?? 0, ends[at])
        if (hash('sha256', body, 'hex') !== digests.get(id)?.toString('hex')) throw new DamagedBody(id)
        found += 1
      }
    }
  }
  const expected = digests.size
  if (found !== expected) throw new Error(`Of ${expected} packed bodies ${found} could be read back.`)
}

const bounds = (ids: readonly string[]): [string, string] => {
  const sorted = [...ids].sort()
  return [sorted[0] as string, sorted.at(-1) as string]
}
