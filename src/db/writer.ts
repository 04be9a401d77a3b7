import { getTableName } from 'drizzle-orm'
import type { PoolClient } from 'pg'
import type { Delivery, Receipt } from '../ingest/delivery.ts'
import type { Target } from '../tables/target.ts'
import { type Batch, batchParameters, rowParameters, slices } from './batch.ts'
import { bodiesOf, type Entry, entriesOf, ledgerRows } from './group.ts'
import { enter, type PartStatements, partStatements, revisit, type Statement, upsert } from './statements.ts'

type Client = Pick<PoolClient, 'query'>

/** Entries whose rows are to be applied, under the id and arrival that the ledger knows them by. */
interface Accepted {
  readonly entry: Entry
  readonly id: string
  readonly receivedAt: string
}

interface Held {
  readonly arrival_id: string
  readonly delivery_id: string
  readonly received_at: string
  readonly outcome_before: string
}

/** A row that an upsert wrote: its key, who wrote it, and whether there was none before. */
interface Written {
  readonly delivery_id: string
  readonly is_new: boolean
  readonly [key: string]: unknown
}

interface Plan {
  readonly target: Target
  readonly upsert: Statement
  readonly parts: ReadonlyArray<PartStatements & { readonly target: Target }>
}

/** Rows that one statement carries; a larger delivery is written in slices of one transaction. */
const STATEMENT_ROWS = 10_000

/** Writes groups of deliveries: ledger first, then table by table in a fixed order. */
export class Writer {
  /** The order in which every writer locks rows, whichever way a group is written; tables with parts come last. */
  readonly #plans: readonly Plan[]
  readonly #entering = new Map<string, Statement>()

  constructor(targets: readonly Target[]) {
    this.#plans = targets
      .filter(({ partOf }) => partOf === undefined)
      .map((target) => ({
        target,
        upsert: upsert(target),
        parts: targets
          .filter(({ partOf }) => partOf === target)
          .map((part) => ({ target: part, ...partStatements(part, target) })),
      }))
      .sort((a, b) => Number(a.parts.length > 0) - Number(b.parts.length > 0))
  }

  /** One receipt for each delivery, in the same order, once each is committed with its rows and outcome. */
  async write(client: Client, group: readonly Delivery[]): Promise<Receipt[]> {
    const entries = entriesOf(group)
    const receipts = new Map<string, Receipt>()
    const known = await this.#enter(client, entries, receipts)
    if (known.length > 0) await this.#revisit(client, known, receipts)
    return group.map(({ arrival }) => receipts.get(arrival.id) as Receipt)
  }

  /** Writes what the ledger doesn't hold yet; returns what it holds. */
  async #enter(client: Client, entries: Entry[], receipts: Map<string, Receipt>): Promise<Entry[]> {
    const accepted = entries.map(asArrived)
    const used = this.#plans
      .map((plan) => ({ plan, batches: batchesFor(plan.target, accepted) }))
      .filter(({ batches }) => batches.length > 0)
    const fits = ({ batches }: { batches: Batch[] }) => slices(batches, STATEMENT_ROWS).length === 1
    const together = used.filter((use) => use.plan.parts.length === 0 && fits(use))
    const apart = used.filter((use) => !together.includes(use))

    if (apart.length > 0) await client.query('begin')
    const statement = this.#entryStatement(together.map(({ plan }) => plan.target))
    const entered = await query<{ delivery_id: string }>(client, statement, [
      ...rowParameters(LEDGER_COLUMNS, ledgerRows(entries)),
      bodiesOf(entries),
      ...together.flatMap(({ plan, batches }) => batchParameters(plan.upsert.columns, batches)),
    ])
    const fresh = new Set(entered.map(({ delivery_id }) => delivery_id))
    const isFresh = ({ id }: Accepted) => fresh.has(id)
    for (const { plan } of apart) await apply(client, accepted.filter(isFresh), plan)
    if (apart.length > 0) await client.query('commit')

    for (const { entry, id } of accepted.filter(isFresh)) settle(receipts, entry, id, false)
    return entries.filter(({ delivery }) => !fresh.has(delivery.arrival.id))
  }

  /** Counts deliveries that the ledger holds, and applies those that were not stored so far. */
  async #revisit(client: Client, entries: Entry[], receipts: Map<string, Receipt>): Promise<void> {
    await client.query('begin')
    const held = await query<Held>(client, revisit, rowParameters(revisit.columns, ledgerRows(entries)))
    const heldByArrival = new Map(held.map((row) => [row.arrival_id, row]))
    const accepted: Accepted[] = []
    for (const entry of entries) {
      const { arrival } = entry.delivery
      const ledger = heldByArrival.get(arrival.id) as Held
      const wasStored = ledger.outcome_before === 'stored'
      const isItself = ledger.delivery_id === arrival.id
      settle(receipts, entry, ledger.delivery_id, wasStored && !isItself)
      if (!wasStored) accepted.push({ entry, id: ledger.delivery_id, receivedAt: ledger.received_at })
    }
    for (const plan of this.#plans) await apply(client, accepted, plan)
    await client.query('commit')
  }

  /** One text for each set of targets that groups really have. */
  #entryStatement(targets: Target[]): Statement {
    const key = targets.map(({ table }) => getTableName(table)).join(' ')
    const statement = this.#entering.get(key) ?? enter(targets)
    this.#entering.set(key, statement)
    return statement
  }
}

const LEDGER_COLUMNS = enter([]).columns.slice(0, -1)

function asArrived(entry: Entry): Accepted {
  const { id, receivedAt } = entry.delivery.arrival
  return { entry, id, receivedAt }
}

/** Answers each arrival as if they had been written one after the other. */
function settle(
  receipts: Map<string, Receipt>,
  { members }: Entry,
  deliveryId: string,
  wasStored: boolean,
): void {
  let isStored = wasStored
  for (const { arrival, verdict } of members) {
    const outcome = isStored ? 'duplicate' : verdict.outcome
    receipts.set(arrival.id, { outcome, deliveryId, problem: verdict.problem })
    isStored ||= verdict.outcome === 'stored'
  }
}

async function apply(
  client: Client,
  accepted: readonly Accepted[],
  { target, upsert, parts }: Plan,
): Promise<void> {
  const written: Written[] = []
  for (const slice of slices(batchesFor(target, accepted), STATEMENT_ROWS)) {
    const rows = await query<Written>(client, upsert, batchParameters(upsert.columns, slice))
    if (parts.length > 0) written.push(...rows)
  }
  for (const part of parts) await replaceParts(client, accepted, written, part)
}

async function replaceParts(
  client: Client,
  accepted: readonly Accepted[],
  owners: readonly Written[],
  { target, clear, insert, ownerKey }: Plan['parts'][number],
): Promise<void> {
  const replaced = owners.filter(({ is_new }) => !is_new)
  if (replaced.length > 0) await query(client, clear, rowParameters(clear.columns, replaced))

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
    await query(client, insert, batchParameters(insert.columns, slice))
  }
}

function batchesFor(target: Target, accepted: readonly Accepted[]): Batch[] {
  const batches: Batch[] = []
  for (const { entry, id, receivedAt } of accepted) {
    for (const { target: owner, rows } of entry.delivery.verdict.rows) {
      if (owner === target && rows.length > 0) batches.push({ rows, id, receivedAt })
    }
  }
  return batches
}

async function query<R>(client: Client, { name, text }: Statement, values: unknown[]): Promise<R[]> {
  const { rows } = await client.query({ name, text, values })
  return rows as R[]
}
