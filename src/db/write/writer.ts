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
  type Client,
  type DeliveryRows,
  fitsOneStatement,
  type Plan,
  plansFor,
  query,
  type RowsByTarget,
  replaceParts,
  rowsByTarget,
  writeRows,
} from './plan.ts'

/** A row of the statement that counts duplicates: what the ledger had of a delivery. */
interface KnownDelivery {
  /** The id that this arrival was given. */
  readonly arrival_id: string
  readonly owner: string
  readonly delivery_id: string
  readonly received_at: string
  readonly outcome_before: string
  readonly event_before: string | null
  /** The new verdict replaces the old one: the delivery was not stored, or was stored under the name of another event. */
  readonly is_judged_again: boolean
}

/** A row of the statement that inserts a group: what is left to do after it. */
interface Remaining {
  readonly delivery_id: string
  /** The table of a row that replaced another one and owns parts; null for a delivery that the ledger had already. */
  readonly replaced: string | null
  /** The key of that row. */
  readonly key: Readonly<Record<string, string>> | null
}

/** Writes a group: first the ledger, then the tables in a fixed order, so that no two writers deadlock. */
export class Writer implements GroupWriter {
  readonly #plans: readonly Plan[]
  /** The statements that insert a group, by the tables that the group has rows for. */
  readonly #insertStatements = new Map<string, Statement>()

  /** `former` are the targets whose tables have the key of an earlier version. */
  constructor(targets: readonly Target[], former?: ReadonlySet<Target>) {
    this.#plans = plansFor(targets, former && { former })
  }

  /** Commits the group; returns a receipt for each delivery, in the same order. */
  async write(client: Client, group: readonly Delivery[], limits?: TimeLimits): Promise<Receipt[]> {
    const entries = entriesOf(group)
    const receipts = new Map<string, Receipt>()
    const known = await this.#insertGroup(client, entries, receipts, limits)
    if (known.length > 0) await this.#countDuplicates(client, known, receipts, limits)
    return group.map(({ arrival }) => receipts.get(arrival.id) as Receipt)
  }

  /** Inserts the deliveries that the ledger does not have, with their rows; returns those that it has. */
  async #insertGroup(
    client: Client,
    entries: Entry[],
    receipts: Map<string, Receipt>,
    limits?: TimeLimits,
  ): Promise<Entry[]> {
    const accepted = entries.map(asArrived)
    const batches = rowsByTarget(accepted)
    const used = this.#plans.filter(({ target }) => batches.has(target))
    const together = used.filter((plan) => fitsOneStatement(plan, batches))
    const apart = used.filter((plan) => !together.includes(plan))
    // A single statement is a transaction of its own. Replacing parts and setting time limits take further statements.
    const isSingle = !limits && apart.length === 0 && together.every(({ parts }) => parts.length === 0)

    if (!isSingle) await begin(client, limits)
    const remaining = await this.#insertTogether(client, entries, batches, together)
    const knownIds = new Set(remaining.filter(({ replaced }) => !replaced).map((row) => row.delivery_id))
    for (const plan of together) await replacePartsOf(client, batches, remaining, plan)
    const inserted = rowsByTarget(apart.length > 0 ? accepted.filter(({ id }) => !knownIds.has(id)) : [])
    for (const plan of apart) await writeRows(client, inserted, plan)
    if (!isSingle) await commit(client, limits)

    const isKnown = ({ delivery }: Entry) => knownIds.has(delivery.arrival.id)
    for (const entry of entries) {
      if (!isKnown(entry)) addReceipts(receipts, entry, entry.delivery.arrival.id, null)
    }
    return entries.filter(isKnown)
  }

  /**
   * Counts the arrivals of deliveries that the ledger has. Writes the rows of those that were not stored before, or that
   * were stored under the name of another event.
   */
  async #countDuplicates(
    client: Client,
    entries: Entry[],
    receipts: Map<string, Receipt>,
    limits?: TimeLimits,
  ): Promise<void> {
    await begin(client, limits)
    const rows = await query<KnownDelivery>(
      client,
      countDuplicates,
      rowParameters(countDuplicates.parameters, ledgerRows(entries)),
    )
    const byArrival = new Map(rows.map((row) => [row.arrival_id, row]))
    const accepted: DeliveryRows[] = []
    const renamed: KnownDelivery[] = []
    for (const entry of entries) {
      const { arrival, verdict } = entry.delivery
      const ledger = byArrival.get(arrival.id) as KnownDelivery
      const wasStored = ledger.outcome_before === 'stored'
      const isItself = ledger.delivery_id === arrival.id
      const known =
        wasStored && !isItself ? { event: ledger.event_before, isLast: !ledger.is_judged_again } : null
      addReceipts(receipts, entry, ledger.delivery_id, known)
      if (!ledger.is_judged_again) continue
      accepted.push({ rows: verdict.rows, id: ledger.delivery_id, receivedAt: ledger.received_at })
      if (wasStored) renamed.push(ledger)
    }
    const batches = rowsByTarget(accepted)
    for (const plan of this.#plans) {
      // The rows that the same bytes made under the name of another event are deleted.
      const { deleteByDelivery } = plan
      if (renamed.length > 0)
        await query(client, deleteByDelivery, rowParameters(deleteByDelivery.parameters, renamed))
      await writeRows(client, batches, plan)
    }
    await commit(client, limits)
  }

  /** Inserts the ledger's rows, and those of the plans, by one statement. */
  async #insertTogether(
    client: Client,
    entries: Entry[],
    batches: RowsByTarget,
    plans: readonly Plan[],
  ): Promise<Remaining[]> {
    const rowsFor = ({ target, upsert, parts }: Plan) => [
      ...batchParameters(upsert.parameters, batches.get(target) ?? []),
      ...parts.flatMap(({ target: part, insert }) =>
        batchParameters(insert.parameters, batches.get(part) ?? []),
      ),
    ]
    return query<Remaining>(client, this.#insertStatement(plans), [
      ...rowParameters(ENTRY_PARAMETERS, ledgerRows(entries)),
      ...plans.flatMap(rowsFor),
    ])
  }

  /** The statement for a set of tables; made once for each set that occurs. */
  #insertStatement(plans: readonly Plan[]): Statement {
    const key = plans.map(({ target }) => getTableName(target.table)).join(' ')
    const statement = this.#insertStatements.get(key) ?? insertGroup(plans)
    this.#insertStatements.set(key, statement)
    return statement
  }
}

const ENTRY_PARAMETERS = insertGroup([]).parameters

async function replacePartsOf(
  client: Client,
  batches: RowsByTarget,
  remaining: readonly Remaining[],
  { target, parts }: Plan,
): Promise<void> {
  const table = getTableName(target.table)
  const owners = remaining
    .filter(({ replaced }) => replaced === table)
    .map(({ delivery_id, key }) => ({ ...key, delivery_id, is_new: false }))
  if (owners.length === 0) return
  for (const part of parts) await replaceParts(client, batches, owners, part)
}

function asArrived(entry: Entry): DeliveryRows {
  const { arrival, verdict } = entry.delivery
  return { rows: verdict.rows, id: arrival.id, receivedAt: arrival.receivedAt }
}

/** Under the name of which event the ledger had stored some bytes, and whether no other name can replace it. */
interface StoredAs {
  readonly event: string | null
  readonly isLast: boolean
}

/** Adds the receipts of identical arrivals, as if they had been written one after the other. */
function addReceipts(
  receipts: Map<string, Receipt>,
  { members }: Entry,
  deliveryId: string,
  before: StoredAs | null,
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
