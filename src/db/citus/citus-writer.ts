import type pg from 'pg'
import type { Delivery, Receipt } from '../../ingest/delivery.ts'
import type { Target } from '../../tables/target.ts'
import { isLost } from '../commit/failure.ts'
import type { GroupWriter } from '../commit/group-commit.ts'
import { commit, type TimeLimits } from '../connect/transaction.ts'
import { fencedDeliveries } from '../sql/fence.ts'
import {
  countHeld,
  entryNames,
  insertEntries,
  insertUnownedEntries,
  lockHeld,
} from '../sql/shard-statements.ts'
import {
  addErased,
  addReceipts,
  type Counted,
  type Entry,
  entriesOf,
  isRetry,
  ledgerRow,
  ledgerRows,
  ledgerRowsWithBodies,
  rowsOfEntry,
  storedBefore,
} from '../write/entries.ts'
import {
  type Client,
  type DeliveryRows,
  type Plan,
  plansFor,
  rowsByTarget,
  writeRows,
} from '../write/plan.ts'
import { isUnchanged, type ShardLanes } from './lanes.ts'
import { beginOnNodes, type Durability } from './nodes.ts'
import { type KnownOwners, type LedgerRow, OwnerMemory, recordOwners, run, runOfValues } from './owners.ts'
import { POSITION_STATEMENTS, type Positions, positionsIn } from './position.ts'

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
  readonly recorded: LedgerRow[]
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
  readonly #owners = new OwnerMemory()
  /** A transaction was lost. Shards may have been moved since, away from the node that failed. */
  #isAfterLoss = false

  constructor(targets: readonly Target[], lanes: ShardLanes, durability: Durability) {
    this.#durability = durability
    this.#plans = plansFor(targets, { ofShard: true })
    this.#lanes = lanes
  }

  async write(client: Client, group: readonly Delivery[], limits?: TimeLimits): Promise<Receipt[]> {
    if (this.#isAfterLoss) await this.#lanes.read(client)
    this.#isAfterLoss = false
    try {
      return await this.#write(client, group, limits)
    } catch (error) {
      if (isLost(error)) this.#isAfterLoss = true
      throw error
    }
  }

  async #write(client: Client, group: readonly Delivery[], limits?: TimeLimits): Promise<Receipt[]> {
    const receipts = new Map<string, Receipt>()
    const parts = [entriesOf(group)]
    for (let part = parts.shift(); part; part = parts.shift()) {
      if (part.length === 0) continue
      const outcome = await this.#writeOfShard(client, part, limits)
      if (outcome) {
        for (const [id, receipt] of outcome.receipts) receipts.set(id, receipt)
        this.#owners.forget(outcome.left)
        parts.push(outcome.left)
      } else parts.push(...(await this.#byShard(client, part)))
    }
    return group.map(({ arrival }) => receipts.get(arrival.id) as Receipt)
  }

  /** Commits entries of one shard. Writes nothing and returns null if they are of several. */
  async #writeOfShard(client: Client, entries: Entry[], limits?: TimeLimits): Promise<Outcome | null> {
    const range = this.#lanes.onlyShardOf(entries.map(ownerOf))
    if (!range) return null
    const receipts = new Map<string, Receipt>()
    const positions = positionsIn(await beginOnNodes(client, this.#durability, limits, POSITION_STATEMENTS))
    const owners = await this.#owners.ownersOf(client, entries)
    const inserted = await insertAll(client, entries, owners, positions)
    // From here to the end of the transaction no shard of the group can be split. Before that one may have been. An erasure
    // that puts up its fence after this waits for the transaction, because it has written the ledger.
    const checks = await client.query(`${isUnchanged(range)}; ${IS_ANYBODY_ERASED}`)
    const [isSame, isAnybodyErased] = (checks as unknown as pg.QueryResult[]).map(({ rows }) => rows[0].is)
    if (!isSame) {
      await client.query('rollback')
      return null
    }
    const erased = isAnybodyErased ? await erasedOf(client, entries) : new Set()
    if (erased.size > 0) {
      await client.query('rollback')
      for (const entry of entries.filter((entry) => erased.has(idOf(entry)))) addErased(receipts, entry)
      return { receipts, left: entries.filter((entry) => !erased.has(idOf(entry))) }
    }
    const judged: Judged = { rows: [], recorded: [], renamed: [] }
    for (const entry of entries) {
      if (!inserted.has(idOf(entry))) continue
      addReceipts(receipts, entry, idOf(entry), null)
      judged.rows.push(rowsOfEntry(entry))
      judged.recorded.push(ledgerRow(entry))
    }
    const others = entries.filter((entry) => !inserted.has(idOf(entry)))
    const left = others.length > 0 ? await countOthers(client, others, receipts, judged, positions) : []
    await recordOwners(
      client,
      judged.recorded.filter(({ delivery_id }) => !owners.settled.has(delivery_id)),
    )
    const batches = rowsByTarget(judged.rows)
    for (const plan of this.#plans) {
      if (judged.renamed.length > 0) await run(client, plan.deleteByDelivery, judged.renamed)
      await writeRows(client, batches, plan)
    }
    await commit(client, limits)
    return { receipts, left }
  }

  /** Divides entries by their shards, as the coordinator knows them now. */
  async #byShard(client: Client, entries: readonly Entry[]): Promise<Entry[][]> {
    await this.#lanes.read(client)
    const parts = new Map<number, Entry[]>()
    for (const entry of entries) {
      const shard = this.#lanes.of(ownerOf(entry))
      const others = parts.get(shard)
      if (others) others.push(entry)
      else parts.set(shard, [entry])
    }
    return [...parts.values()]
  }
}

const ownerOf = ({ delivery }: Entry) => delivery.verdict.owner
const idOf = ({ delivery }: Entry) => delivery.arrival.id

/** Inserts the entries that the ledger does not have; returns their ids. */
async function insertAll(
  client: Client,
  entries: readonly Entry[],
  { recorded }: KnownOwners,
  { stored }: Positions,
): Promise<ReadonlySet<string>> {
  const rowOf = (row: object) => ({ ...row, change_position: stored })
  const ofRecorded = ledgerRowsWithBodies(entries.filter((entry) => recorded.has(idOf(entry)))).map(rowOf)
  const ofOthers = ledgerRowsWithBodies(entries.filter((entry) => !recorded.has(idOf(entry)))).map(rowOf)
  const inserted = ofRecorded.length > 0 ? await run<Inserted>(client, insertEntries, ofRecorded) : []
  inserted.push(...(await runOfValues<Inserted>(client, insertUnownedEntries, ofOthers.map(entryValues))))
  return new Set(inserted.map(({ delivery_id }) => delivery_id))
}

interface Inserted {
  readonly delivery_id: string
}

function entryValues(row: Record<string, unknown>): unknown[] {
  return entryNames.map((name) =>
    name === 'body_digest' ? Buffer.from(row[name] as string, 'hex') : (row[name] ?? null),
  )
}

/**
 * Returns the ids of the deliveries that concern erased persons. The lookup is on the coordinator, in the copy that is committed
 * first.
 */
async function erasedOf(client: Client, entries: readonly Entry[]): Promise<ReadonlySet<string>> {
  const fenced = await run<{ delivery_id: string }>(client, fencedDeliveries, ledgerRows(entries))
  return new Set(fenced.map(({ delivery_id }) => delivery_id))
}

const IS_ANYBODY_ERASED = 'select exists (select from erasures) as is'

/** Counts the arrivals of entries that were not inserted. Returns those that are not in the ledger any more. */
async function countOthers(
  client: Client,
  entries: Entry[],
  receipts: Map<string, Receipt>,
  judged: Judged,
  { rejudged }: Positions,
): Promise<Entry[]> {
  const held = await run<Counted>(client, lockHeld, ledgerRows(entries))
  const byArrival = new Map(held.map((row) => [row.arrival_id, row]))
  const counted: object[] = []
  for (const entry of entries) {
    const row = ledgerRow(entry)
    const before = byArrival.get(idOf(entry))
    if (!before) continue
    const { is_judged_again, received_at } = before
    const isTold = isToldAgain(before) && row.outcome === 'stored'
    counted.push({ ...row, is_judged_again, change_position: isTold ? rejudged : null })
    addReceipts(receipts, entry, before.delivery_id, storedBefore(before))
    if (!is_judged_again) continue
    const { rows } = entry.delivery.verdict
    judged.rows.push({
      ...{ rows, id: before.delivery_id, receivedAt: received_at },
      isPulled: before.source === 'pull',
    })
    judged.recorded.push({ ...row, received_at })
    if (before.outcome_before === 'stored') judged.renamed.push(before)
  }
  if (counted.length > 0) await run(client, countHeld, counted)
  return entries.filter((entry) => !byArrival.has(idOf(entry)))
}

/**
 * An arrival that finds itself was committed by a transaction whose end the coordinator did not see. The feed may have passed its
 * position before the node had committed it, so the feed tells it again.
 */
const isToldAgain = (before: Counted) => before.is_judged_again || isRetry(before)
