import { hash } from 'node:crypto'
import type pg from 'pg'
import { isNotFenced } from '../sql/fence.ts'
import { idAtTime, timeOfId } from '../uuid-time.ts'
import { DamagedBody, insertPacks, type Pack, type PackedEntry, packsOf, readBack } from './packs.ts'
import { createPartitions, PACKS } from './partitions.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** What one transaction packs at most. A transaction that changes entries locks them, so it is smaller. */
export interface WindowLimits {
  readonly bytes: number
  readonly deliveries: number
  readonly changedEntries: number
}

export const WINDOW: WindowLimits = { bytes: 64 * 2 ** 20, deliveries: 100_000, changedEntries: 2_000 }

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
  // An erasure waits for the transactions that hold this lock, so this one sees every fence that is not waiting. It blocks nobody.
  await client.query('begin; lock table deliveries in row exclusive mode')
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
): Promise<{ entries: PackedEntry[]; next: string }> {
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
       outcome = 'stored' and (body is not null or body_group is not null)
       and ${isNotFenced('d')} as is_packed
     from deliveries as d where delivery_id >= $1 and delivery_id < $2 order by delivery_id limit $3`,
    [first[0].id, idAtTime(endOfDay), limits.deliveries],
  )
  const entries: PackedEntry[] = []
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
async function readBodies(client: Client, entries: readonly PackedEntry[]): Promise<Map<string, Buffer>> {
  const bodies = new Map<string, Buffer>()
  const byGroup = new Map<string, PackedEntry[]>()
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

/** Removes bodies from their entries, once they are packed or no longer kept. */
async function emptyEntries(client: Client, entries: readonly PackedEntry[]): Promise<void> {
  const inline = entries.filter(({ is_inline }) => is_inline).map(({ delivery_id }) => delivery_id)
  if (inline.length === 0) return
  await client.query(
    `update deliveries set body = null, body_size = octet_length(body)
     where delivery_id = any($1::uuid[]) and outcome = 'stored' and body is not null`,
    [inline],
  )
}
