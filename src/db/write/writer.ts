import { getTableName } from 'drizzle-orm'
import type { Delivery, Receipt } from '../../ingest/delivery.ts'
import type { Target } from '../../tables/target.ts'
import type { GroupWriter } from '../commit/group-commit.ts'
import { begin, commit, type TimeLimits } from '../connect/transaction.ts'
import { fencedDeliveries } from '../sql/fence.ts'
import { insertGroup } from '../sql/insert-group.ts'
import { countDuplicates } from '../sql/ledger-statements.ts'
import { recordOwners } from '../sql/owner-statements.ts'
import type { Statement } from '../sql/parameters.ts'
import { batchParameters, rowParameters } from '../sql/values.ts'
import {
  addErased,
  addReceipts,
  type Counted,
  type Entry,
  entriesOf,
  ledgerGroup,
  ledgerRow,
  ledgerRows,
  rowsOfEntry,
  storedBefore,
} from './entries.ts'
import {
  type Client,
  type DeliveryRows,
  fitsOneStatement,
  type Plan,
  plansFor,
  query,
  type ReplacedRow,
  type RowsByTarget,
  replacePartsOf,
  rowsByTarget,
  writeRows,
} from './plan.ts'

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
    const receipts = new Map<string, Receipt>()
    let left = entriesOf(group)
    while (left.length > 0) {
      left = await this.#insertEntries(client, left, receipts, limits)
      if (left.length > 0) left = await this.#countArrivals(client, left, receipts, limits)
      // What was neither inserted nor found concerns an erased person, or its entry was deleted since. That is tried again.
      if (left.length > 0) left = await this.#leaveOutErased(client, left, receipts)
    }
    return group.map(({ arrival }) => receipts.get(arrival.id) as Receipt)
  }

  /**
   * Inserts the entries that the ledger does not have, with their rows; returns the others: those that it has, and those of
   * erased persons.
   */
  async #insertEntries(
    client: Client,
    entries: Entry[],
    receipts: Map<string, Receipt>,
    limits?: TimeLimits,
  ): Promise<Entry[]> {
    const rows = entries.map(rowsOfEntry)
    const batches = rowsByTarget(rows)
    const used = this.#plans.filter(({ target }) => batches.has(target))
    const fitting = used.filter((plan) => fitsOneStatement(plan, batches))
    const oversized = used.filter((plan) => !fitting.includes(plan))
    // A single statement is a transaction of its own. Replacing parts and setting time limits take further statements.
    const isSingle = !limits && oversized.length === 0 && fitting.every(({ parts }) => parts.length === 0)

    if (!isSingle) await begin(client, limits)
    const { repeated, replaced } = await this.#insertInOneStatement(client, entries, batches, fitting)
    for (const plan of fitting) await replacePartsOf(client, batches, replaced, plan)
    const inserted = rowsByTarget(oversized.length > 0 ? rows.filter(({ id }) => !repeated.has(id)) : [])
    for (const plan of oversized) await writeRows(client, inserted, plan)
    if (!isSingle) await commit(client, limits)

    const isRepeated = ({ delivery }: Entry) => repeated.has(delivery.arrival.id)
    for (const entry of entries)
      if (!isRepeated(entry)) addReceipts(receipts, entry, entry.delivery.arrival.id, null)
    return entries.filter(isRepeated)
  }

  /**
   * Counts the arrivals of entries that the ledger has. Writes the rows of those that were not stored before, or that
   * were stored under the name of another event. Returns the entries that the ledger no longer has.
   */
  async #countArrivals(
    client: Client,
    entries: Entry[],
    receipts: Map<string, Receipt>,
    limits?: TimeLimits,
  ): Promise<Entry[]> {
    await begin(client, limits)
    const parameters = rowParameters(countDuplicates.parameters, ledgerRows(entries))
    const counted = await query<Counted>(client, countDuplicates, parameters)
    const byArrival = new Map(counted.map((row) => [row.arrival_id, row]))
    const rows: DeliveryRows[] = []
    const renamed: Counted[] = []
    const judgedAgain: object[] = []
    for (const entry of entries) {
      const { arrival, verdict } = entry.delivery
      const ledger = byArrival.get(arrival.id)
      if (!ledger) continue
      addReceipts(receipts, entry, ledger.delivery_id, storedBefore(ledger))
      if (!ledger.is_judged_again) continue
      const isPulled = ledger.source === 'pull'
      rows.push({ rows: verdict.rows, id: ledger.delivery_id, receivedAt: ledger.received_at, isPulled })
      judgedAgain.push({ ...ledgerRow(entry), received_at: ledger.received_at })
      if (ledger.outcome_before === 'stored') renamed.push(ledger)
    }
    const batches = rowsByTarget(rows)
    for (const plan of this.#plans) {
      // The rows that the same bytes made under the name of another event are deleted.
      const { deleteByDelivery } = plan
      if (renamed.length > 0)
        await query(client, deleteByDelivery, rowParameters(deleteByDelivery.parameters, renamed))
      await writeRows(client, batches, plan)
    }
    if (judgedAgain.length > 0)
      await query(client, recordOwners, rowParameters(recordOwners.parameters, judgedAgain))
    await commit(client, limits)
    return entries.filter(({ delivery }) => !byArrival.has(delivery.arrival.id))
  }

  /** Answers the entries that concern erased persons; returns the others. */
  async #leaveOutErased(client: Client, entries: Entry[], receipts: Map<string, Receipt>): Promise<Entry[]> {
    const parameters = rowParameters(fencedDeliveries.parameters, ledgerRows(entries))
    const fenced = await query<{ delivery_id: string }>(client, fencedDeliveries, parameters)
    const ids = new Set(fenced.map(({ delivery_id }) => delivery_id))
    const isErased = ({ delivery }: Entry) => ids.has(delivery.arrival.id)
    for (const entry of entries.filter(isErased)) addErased(receipts, entry)
    return entries.filter((entry) => !isErased(entry))
  }

  /**
   * Inserts the ledger's rows, and those of the plans, by one statement. Returns the ids of the arrivals that were not
   * inserted, and the rows whose parts must be replaced.
   */
  async #insertInOneStatement(
    client: Client,
    entries: Entry[],
    batches: RowsByTarget,
    plans: readonly Plan[],
  ): Promise<{ repeated: ReadonlySet<string>; replaced: readonly ReplacedRow[] }> {
    const withPulled = entries.some(({ delivery }) => delivery.source === 'pull')
    const rowsFor = ({ target, upsert, upsertPulled, parts }: Plan) => [
      ...batchParameters((withPulled ? upsertPulled : upsert).parameters, batches.get(target) ?? []),
      ...parts.flatMap(({ target: part, insert }) =>
        batchParameters(insert.parameters, batches.get(part) ?? []),
      ),
    ]
    const { rows, groupId, bytes } = ledgerGroup(entries)
    const remaining = await query<ReplacedRow | { readonly table: null; readonly delivery_id: string }>(
      client,
      this.#insertStatement(plans, withPulled),
      [...rowParameters(LEDGER_COLUMNS, rows), groupId, bytes, ...plans.flatMap(rowsFor)],
    )
    const repeated = new Set<string>()
    const replaced: ReplacedRow[] = []
    for (const row of remaining) {
      if (row.table === null) repeated.add(row.delivery_id)
      else replaced.push(row)
    }
    return { repeated, replaced }
  }

  /** The statement for a set of tables; made once for each set that occurs. */
  #insertStatement(plans: readonly Plan[], withPulled: boolean): Statement {
    const key = `${withPulled} ${plans.map(({ target }) => getTableName(target.table)).join(' ')}`
    const statement = this.#insertStatements.get(key) ?? insertGroup(plans, withPulled)
    this.#insertStatements.set(key, statement)
    return statement
  }
}

/** The parameters of the ledger's columns, and the subject. `insertGroup` has one for `group_id` and one for the bytes after them. */
const LEDGER_COLUMNS = insertGroup([]).parameters.filter(({ isScalar }) => !isScalar)
