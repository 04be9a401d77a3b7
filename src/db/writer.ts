import { getTableName } from 'drizzle-orm'
import type { Delivery, Receipt } from '../ingest/delivery.ts'
import type { Target } from '../tables/target.ts'
import { batchParameters, rowParameters } from './batch.ts'
import { bodiesOf, type Entry, entriesOf, ledgerRows } from './group.ts'
import type { GroupWriter } from './group-commit.ts'
import { enter, revisit } from './ledger-statements.ts'
import type { Statement } from './parameters.ts'
import {
  type Accepted,
  apply,
  batchesFor,
  type Client,
  fitsOneStatement,
  type Plan,
  plansFor,
  query,
} from './plan.ts'

interface Held {
  readonly arrival_id: string
  readonly delivery_id: string
  readonly received_at: string
  readonly outcome_before: string
}

/** Writes groups of deliveries: ledger first, then table by table in a fixed order. */
export class Writer implements GroupWriter {
  readonly #plans: readonly Plan[]
  readonly #entering = new Map<string, Statement>()

  constructor(targets: readonly Target[]) {
    this.#plans = plansFor(targets)
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
    const together = used.filter(({ plan, batches }) => plan.parts.length === 0 && fitsOneStatement(batches))
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

    const [mine, known] = partition(entries, ({ delivery }) => fresh.has(delivery.arrival.id))
    for (const entry of mine) settle(receipts, entry, entry.delivery.arrival.id, false)
    return known
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
      if (!wasStored) {
        const { rows } = entry.delivery.verdict
        accepted.push({ rows, id: ledger.delivery_id, receivedAt: ledger.received_at })
      }
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
  const { arrival, verdict } = entry.delivery
  return { rows: verdict.rows, id: arrival.id, receivedAt: arrival.receivedAt }
}

function partition<T>(all: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter((one) => !test(one))]
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
