import type { Delivery, Receipt } from '../../ingest/delivery.ts'
import type { Target } from '../../tables/target.ts'
import type { GroupWriter } from '../commit/group-commit.ts'
import { commit, type TimeLimits } from '../connect/transaction.ts'
import { fencedDeliveries } from '../sql/fence.ts'
import type { Statement } from '../sql/parameters.ts'
import {
  countHeld,
  insertEntries,
  insertOwners,
  knownOwners,
  linksOf,
  lockHeld,
} from '../sql/shard-statements.ts'
import { rowParameters } from '../sql/values.ts'
import { type Entry, entriesOf, ledgerRow, ledgerRows, ledgerRowsWithBodies } from '../write/entries.ts'
import {
  type Client,
  type DeliveryRows,
  type Plan,
  plansFor,
  query,
  rowsByTarget,
  writeRows,
} from '../write/plan.ts'
import {
  addErased,
  addReceipts,
  type Counted,
  isRetry,
  rowsOfEntry,
  storedBefore,
} from '../write/receipts.ts'
import { type ShardLanes, shardsOf } from './lanes.ts'
import { beginOnNodes, type Durability } from './nodes.ts'
import { nextPosition } from './position.ts'

/** What one transaction found out. It counts only if the transaction is committed. */
interface Outcome {
  readonly receipts: Map<string, Receipt>
  /** Entries that were neither inserted nor found: they were deleted in the middle. */
  readonly left: Entry[]
}

/** What one transaction has to write, beside the entries themselves. */
interface Judged {
  /** Deliveries whose rows are written. */
  readonly rows: DeliveryRows[]
  /** Rows of `deliveries` whose owner is recorded. */
  readonly recorded: object[]
  /** Deliveries whose earlier rows are deleted, because they are of another event. */
  readonly renamed: Counted[]
}

/**
 * Writes a group on Citus. All its rows are of one shard, so the transaction writes on one node, and Citus commits it without a
 * two-phase commit: first on the node, then on the coordinator. The change feed relies on this. A position is the id of the
 * coordinator's transaction, so below the coordinator's horizon everything is committed on its node. After a two-phase
 * commit a node may show rows later than that.
 *
 * Each statement is one task. The ledger comes first, then the tables in a fixed order, so that no two writers deadlock.
 */
export class CitusWriter implements GroupWriter {
  readonly #plans: readonly Plan[]
  readonly #lanes: ShardLanes

  readonly #durability: Durability

  constructor(targets: readonly Target[], lanes: ShardLanes, durability: Durability) {
    this.#durability = durability
    this.#plans = plansFor(targets, { ofShard: true })
    this.#lanes = lanes
  }

