import type pg from 'pg'
import { beginWriting } from '../db/citus/nodes.ts'
import { tellRewritten } from '../db/links.ts'
import { removeDescribed } from '../db/sql/comparing-statements.ts'
import { isErased } from '../db/sql/fence.ts'
import { type Plan, replaceParts, rowsByTarget, writeRows } from '../db/write/plan.ts'
import { tellOf, writeAndCompare } from './changed-rows.ts'
import { Changes, type Comparison, type Source, withRows } from './compare.ts'
import type { Owner } from './owner-rows.ts'

/**
 * Writes the rows of an owner that differ from the expected ones, in one transaction. Readers see either all old rows
 * or all new ones, and rows that are as expected are not touched. A row that changed after the comparison comes from a
 * later delivery, and is not replaced. `plans` must write only rows that differ.
 */
export async function rebuild(
  source: Source,
  owner: Owner,
  plans: readonly Plan[],
  comparison: Comparison,
): Promise<void> {
  const changes = new Changes(plans, comparison)
  if (changes.isNone) return
  const { client } = source
  await beginWriting(client)
  try {
    if (await isFenced(client, owner)) {
      await client.query('rollback')
      return
    }
    // Before any row is locked: every writer locks the ledger first.
    await tellOf(client as never, owner.owner, changes.told(plans))
    await deleteRows(client, owner, plans, changes)
    await writeChanges(source, owner, plans, changes)
    await writeLaterDeliveries(source, owner, plans, comparison)
    await tellRewritten(client, owner.vendor, [owner.owner])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

/**
 * Whether the owner was erased since the comparison. An erasure waits for the transactions that hold this lock, so that it
 * deletes what they write. The lock blocks nobody.
 */
async function isFenced(client: pg.ClientBase, { vendor, owner }: Owner): Promise<boolean> {
  await client.query('lock table deliveries in row exclusive mode')
  const { rows } = await client.query(`select ${isErased('$1::text', 'owner', '$2::text')} as is_erased`, [
    vendor,
    owner,
  ])
  return rows[0].is_erased === true
}

async function deleteRows(
  client: pg.ClientBase,
  { owner }: Owner,
  plans: readonly Plan[],
  changes: Changes,
): Promise<void> {
  for (const { target } of plans) {
    const deleted = changes.deleted(target)
    const { name, text } = removeDescribed(target)
    if (deleted.length > 0) await client.query({ name, text, values: [owner, deleted] })
  }
}

async function writeChanges(
  { client, read, rowsOf }: Source,
  owner: Owner,
  plans: readonly Plan[],
  changes: Changes,
): Promise<void> {
  for await (const chunk of read({ ...owner, deliveries: changes.deliveries })) {
    const batches = rowsByTarget(
      chunk.flatMap((delivery) => withRows(delivery, rowsOf)).map((delivery) => changes.only(delivery)),
    )
    const ids = new Set(chunk.map(({ arrival }) => arrival.id))
    for (const plan of plans) {
      await writeRows(client, batches, plan)
      const rows = changes.rowsWithOtherParts(plan.target).filter(({ delivery_id }) => ids.has(delivery_id))
      const owning = rows.map((row) => ({ ...row, is_new: false }))
      if (owning.length > 0) for (const part of plan.parts) await replaceParts(client, batches, owning, part)
    }
  }
}

/**
 * Writes again the rows of the deliveries that arrived after the comparison. When they arrived, an old row may have
 * refused them, although it was newer only by mistake.
 */
async function writeLaterDeliveries(
  { client, read, rowsOf }: Source,
  owner: Owner,
  plans: readonly Plan[],
  { outcomes }: Comparison,
): Promise<void> {
  const { rows } = await client.query(
    'select delivery_id, outcome from deliveries where vendor = $1 and owner = $2',
    [owner.vendor, owner.owner],
  )
  const later = rows.filter((row) => outcomes.get(row.delivery_id) !== row.outcome)
  const deliveries = later.map((row) => row.delivery_id as string)
  for await (const chunk of read({ ...owner, deliveries })) {
    const batches = rowsByTarget(chunk.flatMap((delivery) => withRows(delivery, rowsOf)))
    const changed = await writeAndCompare(client as never, batches, plans, true)
    await tellOf(client as never, owner.owner, changed)
  }
}
