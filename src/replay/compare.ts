import type pg from 'pg'
import type { Described } from '../db/sql/comparing-statements.ts'
import { type Plan, rowsByTarget } from '../db/write/plan.ts'
import type { Target, TargetRows } from '../tables/target.ts'
import type { Filter, LedgerDelivery } from './ledger-reader.ts'
import { currentRowsOf, describeRows, inReadOnlySnapshot, type Owner, tablesOf } from './owner-rows.ts'
import { keyNames, keyOf, Rows } from './rows.ts'

/** The rows that today's code makes from a delivery of the ledger; null if it can't judge it any more. */
export type RowsOf = (delivery: LedgerDelivery) => readonly TargetRows[] | null

/** Where the deliveries of an owner come from, and what becomes of them. */
export interface Source {
  readonly client: pg.ClientBase
  readonly read: (filter: Filter) => AsyncIterable<LedgerDelivery[]>
  readonly rowsOf: RowsOf
}

export interface Comparison {
  /** The rows that the owner has. */
  readonly current: Rows
  /** The rows that the owner's deliveries make today. */
  readonly expected: Rows
  /** The outcome of every delivery that the ledger had, by its id. */
  readonly outcomes: ReadonlyMap<string, string>
}

/**
 * Compares an owner's rows with what the ledger makes of them, without a write or a lock. A row whose delivery is no longer
 * in the ledger, is without its body, or can't be judged any more, is expected as it is.
 */
export async function compare(
  { client, read, rowsOf }: Source,
  owner: Owner,
  plans: readonly Plan[],
): Promise<Comparison> {
  const current = new Rows()
  const expected = new Rows()
  const outcomes = new Map<string, string>()
  await inReadOnlySnapshot(client, async () => {
    const isJudged = new Set<string>()
    for await (const chunk of read(owner)) {
      for (const { arrival, outcome } of chunk) outcomes.set(arrival.id, outcome)
      const judged = chunk.flatMap((delivery) => withRows(delivery, rowsOf))
      for (const { id } of judged) isJudged.add(id)
      const batches = rowsByTarget(judged)
      for (const [target, all] of batches) {
        const own = all.map((batch) => ({ ...batch, rows: batch.rows.filter(belongsTo(owner, target)) }))
        for (const row of await describeRows(client, target, own)) expected.propose(target, row)
      }
    }
    for (const [id, outcome] of await withoutBody(client, owner, outcomes)) outcomes.set(id, outcome)
    for (const target of tablesOf(plans)) {
      const rows = await currentRowsOf(client, target, owner)
      const elsewhere = rows.filter((row) => row.is_made && !outcomes.has(row.delivery_id))
      const readable = await withBody(
        client,
        elsewhere.map(({ delivery_id }) => delivery_id),
      )
      for (const row of rows) {
        const is_made = isJudged.has(row.delivery_id) || readable.has(row.delivery_id)
        current.add(target, { ...row, is_made })
        if (!is_made) expected.propose(target, row)
      }
    }
  })
  expected.settleParts(plans)
  return { current, expected, outcomes }
}

/** The outcomes of the owner's deliveries that were not read, by their ids: their bodies are not kept. */
async function withoutBody(
  client: pg.ClientBase,
  { vendor, owner }: Owner,
  isRead: ReadonlyMap<string, string>,
) {
  const { rows } = await client.query(
    'select delivery_id, outcome from deliveries where vendor = $1 and owner = $2',
    [vendor, owner],
  )
  return rows
    .filter((row) => !isRead.has(row.delivery_id))
    .map((row): [string, string] => [row.delivery_id, row.outcome])
}

/** Those of the ids whose body is kept. They belong to another owner since an earlier replay, which was interrupted. */
async function withBody(client: pg.ClientBase, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const { rows } = await client.query(
    'select delivery_id from delivery_bodies where delivery_id = any($1::uuid[])',
    [ids],
  )
  return new Set(rows.map((row) => row.delivery_id))
}

/** A delivery in the form that `rowsByTarget` takes; nothing if it can't be judged any more. */
export function withRows(delivery: LedgerDelivery, rowsOf: RowsOf) {
  const rows = rowsOf(delivery)
  const { id, receivedAt } = delivery.arrival
  return rows ? [{ rows, id, receivedAt, isPulled: delivery.source === 'pull' }] : []
}

/** The first column of every primary key names the owner. */
function belongsTo({ owner }: Owner, target: Target): (row: object) => boolean {
  const [name = ''] = keyNames(target)
  return (row) => (row as Record<string, unknown>)[name] === owner
}

