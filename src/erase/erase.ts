import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import { begin } from '../db/connect/transaction.ts'
import { countHolding, type Holding, totalOf } from './count.ts'
import { finishErasure } from './fence.ts'
import { fencePersons } from './fenced.ts'
import { deleteDeliveries, deletePacks, unnameDeliveries } from './ledger.ts'
import { deleteNames } from './names.ts'
import { deleteOwnerless } from './ownerless.ts'
import type { Person } from './person.ts'
import { personTables } from './person-tables.ts'
import { deleteRows } from './rows.ts'
import { transaction } from './transaction.ts'

export interface EraseOptions {
  readonly progress?: (done: number, total: number, what: string) => void
  readonly signal?: AbortSignal
}

/** What an erasure found and did. */
export interface Erased {
  readonly person: Person
  readonly before: Holding
  /** Rows that this run deleted, by table. */
  readonly deleted: Readonly<Record<string, number>>
  /** Counted again afterwards, by another transaction. */
  readonly after: Holding
}

/** Erases one person: `fencePersons`, and then `eraseFenced`. */
export async function erase(
  client: pg.ClientBase,
  person: Person,
  options: EraseOptions = {},
): Promise<Erased> {
  const [fenced = person] = await fencePersons(client, async () => [person], options.signal)
  return await eraseFenced(client, fenced, options)
}

/**
 * Erases a person who is fenced: deletes everything in transactions of bounded size, and counts again. It may be interrupted at any
 * point and run again; the fence stands from the first moment. The connection must not go through a pooler in transaction mode.
 */
export async function eraseFenced(
  client: pg.ClientBase,
  person: Person,
  { progress = () => {}, signal }: EraseOptions = {},
): Promise<Erased> {
  const before = await countInSnapshot(client, person)
  const deleted: Record<string, number> = {}
  let done = 0
  const total = totalOf(before.counts)
  const step = async (name: string, run: (progress: (n: number) => void) => Promise<number>) => {
    const n = await run((n) => progress(Math.min(done + n, total), total, 'rows'))
    deleted[name] = n
    done += n
  }
  progress(0, total, 'rows')
  // The ledger first: a transaction that judges a delivery again locks its entry, and finds none afterwards.
  await step('deliveries', (progress) => deleteDeliveries(client, person, progress, signal))
  await step('body_packs', () => deletePacks(client, person))
  await step('deliveries without an owner', () => deleteOwnerless(client, 'deliveries', before.ownerless))
  await step('deliveries of others that name the person', () => unnameDeliveries(client, person))
  await step('unverified_deliveries', () =>
    deleteOwnerless(client, 'unverified_deliveries', before.quarantined),
  )
  for (const table of personTables([person.vendor]))
    await step(getTableName(table.target.table), (progress) =>
      deleteRows(client, table, person, progress, signal),
    )
  const names = await deleteNames(client, person)
  Object.assign(deleted, names)
  done += totalOf(names)
  progress(Math.min(done, total), total, 'rows')
  const after = await countInSnapshot(client, person)
  if (totalOf(after.counts) === 0) await transaction(client, () => finishErasure(client, person, deleted))
  return { person, before, deleted, after }
}

/** Counts what the database has of a person, in a read-only snapshot. */
export async function countInSnapshot(client: pg.ClientBase, person: Person): Promise<Holding> {
  await begin(client as never, { readOnly: true, isSnapshot: true })
  try {
    return await countHolding(client, person)
  } finally {
    await client.query('rollback').catch(() => {})
  }
}
