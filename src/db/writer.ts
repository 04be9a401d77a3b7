import type { PoolClient } from 'pg'
import type { Delivery, Receipt, Verdict } from '../ingest/delivery.ts'
import type { Target } from '../tables/target.ts'
import { arrayLiteral, columnLiteral } from './array-literal.ts'
import { bodiesOf, type Entry, entriesOf, ledgerRows } from './group.ts'
import { enter, partStatements, revisit, type Statement, upsert } from './statements.ts'

type Client = Pick<PoolClient, 'query'>

/** Rows to be applied, under the id and arrival that the ledger knows their delivery by. */
interface Accepted {
  readonly rows: Verdict['rows']
  readonly id: string
  readonly receivedAt: string
}

interface Held {
  readonly arrival_id: string
  readonly delivery_id: string
  readonly received_at: string
  readonly outcome_before: string
}

interface Plan {
  readonly target: Target
  readonly upsert: Statement
  readonly parts: ReadonlyArray<{ target: Target; clear: Statement; insert: Statement }>
}

/** Writes a group of deliveries in one transaction: ledger first, then table by table in a fixed order. */
export class Writer {
  readonly #plans: readonly Plan[]

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
  }

  /** One receipt for each delivery, in the same order, once the transaction is committed. */
  async write(client: Client, group: readonly Delivery[]): Promise<Receipt[]> {
    const entries = entriesOf(group)
    await client.query('begin')
    const { receipts, accepted } = await this.#enter(client, entries)
    for (const plan of this.#plans) await this.#apply(client, accepted, plan)
    await client.query('commit')
    return group.map(({ arrival }) => receipts.get(arrival.id) as Receipt)
  }

  async #enter(client: Client, entries: Entry[]) {
    const receipts = new Map<string, Receipt>()
    const accepted: Accepted[] = []
    const settle = ({ delivery, copies }: Entry, deliveryId: string, outcome: Receipt['outcome']) => {
      const { problem } = delivery.verdict
      receipts.set(delivery.arrival.id, { outcome, deliveryId, problem })
      const repeated = outcome === 'stored' ? 'duplicate' : outcome
      for (const { arrival } of copies) receipts.set(arrival.id, { outcome: repeated, deliveryId, problem })
    }

    const entered = await run<{ delivery_id: string }>(client, enter, ledgerRows(entries), bodiesOf(entries))
    const fresh = new Set(entered.map(({ delivery_id }) => delivery_id))
    const known: Entry[] = []
    for (const entry of entries) {
      const { arrival, verdict } = entry.delivery
      if (!fresh.has(arrival.id)) {
        known.push(entry)
        continue
      }
      settle(entry, arrival.id, verdict.outcome)
      accepted.push({ rows: verdict.rows, id: arrival.id, receivedAt: arrival.receivedAt })
    }
    if (known.length === 0) return { receipts, accepted }

    const held = await run<Held>(client, revisit, ledgerRows(known))
    const heldByArrival = new Map(held.map((row) => [row.arrival_id, row]))
    for (const entry of known) {
      const { arrival, verdict } = entry.delivery
      const ledger = heldByArrival.get(arrival.id) as Held
      const wasStored = ledger.outcome_before === 'stored'
      const isItself = ledger.delivery_id === arrival.id
      settle(entry, ledger.delivery_id, wasStored && !isItself ? 'duplicate' : verdict.outcome)
      if (!wasStored) {
        accepted.push({ rows: verdict.rows, id: ledger.delivery_id, receivedAt: ledger.received_at })
      }
    }
    return { receipts, accepted }
  }

  async #apply(client: Client, accepted: Accepted[], { target, upsert, parts }: Plan) {
    const batches = batchesFor(target, accepted)
    if (batches.length === 0) return
    const written = await runBatches<object>(client, upsert, batches)
    if (written.length === 0) return
    for (const part of parts) {
      await run(client, part.clear, written)
      const partBatches = batchesFor(part.target, accepted)
      if (partBatches.length > 0) await runBatches(client, part.insert, partBatches)
    }
  }
}

/** The rows that one delivery has for one target. */
interface Batch {
  readonly rows: readonly object[]
  readonly id: string
  readonly receivedAt: string
}

function batchesFor(target: Target, accepted: readonly Accepted[]): Batch[] {
  const batches: Batch[] = []
  for (const { rows, id, receivedAt } of accepted) {
    for (const into of rows) {
      if (into.target === target && into.rows.length > 0) batches.push({ rows: into.rows, id, receivedAt })
    }
  }
  return batches
}

async function runBatches<R>(client: Client, statement: Statement, batches: readonly Batch[]): Promise<R[]> {
  const rows = batches.flatMap((batch) => batch.rows)
  const values = statement.columns.map((name) => {
    if (name === 'delivery_id') return arrayLiteral(batches.flatMap(({ rows, id }) => rows.map(() => id)))
    if (name === 'received_at') {
      return arrayLiteral(batches.flatMap(({ rows, receivedAt }) => rows.map(() => receivedAt)))
    }
    return columnLiteral(rows, name)
  })
  return query(client, statement, values)
}

async function run<R>(
  client: Client,
  statement: Statement,
  rows: readonly object[],
  bytes?: Buffer,
): Promise<R[]> {
  const values: unknown[] = statement.columns.map((name) => columnLiteral(rows, name))
  if (bytes) values.push(bytes)
  return query(client, statement, values)
}

async function query<R>(client: Client, { name, text }: Statement, values: unknown[]): Promise<R[]> {
  const { rows } = await client.query({ name, text, values })
  return rows as R[]
}
