import type pg from 'pg'
import { isDistributed } from '../db/citus/state.ts'
import { begin } from '../db/connect/transaction.ts'
import { type Described, describeGiven, describeHeld, describeOwned } from '../db/sql/comparing-statements.ts'
import { type Batch, batchParameters, slices } from '../db/sql/values.ts'
import { type Plan, query, STATEMENT } from '../db/write/plan.ts'
import type { Target } from '../tables/target.ts'
import { Rows } from './rows.ts'

/** One owner of data, as the ledger names them. */
export interface Owner {
  readonly vendor: string
  readonly owner: string
}

/** All owners in the ledger, or those of one vendor. */
export async function owners(client: pg.ClientBase, vendor?: string): Promise<Owner[]> {
  const { rows } = await client.query(
    'select distinct vendor, owner from deliveries where vendor = coalesce($1, vendor) order by vendor, owner',
    [vendor ?? null],
  )
  return rows
}

/** The rows that an owner has in the tables of `plans`. */
export async function currentRows(
  client: pg.ClientBase,
  owner: Owner,
  plans: readonly Plan[],
): Promise<Rows> {
  const rows = new Rows()
  for (const target of tablesOf(plans)) {
    for (const row of await currentRowsOf(client, target, owner)) rows.add(target, row)
  }
  return rows
}

/** The targets of plans, and those of their parts. */
export const tablesOf = (plans: readonly Plan[]) =>
  plans.flatMap(({ target, parts }) => [target, ...parts.map((part) => part.target)])

export async function currentRowsOf(
  client: pg.ClientBase,
  target: Target,
  { owner }: Owner,
): Promise<Described[]> {
  if (await isDistributed(client)) return rowsOnCitus(client, target, owner)
  const { name, text } = describeHeld(target)
  return (await client.query({ name, text, values: [owner] })).rows
}

/** The delivery of a row may be another owner's, who may be on another node: so the ledger is asked by a query of its own. */
async function rowsOnCitus(client: pg.ClientBase, target: Target, owner: string): Promise<Described[]> {
  const { rows } = await client.query<Described>(describeOwned(target).text, [owner])
  const ids = [...new Set(rows.map(({ delivery_id }) => delivery_id))]
  if (ids.length === 0) return rows
  const made = await client.query('select delivery_id from deliveries where delivery_id = any($1::uuid[])', [
    ids,
  ])
  const isMade = new Set(made.rows.map(({ delivery_id }) => delivery_id))
  return rows.map((row) => ({ ...row, is_made: isMade.has(row.delivery_id) }))
}

/** How rows would look in the table, computed by Postgres. Throws the error of Postgres if it can't read a value. */
export async function describeRows(
  client: Pick<pg.ClientBase, 'query'>,
  target: Target,
  batches: readonly Batch[],
): Promise<Described[]> {
  const statement = describeGiven(target)
  const all: Described[] = []
  for (const slice of slices(batches, STATEMENT)) {
    const values = batchParameters(statement.parameters, slice)
    for (const row of await query<Described>(client as never, statement, values)) all.push(row)
  }
  return all
}

/** Runs `work` in a transaction that reads one snapshot, writes nothing and locks no row. */
export async function inReadOnlySnapshot<T>(
  client: Pick<pg.ClientBase, 'query'>,
  work: () => Promise<T>,
): Promise<T> {
  await begin(client as never, { isSnapshot: true })
  try {
    return await work()
  } finally {
    await client.query('rollback').catch(() => {})
  }
}