  async write(client: Client, group: readonly Delivery[], limits?: TimeLimits): Promise<Receipt[]> {
    const receipts = new Map<string, Receipt>()
    const parts = [entriesOf(group)]
    for (let part = parts.shift(); part; part = parts.shift()) {
      if (part.length === 0) continue
      const outcome = await this.#writeOfShard(client, part, limits)
      if (outcome) {
        for (const [id, receipt] of outcome.receipts) receipts.set(id, receipt)
        parts.push(outcome.left)
      } else parts.push(...(await this.#byShard(client, part)))
    }
    return group.map(({ arrival }) => receipts.get(arrival.id) as Receipt)
  }

  /** Commits entries of one shard. Writes nothing and returns null if they are of several. */
  async #writeOfShard(client: Client, entries: Entry[], limits?: TimeLimits): Promise<Outcome | null> {
    const receipts = new Map<string, Receipt>()
    await beginOnNodes(client, this.#durability, limits)
    const inserted = await run<{ delivery_id: string }>(client, insertEntries, ledgerRowsWithBodies(entries))
    // From here to the end of the transaction no shard of the group can be split. Before that one may have been.
    const shards = await shardsOf(client, [...new Set(entries.map(ownerOf))])
    if (new Set(shards.values()).size > 1) {
      await client.query('rollback')
      return null
    }
    const ids = new Set(inserted.map(({ delivery_id }) => delivery_id))
    const judged: Judged = { rows: [], recorded: [], renamed: [] }
    for (const entry of entries) {
      if (!ids.has(entry.delivery.arrival.id)) continue
      addReceipts(receipts, entry, entry.delivery.arrival.id, null)
      judged.rows.push(rowsOfEntry(entry))
      judged.recorded.push(ledgerRow(entry))
    }
    const others = entries.filter(({ delivery }) => !ids.has(delivery.arrival.id))
    const left = others.length > 0 ? await this.#countOthers(client, others, receipts, judged) : []
    await recordOwners(client, judged.recorded)
    const batches = rowsByTarget(judged.rows)
    for (const plan of this.#plans) {
      if (judged.renamed.length > 0) await run(client, plan.deleteByDelivery, judged.renamed)
      await writeRows(client, batches, plan)
    }
    await commit(client, limits)
    return { receipts, left }
  }

  /**
   * Counts the arrivals of entries that were not inserted, unless they concern erased persons. Returns those that are not in the
   * ledger any more. An erasure that begins now waits for this transaction, because it has written the ledger.
   */
  async #countOthers(
    client: Client,
    entries: Entry[],
    receipts: Map<string, Receipt>,
    judged: Judged,
  ): Promise<Entry[]> {
    const fenced = await run<{ delivery_id: string }>(client, fencedDeliveries, ledgerRows(entries))
    const erased = new Set(fenced.map(({ delivery_id }) => delivery_id))
    const isErased = ({ delivery }: Entry) => erased.has(delivery.arrival.id)
    for (const entry of entries.filter(isErased)) addErased(receipts, entry)
    const kept = entries.filter((entry) => !isErased(entry))
    if (kept.length === 0) return []

    const held = await run<Counted>(client, lockHeld, ledgerRows(kept))
    const byArrival = new Map(held.map((row) => [row.arrival_id, row]))
    const position = held.some(isToldAgain) ? await nextPosition(client) : null
    const counted: object[] = []
    for (const entry of kept) {
      const row = ledgerRow(entry)
      const before = byArrival.get(entry.delivery.arrival.id)
      if (!before) continue
      const { is_judged_again, received_at } = before
      const isTold = isToldAgain(before) && row.outcome === 'stored'
      counted.push({ ...row, is_judged_again, change_position: isTold ? position : null })
      addReceipts(receipts, entry, before.delivery_id, storedBefore(before))
      if (!is_judged_again) continue
      const isPulled = before.source === 'pull'
      const { rows } = entry.delivery.verdict
      judged.rows.push({ rows, id: before.delivery_id, receivedAt: received_at, isPulled })
      judged.recorded.push({ ...row, received_at })
      if (before.outcome_before === 'stored') judged.renamed.push(before)
    }
    if (counted.length > 0) await run(client, countHeld, counted)
    return kept.filter(({ delivery }) => !byArrival.has(delivery.arrival.id))
  }

  /** Divides entries by the shards that the coordinator names, after a shard was split. */
  async #byShard(client: Client, entries: Entry[]): Promise<Entry[][]> {
    await this.#lanes.read(client)
    const shards = await shardsOf(client, [...new Set(entries.map(ownerOf))])
    const parts = new Map<number | undefined, Entry[]>()
    for (const entry of entries) {
      const shard = shards.get(ownerOf(entry))
      const others = parts.get(shard)
      if (others) others.push(entry)
      else parts.set(shard, [entry])
    }
    return [...parts.values()]
  }
}

const ownerOf = ({ delivery }: Entry) => delivery.verdict.owner

/**
 * An arrival that finds itself was committed by a transaction whose end the coordinator did not see. The feed may have passed its
 * position before the node had committed it, so the feed tells it again.
 */
const isToldAgain = (before: Counted) => before.is_judged_again || isRetry(before)

function run<R>(client: Client, statement: Statement, rows: readonly object[]): Promise<R[]> {
  return query<R>(client, statement, rowParameters(statement.parameters, rows))
}

interface Recorded {
  readonly delivery_id: string
  readonly owner: string
  readonly vendor: string
}

/** Records the owners of rows of the ledger that are stored. Usually every owner is known, and nothing is written. */
async function recordOwners(client: Client, rows: readonly object[]): Promise<void> {
  const stored = (rows as ReturnType<typeof ledgerRow>[]).filter(
    ({ outcome, owner }) => outcome === 'stored' && owner !== '',
  )
  if (stored.length === 0) return
  const known = await run<Recorded>(client, knownOwners, stored)
  const ids = new Set(known.map(({ delivery_id }) => delivery_id))
  const unknown = stored.filter(({ delivery_id }) => !ids.has(delivery_id))
  if (unknown.length === 0) return
  const links = await run<Recorded & { person_id: string }>(client, linksOf, unknown)
  const linked = new Map(links.map(({ owner, vendor, person_id }) => [`${vendor} ${owner}`, person_id]))
  const linkOf = ({ vendor, owner }: Recorded) => linked.get(`${vendor} ${owner}`) ?? null
  await run(
    client,
    insertOwners,
    unknown.map((row) => ({ ...row, linked_to: linkOf(row) })),
  )
}
