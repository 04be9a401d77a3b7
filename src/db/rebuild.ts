import { getTableConfig } from 'drizzle-orm/pg-core'
import type pg from 'pg'
import type { TargetRows } from '../tables/target.ts'
import { type Kept, readKept } from './kept.ts'
import { forget } from './ledger-statements.ts'
import { primaryKeyOf } from './parameters.ts'
import { apply, batchesOf, type Plan } from './plan.ts'
import { begin } from './transaction.ts'

export interface Owner {
  readonly vendor: string
  readonly owner: string
}

/** Everyone whose data the ledger holds. */
export async function owners(client: pg.ClientBase, vendor?: string): Promise<Owner[]> {
  const { rows } = await client.query(
    'select distinct vendor, owner from deliveries where vendor = coalesce($1, vendor) order by vendor, owner',
    [vendor ?? null],
  )
  return rows
}

/**
 * Makes an owner's rows anew from all that the ledger holds of them, as one transaction: readers see the old
 * rows or the new ones. A row whose delivery is no longer in the ledger stays. With `dryRun` it does all of
 * that, and rolls it back. Returns the fingerprints of the rows that it made.
 */
export async function rebuild(
  client: pg.ClientBase,
  { vendor, owner }: Owner,
  plans: readonly Plan[],
  rowsOf: (kept: Kept) => readonly TargetRows[],
  dryRun: boolean,
): Promise<Set<string>> {
  const targets = targetsOf(plans)
  await begin(client)
  try {
    for (const target of targets) await client.query(forget(target), [owner])
    for await (const chunk of readKept(client, { vendor, owner })) {
      const accepted = chunk.map((kept) => ({
        rows: rowsOf(kept),
        id: kept.arrival.id,
        receivedAt: kept.arrival.receivedAt,
      }))
      const batches = batchesOf(accepted)
      for (const plan of plans) await apply(client, batches, plan)
    }
    const made = await fingerprints(client, owner, plans)
    await client.query(dryRun ? 'rollback' : 'commit')
    return made
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

/** Parts before the rows that own them, so that each can be removed. */
const targetsOf = (plans: readonly Plan[]) =>
  plans.flatMap(({ target, parts }) => [...parts.map((part) => part.target), target])

/** A number for each of the owner's rows, made of all its columns. */
export async function fingerprints(
  client: pg.ClientBase,
  owner: string,
  plans: readonly Plan[],
): Promise<Set<string>> {
  const all = new Set<string>()
  for (const { table } of targetsOf(plans)) {
    const { name } = getTableConfig(table)
    const [key] = primaryKeyOf(table)
    const { rows } = await client.query(
      `select hashtextextended(t::text, 0)::text as fingerprint from "${name}" as t where t."${key?.name}" = $1`,
      [owner],
    )
    for (const { fingerprint } of rows) all.add(`${name} ${fingerprint}`)
  }
  return all
}

/** Rows that were added, changed or removed. */
export function difference(before: Set<string>, after: Set<string>): number {
  const gone = [...before].filter((row) => !after.has(row)).length
  const made = [...after].filter((row) => !before.has(row)).length
  return Math.max(gone, made)
}
