import type pg from 'pg'
import { begin } from '../db/connect/transaction.ts'
import {
  type Described,
  describeGiven,
  describeHeld,
  removeDescribed,
} from '../db/sql/comparing-statements.ts'
import { type Batch, batchParameters, slices } from '../db/sql/values.ts'
import { apply, batchesOf, type Plan, query, replaceParts, STATEMENT } from '../db/write/plan.ts'
import type { Target, TargetRows } from '../tables/target.ts'
import { type Kept, readKept } from './ledger-reader.ts'
import { keyNames, keyOf, Rows } from './rows.ts'

export interface Owner {
  readonly vendor: string
  readonly owner: string
}

/** The rows that a kept delivery has today. */
export type RowsOf = (kept: Kept) => readonly TargetRows[]

/** Everyone whose data the ledger holds. */
export async function owners(client: pg.ClientBase, vendor?: string): Promise<Owner[]> {
  const { rows } = await client.query(
    'select distinct vendor, owner from deliveries where vendor = coalesce($1, vendor) order by vendor, owner',
    [vendor ?? null],
  )
  return rows
}

/** What an owner's rows are, and what the ledger says that they should be. */
export interface Comparison {
  readonly held: Rows
  readonly wanted: Rows
  /** The outcome of every delivery that was read. */
  readonly read: ReadonlyMap<string, string>
}

/** Compares in a transaction that can neither write nor lock. A row whose delivery is no longer in the ledger is wanted as it is. */
export async function compare(
  client: pg.ClientBase,
  owner: Owner,
  plans: readonly Plan[],
  rowsOf: RowsOf,
): Promise<Comparison> {
  const held = new Rows()
  const wanted = new Rows()
  const read = new Map<string, string>()
  await readOnly(client, async () => {
    for (const target of targetsOf(plans)) {
      for (const row of await heldRows(client, target, owner)) {
        held.add(target, row)
        if (!row.is_made) wanted.propose(target, row)
      }
    }
    for await (const chunk of readKept(client, owner)) {
      for (const { arrival, outcome } of chunk) read.set(arrival.id, outcome)
      const batches = batchesOf(chunk.map((kept) => accepted(kept, rowsOf)))
      for (const [target, all] of batches) {
        const own = all.map((batch) => ({ ...batch, rows: batch.rows.filter(isOf(target, owner)) }))
        for (const row of await givenRows(client, target, own)) wanted.propose(target, row)
      }
    }
  })
  wanted.settleParts(plans)
  return { held, wanted, read }
}

/** The rows that an owner has. */
export async function heldBy(client: pg.ClientBase, owner: Owner, plans: readonly Plan[]): Promise<Rows> {
  const held = new Rows()
  for (const target of targetsOf(plans)) {
    for (const row of await heldRows(client, target, owner)) held.add(target, row)
  }
  return held
}

/**
 * Writes an owner's rows that differ, as one transaction: readers see the old rows or the new ones, and a row that is as it
 * should be is not touched. A row that changed since it was compared belongs to a later delivery, and stays.
 * `plans` write only what differs.
 */
