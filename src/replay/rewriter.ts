import type { GroupWriter } from '../db/commit/group-commit.ts'
import { begin, commit, type TimeLimits } from '../db/connect/transaction.ts'
import { tellRewritten } from '../db/links.ts'
import { lockDeliveries, moveDeliveries, updateVerdicts } from '../db/sql/ledger-statements.ts'
import { recordOwners } from '../db/sql/owner-statements.ts'
import { rowParameters } from '../db/sql/values.ts'
import { type BodyPlace, blankInGroups, blankInPacks } from '../db/upkeep/blank.ts'
import {
  type Client,
  type DeliveryRows,
  type Plan,
  type PlanOptions,
  plansFor,
  query,
  rowsByTarget,
} from '../db/write/plan.ts'
import type { Delivery, Receipt } from '../ingest/delivery.ts'
import type { Target } from '../tables/target.ts'
import { tell, writeAndCompare } from './changed-rows.ts'

export interface Held extends BodyPlace {
  readonly received_at: string
  readonly source: string
}

/**
 * Writes new verdicts of deliveries of the ledger, and their rows. Deliveries keep their id and time of arrival. With
 * `onlyDiffering` it does not touch rows that would not change, nor their parts.
 */
export class Rewriter implements GroupWriter {
  readonly #plans: readonly Plan[]
  readonly #onlyDiffering: boolean

  constructor(targets: readonly Target[], options: PlanOptions) {
    this.#plans = plansFor(targets, options)
    this.#onlyDiffering = options.onlyDiffering ?? false
  }

  async write(client: Client, group: readonly Delivery[], limits?: TimeLimits): Promise<Receipt[]> {
    await begin(client, limits)
    const ids = group.map(({ arrival }) => ({ delivery_id: arrival.id }))
    const held = await query<Held>(client, lockDeliveries, rowParameters(lockDeliveries.parameters, ids))
    const before = new Map(held.map((row) => [row.delivery_id, row]))

    const present = group.filter(({ arrival }) => before.has(arrival.id))
    const isMoved = ({ arrival, verdict }: Delivery) => before.get(arrival.id)?.owner !== verdict.owner
    const moved = present.filter(isMoved)
    const staying = present.filter((delivery) => !isMoved(delivery))
    await query(client, updateVerdicts, rowParameters(updateVerdicts.parameters, staying.map(ledgerRow)))
    // The body goes along. In the pack of the former owner, or in a group, an erasure of the new owner would not find it.
    const places = moved.map(({ arrival }) => before.get(arrival.id) as Held)
    await blankInGroups(client, places)
    await blankInPacks(client, places)
    const arrived =
      moved.length === 0
        ? []
        : await query<{ delivery_id: string }>(
            client,
            moveDeliveries,
            rowParameters(moveDeliveries.parameters, moved.map(ledgerRow)),
          )

    const ours = new Set([
      ...staying.map(({ arrival }) => arrival.id),
      ...arrived.map((row) => row.delivery_id),
    ])
    const judged = present.filter(({ arrival }) => ours.has(arrival.id))
    const accepted: DeliveryRows[] = judged.map(({ arrival: { id }, verdict }) => ({
      rows: verdict.rows,
      id,
      receivedAt: (before.get(id) as Held).received_at,
      isPulled: (before.get(id) as Held).source === 'pull',
    }))
    const batches = rowsByTarget(accepted)
    const changed = await writeAndCompare(client, batches, this.#plans, this.#onlyDiffering)
    await tell(
      client,
      [...changed].filter((id) => ours.has(id)),
    )
    const owned = judged.map((delivery) => ({
      ...ledgerRow(delivery),
      subject: delivery.verdict.subject,
      received_at: before.get(delivery.arrival.id)?.received_at,
    }))
    await query(client, recordOwners, rowParameters(recordOwners.parameters, owned))
    // The rows that a moved delivery made stay with the former owner, whose ledger does not tell of them any more.
    for (const { arrival, vendor } of moved)
      await tellRewritten(client, vendor, [(before.get(arrival.id) as Held).owner])
    await commit(client, limits)

    return group.map(({ arrival, verdict }) => ({
      outcome: ours.has(arrival.id) ? verdict.outcome : 'duplicate',
      deliveryId: arrival.id,
      problem: verdict.problem,
    }))
  }
}

export function ledgerRow({
  arrival,
  verdict,
  vendor,
  authenticatedBy,
  headers,
  normaliserVersion,
}: Delivery): object {
  return {
    owner: verdict.owner,
    vendor,
    body_digest: arrival.digest,
    delivery_id: arrival.id,
    event: verdict.event,
    user_id: verdict.userId,
    authenticated_by: authenticatedBy,
    outcome: verdict.outcome,
    problem: verdict.problem && JSON.stringify(verdict.problem),
    headers: JSON.stringify(headers),
    normaliser_version: normaliserVersion,
    body: arrival.body,
  }
}
