import { getTableName } from 'drizzle-orm'
import type { Delivery, Receipt } from '../../ingest/delivery.ts'
import type { Target } from '../../tables/target.ts'
import type { GroupWriter } from '../commit/group-commit.ts'
import { begin, commit, type TimeLimits } from '../connect/transaction.ts'
import { countDuplicates, insertGroup } from '../sql/ledger-statements.ts'
import type { Statement } from '../sql/parameters.ts'
import { batchParameters, rowParameters } from '../sql/values.ts'
import { type Entry, entriesOf, ledgerRows } from './entries.ts'
import {
  type Accepted,
  apply,
  type Batches,
  batchesOf,
  type Client,
  fitsOneStatement,
  type Plan,
  plansFor,
  query,
  replaceParts,
} from './plan.ts'

interface Held {
  readonly arrival_id: string
  readonly owner: string
  readonly delivery_id: string
  readonly received_at: string
  readonly outcome_before: string
  readonly event_before: string | null
  readonly is_judged_again: boolean
}

/** Writes groups of deliveries: ledger first, then table by table in a fixed order. */
export class Writer implements GroupWriter {
  readonly #plans: readonly Plan[]
  readonly #entering = new Map<string, Statement>()

  /** `former` are the targets whose tables have the key of an earlier version. */
  constructor(targets: readonly Target[], former?: ReadonlySet<Target>) {
    this.#plans = plansFor(targets, former && { former })
  }

  /** One receipt for each delivery, in the same order, once each is committed with its rows and outcome. */
  async write(client: Client, group: readonly Delivery[], limits?: TimeLimits): Promise<Receipt[]> {
    const entries = entriesOf(group)
    const receipts = new Map<string, Receipt>()
    const known = await this.#enter(client, entries, receipts, limits)
    if (known.length > 0) await this.#revisit(client, known, receipts, limits)
    return group.map(({ arrival }) => receipts.get(arrival.id) as Receipt)
  }