export async function rebuild(
  client: pg.ClientBase,
  owner: Owner,
  plans: readonly Plan[],
  rowsOf: RowsOf,
  { held, wanted, read }: Comparison,
): Promise<void> {
  const changes = changesOf(plans, held, wanted)
  if (changes.isNone) return
  await begin(client)
  try {
    for (const { target } of plans) {
      const gone = changes.gone(target)
      const { name, text } = removeDescribed(target)
      if (gone.length > 0) await client.query({ name, text, values: [owner.owner, gone] })
    }
    for await (const chunk of readKept(client, { ...owner, deliveries: changes.deliveries })) {
      const batches = batchesOf(chunk.map((kept) => changes.only(accepted(kept, rowsOf))))
      for (const plan of plans) {
        await apply(client, batches, plan)
        const ids = new Set(chunk.map(({ arrival }) => arrival.id))
        const mended = changes.owners(plan).filter(({ delivery_id }) => ids.has(delivery_id))
        const written = mended.map((row) => ({ ...row, is_new: false }))
        if (written.length > 0)
          for (const part of plan.parts) await replaceParts(client, batches, written, part)
      }
    }
    // What came since may have found an old row in its place that was newer only by mistake.
    const { rows } = await client.query(
      'select delivery_id, outcome from deliveries where vendor = $1 and owner = $2',
      [owner.vendor, owner.owner],
    )
    const since = rows.filter((row) => read.get(row.delivery_id) !== row.outcome)
    const deliveries = since.map((row) => row.delivery_id as string)
    for await (const chunk of readKept(client, { ...owner, deliveries })) {
      const batches = batchesOf(chunk.map((kept) => accepted(kept, rowsOf)))
      for (const plan of plans) await apply(client, batches, plan)
    }
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

/** What has to be written so that an owner has the rows that are wanted. */
function changesOf(plans: readonly Plan[], held: Rows, wanted: Rows) {
  /** Keys to write, by target; of parts, the keys of those that own them. */
  const keys = new Map<Target, Set<string>>()
  const mended = new Map<Target, Described[]>()
  const ids = new Set<string>()
  let isNone = true
  for (const { target, parts } of plans) {
    const written = new Set<string>()
    keys.set(target, written)
    for (const [key, row] of wanted.of(target)) {
      if (held.of(target).get(key)?.fingerprint !== row.fingerprint) written.add(key)
    }
    isNone =
      isNone && written.size === 0 && [...held.of(target).keys()].every((key) => wanted.of(target).has(key))
    const differing = new Set<string>()
    for (const { target: part, ownerKey } of parts) {
      const names = ownerKey.map((key) => key.part)
      for (const [from, other] of [
        [held, wanted],
        [wanted, held],
      ] as const) {
        for (const [key, row] of from.of(part)) {
          const same = other.of(part).get(key)?.fingerprint === row.fingerprint
          const owner = keyOf(names, row)
          if (!same && wanted.of(target).has(owner) && !written.has(owner)) differing.add(owner)
        }
      }
    }
    const owners = [...differing].map((key) => wanted.of(target).get(key) as Described)
    mended.set(target, owners)
    isNone = isNone && owners.length === 0
    for (const key of written) ids.add((wanted.of(target).get(key) as Described).delivery_id)
    for (const { delivery_id } of owners) ids.add(delivery_id)
  }
  const isWanted = (target: Target, row: object, delivery: string) => {
    const key = keyOf(keyNames(target), row)
    return keys.get(target)?.has(key) === true && wanted.of(target).get(key)?.delivery_id === delivery
  }
  return {
    isNone,
    deliveries: [...ids],
    /** Fingerprints of the rows that go, or that others replace whatever their age. */
    gone: (target: Target) =>
      [...held.of(target)]
        .filter(([key, row]) => row.is_made && wanted.of(target).get(key)?.fingerprint !== row.fingerprint)
        .map(([, { fingerprint }]) => fingerprint),
    /** Rows whose parts alone differ. */
    owners: ({ target }: Plan) => mended.get(target) ?? [],
    /** Of a delivery's rows those that have to be written. Parts go with their owners, which `apply` sees to. */
    only: <A extends { readonly rows: readonly TargetRows[]; readonly id: string }>(given: A): A => ({
      ...given,
      rows: given.rows.map(({ target, rows }) => ({
        target,
        rows: target.partOf ? rows : rows.filter((row) => isWanted(target, row, given.id)),
      })),
    }),
  }
}

const targetsOf = (plans: readonly Plan[]) =>
  plans.flatMap(({ target, parts }) => [target, ...parts.map((part) => part.target)])

const accepted = (kept: Kept, rowsOf: RowsOf) => ({
  rows: rowsOf(kept),
  id: kept.arrival.id,
  receivedAt: kept.arrival.receivedAt,
})

const isOf = (target: Target, { owner }: Owner) => {
  const [name = ''] = keyNames(target)
  return (row: object) => (row as Record<string, unknown>)[name] === owner
}

async function heldRows(client: pg.ClientBase, target: Target, { owner }: Owner): Promise<Described[]> {
  const { name, text } = describeHeld(target)
  return (await client.query({ name, text, values: [owner] })).rows
}

export async function givenRows(
  client: Pick<pg.ClientBase, 'query'>,
  target: Target,
  batches: readonly Batch[],
): Promise<Described[]> {
  const statement = describeGiven(target)
  const all: Described[] = []
  for (const slice of slices(batches, STATEMENT)) {
    for (const row of await query<Described>(
      client as never,
      statement,
      batchParameters(statement.parameters, slice),
    ))
      all.push(row)
  }
  return all
}

/** A transaction that sees one moment, writes nothing and locks no row. */
export async function readOnly<T>(client: Pick<pg.ClientBase, 'query'>, work: () => Promise<T>): Promise<T> {
  await begin(client as never, { isSnapshot: true })
  try {
    return await work()
  } finally {
    await client.query('rollback').catch(() => {})
  }
}
