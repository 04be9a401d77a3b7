import type { PoolClient } from 'pg'
import type { Target, TargetRows } from '../tables/target.ts'
import { type Batch, batchParameters, rowParameters, slices } from './batch.ts'
import type { Statement } from './parameters.ts'
import { type PartStatements, partStatements, upsert } from './statements.ts'

export type Client = Pick<PoolClient, 'query'>

/** Rows that are to be applied, under the id and arrival that the ledger knows their delivery by. */
export interface Accepted {
  readonly rows: readonly TargetRows[]
  readonly id: string
  readonly receivedAt: string
}

/** A row that an upsert wrote: its key, who wrote it, and whether there was none before. */
export interface Written {
  readonly delivery_id: string
  readonly is_new: boolean
  readonly [key: string]: unknown
}

/** A target with the parts that its rows own. */
export interface Plan {
  readonly target: Target
  readonly upsert: Statement
  readonly parts: ReadonlyArray<PartStatements & { readonly target: Target }>
}

/** Rows that one statement carries; a larger delivery is written in slices of one transaction. */
const STATEMENT_ROWS = 10_000

/** In the order in which every writer locks rows, whichever way a group is written: owners of parts come first. */
export function plansFor(targets: readonly Target[]): Plan[] {
  return targets
    .filter(({ partOf }) => partOf === undefined)
    .map((target) => ({
      target,
      upsert: upsert(target),
      parts: targets
        .filter(({ partOf }) => partOf === target)
        .map((part) => ({ target: part, ...partStatements(part, target) })),
    }))
    .sort((a, b) => Number(b.parts.length > 0) - Number(a.parts.length > 0))
}

/** Whether a group's rows for a plan are few enough to be written together with the ledger. */
export function fitsOneStatement({ target, parts }: Plan, accepted: readonly Accepted[]): boolean {
  const targets = [target, ...parts.map((part) => part.target)]
  return targets.every((target) => slices(batchesFor(target, accepted), STATEMENT_ROWS).length <= 1)
}

/** Writes the rows for one target and for its parts, within a transaction. */
export async function apply(
  client: Client,
  accepted: readonly Accepted[],
  { target, upsert, parts }: Plan,
): Promise<void> {
  const written: Written[] = []
  for (const slice of slices(batchesFor(target, accepted), STATEMENT_ROWS)) {
    const rows = await query<Written>(client, upsert, batchParameters(upsert.parameters, slice))
    if (parts.length > 0) written.push(...rows)
  }
  for (const part of parts) await replaceParts(client, accepted, written, part)
}

/** Puts the parts of owners in the place of those that they had. */
export async function replaceParts(
  client: Client,
  accepted: readonly Accepted[],
  owners: readonly Written[],
  { target, clear, insert, ownerKey }: Plan['parts'][number],
): Promise<void> {
  const replaced = owners.filter(({ is_new }) => !is_new)
  if (replaced.length > 0) await query(client, clear, rowParameters(clear.parameters, replaced))

  // Only the parts of owners that are in the table now: an older delivery's stay out.
  const keyIn = (row: Record<string, unknown>, at: 'owner' | 'part') =>
    ownerKey.map((key) => row[key[at]]).join('\0')
  const present = new Set(owners.map((owner) => `${owner.delivery_id}\0${keyIn(owner, 'owner')}`))
  const batches = batchesFor(target, accepted).map((batch) => ({
    ...batch,
    rows: batch.rows.filter((row) =>
      present.has(`${batch.id}\0${keyIn(row as Record<string, unknown>, 'part')}`),
    ),
  }))
  for (const slice of slices(batches, STATEMENT_ROWS)) {
    await query(client, insert, batchParameters(insert.parameters, slice))
  }
}

export function batchesFor(target: Target, accepted: readonly Accepted[]): Batch[] {
  const batches: Batch[] = []
  for (const { rows: all, id, receivedAt } of accepted) {
    for (const { target: owner, rows } of all) {
      if (owner === target && rows.length > 0) batches.push({ rows, id, receivedAt })
    }
  }
  return batches
}

export async function query<R>(client: Client, { name, text }: Statement, values: unknown[]): Promise<R[]> {
  const { rows } = await client.query({ name, text, values })
  return rows as R[]
}
