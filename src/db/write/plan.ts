import { getTableName } from 'drizzle-orm'
import type { PoolClient } from 'pg'
import type { Target, TargetRows } from '../../tables/target.ts'
import type { Statement } from '../sql/parameters.ts'
import {
  deleteByDelivery,
  type Key,
  keyOf,
  type PartStatements,
  partStatements,
  upsert,
} from '../sql/upserts.ts'
import { type Batch, batchParameters, bytesOfRows, rowParameters, slices } from '../sql/values.ts'

export type Client = Pick<PoolClient, 'query'>

/** The rows of one delivery, with the id and the time of its first arrival that the ledger has. */
export interface DeliveryRows {
  readonly rows: readonly TargetRows[]
  readonly id: string
  readonly receivedAt: string
  readonly isPulled?: boolean
}

/** The rows of several deliveries by target. A target without rows has no entry. */
export type RowsByTarget = ReadonlyMap<Target, readonly Batch[]>

/** A row that an upsert wrote: its key, its delivery, and whether it is new in the table. */
export interface Written {
  readonly delivery_id: string
  readonly is_new: boolean
  readonly [key: string]: unknown
}

/** The statements that write a target's rows and the parts of these rows. */
export interface Plan {
  readonly target: Target
  readonly key: Key
  readonly upsert: Statement
  /** The same for rows of which some are pulled. */
  readonly upsertPulled: Statement
  readonly deleteByDelivery: Statement
  readonly parts: ReadonlyArray<PartStatements & { readonly target: Target }>
}

/** The limits of one statement. The rows of a larger delivery are written by several statements of one transaction. */
export const STATEMENT = { rows: 10_000, bytes: 8 * 2 ** 20 }

export interface PlanOptions {
  /** Rows that the table has already stay untouched, and so do their parts. */
  readonly onlyDiffering?: boolean
  /** The targets whose tables have the key of an earlier version. */
  readonly former?: ReadonlySet<Target>
}

/**
 * The plans in the order in which every writer locks rows, so that writers do not deadlock. Rows that own parts come
 * first.
 */
export function plansFor(
  targets: readonly Target[],
  { onlyDiffering = false, former = new Set() }: PlanOptions = {},
): Plan[] {
  return targets
    .filter(({ partOf }) => partOf === undefined)
    .map((target) => ({
      target,
      key: keyOf(target, former.has(target)),
      upsert: upsert(target, keyOf(target, former.has(target)), { onlyDiffering }),
      upsertPulled: upsert(target, keyOf(target, former.has(target)), { onlyDiffering, withPulled: true }),
      deleteByDelivery: deleteByDelivery(target),
      parts: targets
        .filter(({ partOf }) => partOf === target)
        .map((part) => ({ target: part, ...partStatements(part, target) })),
    }))
    .sort((a, b) => Number(b.parts.length > 0) - Number(a.parts.length > 0))
}

/** Whether a group's rows for a plan are few enough to be written together with the ledger. */
export function fitsOneStatement({ target, parts }: Plan, batches: RowsByTarget): boolean {
  return [target, ...parts.map((part) => part.target)].every((target) => fits(batches.get(target) ?? []))
}

/** The size of several deliveries is limited when their group is taken from the queue. A single one may have any size. */
function fits(batches: readonly Batch[]): boolean {
  const [first] = batches
  if (first && batches.length === 1) {
    const { rows } = first
    return rows.length <= STATEMENT.rows && (rows.length === 1 || bytesOfRows(rows) <= STATEMENT.bytes)
  }
  return batches.reduce((sum, { rows }) => sum + rows.length, 0) <= STATEMENT.rows
}

/** Writes the rows for one target and for its parts, within a transaction. Returns the rows of the target that it wrote. */
export async function writeRows(
  client: Client,
  batches: RowsByTarget,
  plan: Plan,
): Promise<readonly Written[]> {
  const { target, parts } = plan
  const written: Written[] = []
  for (const slice of slices(batches.get(target) ?? [], STATEMENT)) {
    const upsert = slice.some(({ isPulled }) => isPulled) ? plan.upsertPulled : plan.upsert
    const rows = await query<Written>(client, upsert, batchParameters(upsert.parameters, slice))
    for (const row of rows) written.push(row)
  }
  for (const part of parts) await replaceParts(client, batches, written, part)
  return written
}

/** A row that owns parts and that replaced an older one. Its parts must be replaced too. */
export interface ReplacedRow {
  readonly table: string
  readonly delivery_id: string
  readonly key: Readonly<Record<string, string>>
}

/** Replaces the parts of the rows of this plan that replaced older ones. */
export async function replacePartsOf(
  client: Client,
  batches: RowsByTarget,
  replaced: readonly ReplacedRow[],
  { target, parts }: Plan,
): Promise<void> {
  const name = getTableName(target.table)
  const parents = replaced
    .filter(({ table }) => table === name)
    .map(({ delivery_id, key }) => ({ ...key, delivery_id, is_new: false }))
  if (parents.length === 0) return
  for (const part of parts) await replaceParts(client, batches, parents, part)
}

/** Replaces the parts of the given rows. */
export async function replaceParts(
  client: Client,
  batches: RowsByTarget,
  parents: readonly Written[],
  { target, clear, insert, parentKey }: Plan['parts'][number],
): Promise<void> {
  const replaced = parents.filter(({ is_new }) => !is_new)
  if (replaced.length > 0) await query(client, clear, rowParameters(clear.parameters, replaced))

  // Only the parts of rows that are in the table now. The parts of an older delivery are not written.
  const keyIn = (row: Record<string, unknown>, at: 'parent' | 'part') =>
    parentKey.map((key) => row[key[at]]).join('\0')
  const present = new Set(parents.map((parent) => `${parent.delivery_id}\0${keyIn(parent, 'parent')}`))
  const theirs = (batches.get(target) ?? []).map((batch) => ({
    ...batch,
    rows: batch.rows.filter((row) =>
      present.has(`${batch.id}\0${keyIn(row as Record<string, unknown>, 'part')}`),
    ),
  }))
  for (const slice of slices(theirs, STATEMENT)) {
    await query(client, insert, batchParameters(insert.parameters, slice))
  }
}

/** Rows by their targets, in the order of their deliveries. */
export function rowsByTarget(deliveries: readonly DeliveryRows[]): RowsByTarget {
  const batches = new Map<Target, Batch[]>()
  for (const { rows: all, id, receivedAt, isPulled = false } of deliveries) {
    for (const { target, rows } of all) {
      if (rows.length === 0) continue
      const batch = { rows, id, receivedAt, isPulled }
      const others = batches.get(target)
      if (others) others.push(batch)
      else batches.set(target, [batch])
    }
  }
  return batches
}

export async function query<R>(client: Client, { name, text }: Statement, values: unknown[]): Promise<R[]> {
  const { rows } = await client.query({ name, text, values })
  return rows as R[]
}
