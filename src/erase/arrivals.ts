import type pg from 'pg'
import { usersNamed } from '../contract/user-headers.ts'
import type { Vendor } from '../contract/vendor.ts'
import { isErased } from '../db/sql/fence.ts'
import { FENCE_TASK } from '../db/upkeep/late.ts'
import { idAtTime } from '../db/uuid-time.ts'
import { deleteOwnerless, FIRST, type OwnerlessRow, type OwnerlessTable, ownerlessRows } from './ownerless.ts'
import { readText, textsIn } from './texts.ts'

/** How far `deleteErasedArrivals` has come in each table: the tasks in `upkeep_tasks`. */
const TASKS: Readonly<Record<OwnerlessTable, string>> = {
  deliveries: FENCE_TASK,
  unverified_deliveries: 'fence_unverified',
}

/** Bytes of bodies that one run reads of each table. In the quarantine they may be anybody's. */
const RUN_BYTES = 16 * 2 ** 20

/** Texts of which one query looks for the hashes. The service goes on between two queries. */
const BATCH = 2_000

interface Arrivals {
  /** Milliseconds of Unix time. Deliveries that arrived until then must be committed. */
  readonly until: number
  /** BODY_LIMIT_BYTES. What unpacks to more is never stored, and not read here. */
  readonly limit: number
  readonly signal: AbortSignal
  readonly runBytes?: number
}

/**
 * Deletes the deliveries without an owner, also of the quarantine, that arrived since the last run and name an erased person in a
 * header or in the body. The statement that stored them looked for what their headers name, and for what a body names that could
 * be read and was proven. Returns how many. A run reads a bounded number of bytes, and the next one goes on.
 */
export async function deleteErasedArrivals(
  client: pg.ClientBase,
  vendors: readonly Vendor[],
  { until, limit, signal, runBytes = RUN_BYTES }: Arrivals,
): Promise<number> {
  const { rows } = await client.query('select exists (select from erasures where lifted_at is null) as is')
  let deleted = 0
  for (const table of ['deliveries', 'unverified_deliveries'] as const) {
    const names = vendors.map(({ name }) => name)
    const range = { after: await positionOf(client, table), until: idAtTime(until) }
    let left = rows[0].is ? runBytes : 0
    let isDone = true
    // While nobody is erased there is nothing to look for. An erasure looks through everything that is there.
    if (left > 0)
      for await (const page of ownerlessRows(client, table, names, range)) {
        deleted += await deleteOwnerless(client, table, await namingErased(client, vendors, page, limit))
        await setPosition(client, table, page.at(-1)?.delivery_id ?? range.after)
        left -= page.reduce((sum, { body }) => sum + (body?.length ?? 0), 0)
        isDone = left > 0 && !signal.aborted
        if (!isDone) break
      }
    if (isDone) await setPosition(client, table, range.until)
  }
  return deleted
}

/** `deleteErasedArrivals` as the upkeep calls it. */
export const erasedArrivals =
  (vendors: readonly Vendor[], limit: number) =>
  (client: pg.ClientBase, until: number, signal: AbortSignal): Promise<number> =>
    deleteErasedArrivals(client, vendors, { until, limit, signal })

async function positionOf(client: pg.ClientBase, table: OwnerlessTable): Promise<string> {
  const { rows } = await client.query('select position from upkeep_tasks where task = $1', [TASKS[table]])
  return rows[0]?.position ?? FIRST
}

async function setPosition(client: pg.ClientBase, table: OwnerlessTable, position: string): Promise<void> {
  await client.query(
    `insert into upkeep_tasks as t (task, position, finished_at) values ($1, $2, now())
     on conflict (task) do update set position = excluded.position, finished_at = excluded.finished_at`,
    [TASKS[table], position],
  )
}

/** A header names a user, and a body may name either. */
const NAMING_ERASED = `select distinct r.delivery_id
  from unnest($1::uuid[], $2::text[], $3::text[], $4::boolean[]) as r(delivery_id, vendor, id, is_header)
  where ${isErased('r.vendor', 'user', 'r.id')} or (not r.is_header and ${isErased('r.vendor', 'owner', 'r.id')})`

/** The ids of the deliveries that name an erased person. */
async function namingErased(
  client: pg.ClientBase,
  vendors: readonly Vendor[],
  rows: readonly OwnerlessRow[],
  limit: number,
): Promise<string[]> {
  const found = new Set<string>()
  let batch: Array<readonly [row: OwnerlessRow, text: string, isHeader: boolean]> = []
  const look = async () => {
    const { rows } = await client.query(NAMING_ERASED, [
      batch.map(([{ delivery_id }]) => delivery_id),
      batch.map(([{ vendor }]) => vendor),
      batch.map(([, text]) => text),
      batch.map(([, , isHeader]) => isHeader),
    ])
    for (const { delivery_id } of rows) found.add(delivery_id)
    batch = []
  }
  for (const row of rows) {
    const vendor = vendors.find(({ name }) => name === row.vendor) as Vendor
    for (const user of usersNamed(vendor, row.headers)) batch.push([row, user, true])
    for (const text of textsIn(readText(row.headers, row.body, limit))) {
      if (text !== '') batch.push([row, text, false])
      if (batch.length < BATCH) continue
      await look()
      if (found.has(row.delivery_id)) break
    }
  }
  await look()
  return [...found]
}
