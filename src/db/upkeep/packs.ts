import { hash } from 'node:crypto'
import type pg from 'pg'
import { columnLiteral } from '../sql/values.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** Bytes of bodies in one pack, before compression. Reading one body unpacks up to this much. */
const PACK_BYTES = 256 * 2 ** 10

/** An entry whose body is to be packed. */
export interface PackedEntry {
  readonly delivery_id: string
  readonly owner: string
  readonly digest: string
  readonly body_group: string | null
  readonly body_start: number | null
  readonly size: number
  /** The body is in the entry, because it came late or from a version that kept all bodies there. */
  readonly is_inline: boolean
}

/** Bodies of one owner, in order of arrival. */
export interface Pack {
  readonly owner: string
  readonly ids: string[]
  readonly ends: number[]
  readonly bodies: Buffer[]
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
export function packsOf(entries: readonly PackedEntry[], bodies: ReadonlyMap<string, Buffer>): Pack[] {
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

export async function insertPacks(client: Client, packs: readonly Pack[]): Promise<void> {
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
         as r(owner, pack_id, last_id, delivery_ids, ends, start, size)
       on conflict (owner, pack_id) do update
       set last_id = excluded.last_id, delivery_ids = excluded.delivery_ids, ends = excluded.ends, bytes = excluded.bytes
       where cardinality(body_packs.delivery_ids) <= cardinality(excluded.delivery_ids)`,
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
export async function readBack(
  client: Client,
  packs: readonly Pack[],
  entries: readonly PackedEntry[],
): Promise<void> {
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
