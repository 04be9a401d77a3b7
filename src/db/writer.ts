import type { PoolClient } from 'pg'
import type { Delivery, Receipt } from '../ingest/delivery.ts'
import type { Target } from '../tables/target.ts'
import { type Entry, entriesOf, ledgerParameters, rowsJson } from './group.ts'
import { enter, partStatements, revisit, type Statement, upsert } from './statements.ts'

type Client = Pick<PoolClient, 'query'>

/** A delivery whose rows are to be applied, under the id and arrival that the ledger knows it by. */
interface Accepted {
  readonly delivery: Delivery
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
    return group.map((delivery) => receipts.get(delivery.id) as Receipt)
  }

  async #enter(client: Client, entries: Entry[]) {
    const receipts = new Map<string, Receipt>()
    const accepted: Accepted[] = []
    const settle = ({ delivery, copies }: Entry, deliveryId: string, outcome: Receipt['outcome']) => {
      const { problem } = delivery
      receipts.set(delivery.id, { outcome, deliveryId, problem })
      const repeated = outcome === 'stored' ? 'duplicate' : outcome
      for (const copy of copies) receipts.set(copy.id, { outcome: repeated, deliveryId, problem })
    }

    const { rows, bodies } = ledgerParameters(entries)
    const entered = await run<{ delivery_id: string }>(client, enter, [rows, bodies])
    const fresh = new Set(entered.map(({ delivery_id }) => delivery_id))
    const known: Entry[] = []
    for (const entry of entries) {
      const { delivery } = entry
      if (!fresh.has(delivery.id)) {
        known.push(entry)
        continue
      }
      settle(entry, delivery.id, delivery.outcome)
      accepted.push({ delivery, id: delivery.id, receivedAt: delivery.receivedAt })
    }
    if (known.length === 0) return { receipts, accepted }

    const held = await run<Held>(client, revisit, [ledgerParameters(known).rows])
    const heldByArrival = new Map(held.map((row) => [row.arrival_id, row]))
    for (const entry of known) {
      const { delivery } = entry
      const ledger = heldByArrival.get(delivery.id) as Held
      const wasStored = ledger.outcome_before === 'stored'
      const isItself = ledger.delivery_id === delivery.id
      settle(entry, ledger.delivery_id, wasStored && !isItself ? 'duplicate' : delivery.outcome)
      if (!wasStored) {
        accepted.push({ delivery, id: ledger.delivery_id, receivedAt: ledger.received_at })
      }
    }
    return { receipts, accepted }
  }

  async #apply(client: Client, accepted: Accepted[], { target, upsert, parts }: Plan) {
    const rows = jsonFor(target, accepted)
    if (rows === null) return
    const written = await run<object>(client, upsert, [rows])
    if (written.length === 0) return
    for (const part of parts) {
      await run(client, part.clear, [JSON.stringify(written)])
      const partRows = jsonFor(part.target, accepted)
      if (partRows !== null) await run(client, part.insert, [partRows])
    }
  }
}

async function run<R>(client: Client, { name, text }: Statement, values: unknown[]): Promise<R[]> {
  const { rows } = await client.query({ name, text, values })
  return rows as R[]
}

/** The rows that a group has for a target, as one JSON array; null where it has none. */
function jsonFor(target: Target, accepted: readonly Accepted[]): string | null {
  const rows = accepted.flatMap((one) =>
    one.delivery.rows.flatMap((into) =>
      into.target === target && into.rows.length > 0 ? [rowsJson(into.rows, one)] : [],
    ),
  )
  return rows.length > 0 ? `[${rows.join()}]` : null
}