  /** Writes what the ledger doesn't hold yet; returns what it holds. */
  async #enter(
    client: Client,
    entries: Entry[],
    receipts: Map<string, Receipt>,
    limits?: TimeLimits,
  ): Promise<Entry[]> {
    const accepted = entries.map(asArrived)
    const batches = batchesOf(accepted)
    const used = this.#plans.filter(({ target }) => batches.has(target))
    const together = used.filter((plan) => fitsOneStatement(plan, batches))
    const apart = used.filter((plan) => !together.includes(plan))
    // One statement is a transaction of its own; parts of rows that are replaced need a second one, and so do time limits.
    const isOne = !limits && apart.length === 0 && together.every(({ parts }) => parts.length === 0)

    if (!isOne) await begin(client, limits)
    const remains = await this.#enterTogether(client, entries, batches, together)
    const held = new Set(remains.filter(({ replaced }) => !replaced).map((row) => row.delivery_id))
    for (const plan of together) await replacePartsOf(client, batches, remains, plan)
    const fresh = batchesOf(apart.length > 0 ? accepted.filter(({ id }) => !held.has(id)) : [])
    for (const plan of apart) await apply(client, fresh, plan)
    if (!isOne) await commit(client, limits)

    const [known, mine] = partition(entries, ({ delivery }) => held.has(delivery.arrival.id))
    for (const entry of mine) settle(receipts, entry, entry.delivery.arrival.id, null)
    return known
  }

  /** Counts deliveries that the ledger holds, and applies those that were not stored so far, or under another name. */
  async #revisit(
    client: Client,
    entries: Entry[],
    receipts: Map<string, Receipt>,
    limits?: TimeLimits,
  ): Promise<void> {
    await begin(client, limits)
    const held = await query<Held>(
      client,
      countDuplicates,
      rowParameters(countDuplicates.parameters, ledgerRows(entries)),
    )
    const heldByArrival = new Map(held.map((row) => [row.arrival_id, row]))
    const accepted: Accepted[] = []
    const renamed: Held[] = []
    for (const entry of entries) {
      const { arrival, verdict } = entry.delivery
      const ledger = heldByArrival.get(arrival.id) as Held
      const wasStored = ledger.outcome_before === 'stored'
      const isItself = ledger.delivery_id === arrival.id
      const known =
        wasStored && !isItself ? { event: ledger.event_before, isLast: !ledger.is_judged_again } : null
      settle(receipts, entry, ledger.delivery_id, known)
      if (!ledger.is_judged_again) continue
      accepted.push({ rows: verdict.rows, id: ledger.delivery_id, receivedAt: ledger.received_at })
      if (wasStored) renamed.push(ledger)
    }
    const batches = batchesOf(accepted)
    for (const plan of this.#plans) {
      // What the bytes made under their former name goes.
      const { deleteByDelivery } = plan
      if (renamed.length > 0)
        await query(client, deleteByDelivery, rowParameters(deleteByDelivery.parameters, renamed))
      await apply(client, batches, plan)
    }
    await commit(client, limits)
  }

  async #enterTogether(
    client: Client,
    entries: Entry[],
    batches: Batches,
    plans: readonly Plan[],
  ): Promise<Remains[]> {
    const rowsFor = ({ target, upsert, parts }: Plan) => [
      ...batchParameters(upsert.parameters, batches.get(target) ?? []),
      ...parts.flatMap(({ target: part, insert }) =>
        batchParameters(insert.parameters, batches.get(part) ?? []),
      ),
    ]
    return query<Remains>(client, this.#entryStatement(plans), [
      ...rowParameters(ENTRY_PARAMETERS, ledgerRows(entries)),
      ...plans.flatMap(rowsFor),
    ])
  }

  /** One text for each set of targets that groups really have. */
  #entryStatement(plans: readonly Plan[]): Statement {
    const key = plans.map(({ target }) => getTableName(target.table)).join(' ')
    const statement = this.#entering.get(key) ?? insertGroup(plans)
    this.#entering.set(key, statement)
    return statement
  }
}

const ENTRY_PARAMETERS = insertGroup([]).parameters

/** What is left to do: a delivery that the ledger held; or a row that replaced another, and owns parts. */
interface Remains {
  readonly delivery_id: string
  readonly replaced: string | null
  readonly key: Readonly<Record<string, string>> | null
}

async function replacePartsOf(
  client: Client,
  batches: Batches,
  remains: readonly Remains[],
  { target, parts }: Plan,
): Promise<void> {
  const table = getTableName(target.table)
  const owners = remains
    .filter(({ replaced }) => replaced === table)
    .map(({ delivery_id, key }) => ({ ...key, delivery_id, is_new: false }))
  if (owners.length === 0) return
  for (const part of parts) await replaceParts(client, batches, owners, part)
}

function asArrived(entry: Entry): Accepted {
  const { arrival, verdict } = entry.delivery
  return { rows: verdict.rows, id: arrival.id, receivedAt: arrival.receivedAt }
}

function partition<T>(all: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter((one) => !test(one))]
}

/** As what the ledger had stored some bytes, and whether no other name may take its place. */
interface Known {
  readonly event: string | null
  readonly isLast: boolean
}

/** Answers each arrival as if they had been written one after the other. */
function settle(
  receipts: Map<string, Receipt>,
  { members }: Entry,
  deliveryId: string,
  before: Known | null,
): void {
  let known = before
  for (const { arrival, verdict } of members) {
    const isStored = verdict.outcome === 'stored'
    const isDuplicate = known !== null && (known.isLast || !isStored || known.event === verdict.event)
    const outcome = isDuplicate ? 'duplicate' : verdict.outcome
    receipts.set(arrival.id, { outcome, deliveryId, problem: verdict.problem })
    if (isStored && !isDuplicate) known = { event: verdict.event, isLast: false }
  }
}