/** What has to be written so that an owner has the expected rows. */
export class Changes {
  /** Keys of the rows to write, by target. Parts are not among them: they are written with the row that owns them. */
  readonly #keys = new Map<Target, Set<string>>()
  /** Rows that are as expected, but whose parts are not. */
  readonly #withOtherParts = new Map<Target, Described[]>()
  readonly #current: Rows
  readonly #expected: Rows

  constructor(plans: readonly Plan[], { current, expected }: Pick<Comparison, 'current' | 'expected'>) {
    this.#current = current
    this.#expected = expected
    for (const plan of plans) {
      const keys = new Set<string>()
      for (const [key, row] of expected.of(plan.target)) {
        if (current.of(plan.target).get(key)?.fingerprint !== row.fingerprint) keys.add(key)
      }
      this.#keys.set(plan.target, keys)
      this.#withOtherParts.set(plan.target, this.#findOtherParts(plan, keys))
    }
  }

  get isNone(): boolean {
    for (const [target, keys] of this.#keys) {
      if (keys.size > 0 || this.rowsWithOtherParts(target).length > 0) return false
      const expected = this.#expected.of(target)
      for (const key of this.#current.of(target).keys()) if (!expected.has(key)) return false
    }
    return true
  }

  /** Ids of the deliveries that make the rows to write. */
  get deliveries(): string[] {
    const ids = new Set<string>()
    for (const [target, keys] of this.#keys) {
      const expected = this.#expected.of(target)
      for (const key of keys) ids.add((expected.get(key) as Described).delivery_id)
      for (const { delivery_id } of this.rowsWithOtherParts(target)) ids.add(delivery_id)
    }
    return [...ids]
  }

  /** Fingerprints of the rows to delete: those that are not expected, or that another row replaces whatever their age. */
  deleted(target: Target): string[] {
    const expected = this.#expected.of(target)
    return [...this.#current.of(target)]
      .filter(([key, row]) => row.is_made && expected.get(key)?.fingerprint !== row.fingerprint)
      .map(([, { fingerprint }]) => fingerprint)
  }

  /** Ids of the deliveries of which a row comes, goes or changes. */
  told(plans: readonly Plan[]): Set<string> {
    const ids = new Set(this.deliveries)
    for (const { target } of plans) {
      const expected = this.#expected.of(target)
      for (const [key, row] of this.#current.of(target))
        if (row.is_made && expected.get(key)?.fingerprint !== row.fingerprint) ids.add(row.delivery_id)
    }
    return ids
  }

  rowsWithOtherParts(target: Target): readonly Described[] {
    return this.#withOtherParts.get(target) ?? []
  }

  /** A delivery with only those of its rows that have to be written. */
  only<D extends { readonly rows: readonly TargetRows[]; readonly id: string }>(delivery: D): D {
    const isWritten = (target: Target, row: object) => {
      const key = keyOf(keyNames(target), row)
      const isChanged = this.#keys.get(target)?.has(key) === true
      return isChanged && this.#expected.of(target).get(key)?.delivery_id === delivery.id
    }
    const rows = delivery.rows.map(({ target, rows }) => ({
      target,
      // The plan writes parts only for the rows that it writes.
      rows: target.partOf ? rows : rows.filter((row) => isWritten(target, row)),
    }))
    return { ...delivery, rows }
  }

  #findOtherParts({ target, parts }: Plan, written: ReadonlySet<string>): Described[] {
    const owners = this.#expected.of(target)
    const found = new Set<string>()
    for (const { target: part, parentKey } of parts) {
      const names = parentKey.map((key) => key.part)
      const [current, expected] = [this.#current.of(part), this.#expected.of(part)]
      const differing = [...rowsThatDiffer(current, expected), ...rowsThatDiffer(expected, current)]
      for (const row of differing) {
        const owner = keyOf(names, row)
        if (owners.has(owner) && !written.has(owner)) found.add(owner)
      }
    }
    return [...found].map((key) => owners.get(key) as Described)
  }
}

/** The rows of `some` that `others` has not, or has otherwise. */
function rowsThatDiffer(
  some: ReadonlyMap<string, Described>,
  others: ReadonlyMap<string, Described>,
): Described[] {
  return [...some].flatMap(([key, row]) => (others.get(key)?.fingerprint === row.fingerprint ? [] : [row]))
}
