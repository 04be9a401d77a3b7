import type { ShardLanes } from '../db/citus/lanes.ts'
import { beginOnNodes, durabilityOf } from '../db/citus/nodes.ts'
import { positionsOf } from '../db/citus/position.ts'
import type { GroupWriter } from '../db/commit/group-commit.ts'
import { commit, type TimeLimits } from '../db/connect/transaction.ts'
import {
  giveToOwner,
  keptOfOwner,
  lockOfOwner,
  takeFromOwner,
  tellOfOwner,
  updateVerdictsOfOwner,
} from '../db/sql/citus-rewrite-statements.ts'
import { rowParameters } from '../db/sql/values.ts'
import { blankInPacks } from '../db/upkeep/blank.ts'
import { type Client, type DeliveryRows, type Plan, plansFor, query, rowsByTarget } from '../db/write/plan.ts'
import type { Delivery, Receipt } from '../ingest/delivery.ts'
import type { Target } from '../tables/target.ts'
import { writeAndCompare } from './changed-rows.ts'
import { type Held, ledgerRow } from './rewriter.ts'

/**
 * Writes new verdicts on Citus, in one transaction for each owner: all its statements are one task, and it commits on one node.
 * A delivery that gets another owner is one transaction of its own. If both owners are on one node, nothing differs. Otherwise
 * it is a two-phase commit, after which the node may show the delivery later than the change feed expects it; so the delivery
 * is told once more by a second transaction.
 */
export class CitusRewriter implements GroupWriter {
  readonly #plans: readonly Plan[]
  readonly #onlyDiffering: boolean
  readonly #lanes: ShardLanes
  #durability: Awaited<ReturnType<typeof durabilityOf>> | undefined

  constructor(targets: readonly Target[], lanes: ShardLanes, onlyDiffering: boolean) {
    this.#plans = plansFor(targets, { ofShard: true, onlyDiffering })
    this.#onlyDiffering = onlyDiffering
    this.#lanes = lanes
  }

  async write(client: Client, group: readonly Delivery[], limits?: TimeLimits): Promise<Receipt[]> {
    this.#durability ??= await durabilityOf(client, (shard) => this.#lanes.probeIn(shard))
    const { rows } = await client.query(
      'select delivery_id, owner from deliveries where delivery_id = any($1::uuid[])',
      [group.map(({ arrival }) => arrival.id)],
    )
    const ownerBefore = new Map<string, string>(rows.map(({ delivery_id, owner }) => [delivery_id, owner]))
    const byOwner = new Map<string, Delivery[]>()
    const ours = new Set<string>()
    for (const delivery of group) {
      const { owner } = delivery.verdict
      const before = ownerBefore.get(delivery.arrival.id)
      if (before === undefined) continue
      if (before !== owner && !(await this.#move(client, delivery, before, limits))) continue
      const others = byOwner.get(owner)
      if (others) others.push(delivery)
      else byOwner.set(owner, [delivery])
    }
    // In one order, as all writers lock the ledger.
    for (const [owner, some] of [...byOwner].sort(([a], [b]) => (a < b ? -1 : 1)))
      for (const id of await this.#rewrite(client, owner, some, ownerBefore, limits)) ours.add(id)
    return group.map(({ arrival, verdict }) => ({
      outcome: ours.has(arrival.id) ? verdict.outcome : 'duplicate',
      deliveryId: arrival.id,
      problem: verdict.problem,
    }))
  }

  async #rewrite(
    client: Client,
    owner: string,
    group: readonly Delivery[],
    ownerBefore: ReadonlyMap<string, string>,
    limits?: TimeLimits,
  ): Promise<Set<string>> {
    await beginOnNodes(client, this.#durability as never, limits)
    const ids = group.map(({ arrival }) => arrival.id)
    const held = new Map(
      (await query<Held>(client, lockOfOwner, [ids, owner])).map((row) => [row.delivery_id, row]),
    )
    const present = group.filter(({ arrival }) => held.has(arrival.id))
    const { rejudged: position } = await positionsOf(client)
    const rows = present.map((delivery) => ({ ...ledgerRow(delivery), change_position: position }))
    await query(client, updateVerdictsOfOwner, rowParameters(updateVerdictsOfOwner.parameters, rows))
    const accepted: DeliveryRows[] = present.map(({ arrival: { id }, verdict }) => {
      const { received_at, source } = held.get(id) as Held
      return { rows: verdict.rows, id, receivedAt: received_at, isPulled: source === 'pull' }
    })
    const changed = await writeAndCompare(client, rowsByTarget(accepted), this.#plans, this.#onlyDiffering)
    const isMoved = (id: string) => ownerBefore.get(id) !== owner
    const told = [...held.keys()].filter((id) => changed.has(id) || isMoved(id))
    if (told.length > 0) await query(client, tellOfOwner, [told, owner, position])
    await recordOwner(client, owner, present, held)
    await commit(client, limits)
    return new Set(held.keys())
  }

  /** Returns whether the delivery is the new owner's now: not if that owner is erased, or has the same bytes already. */
  async #move(client: Client, delivery: Delivery, before: string, limits?: TimeLimits): Promise<boolean> {
    const { id } = delivery.arrival
    await beginOnNodes(client, this.#durability as never, limits)
    const [held] = await query<Held>(client, lockOfOwner, [[id], before])
    if (!held) {
      await client.query('rollback')
      return false
    }
    await blankInPacks(client, [held])
    const { rejudged: position } = await positionsOf(client)
    const [gone] = await query<{ outcome: string; change_position: string | null }>(client, keptOfOwner, [
      id,
      before,
    ])
    await query(client, takeFromOwner, [id, before])
    const concernsRows = gone?.outcome === 'stored' || delivery.verdict.outcome === 'stored'
    const row = {
      ...gone,
      ...ledgerRow(delivery),
      ...{ body_group: null, body_start: null },
      change_position: concernsRows ? position : (gone?.change_position ?? null),
    }
    const arrived = await query<{ delivery_id: string }>(
      client,
      giveToOwner,
      rowParameters(giveToOwner.parameters, [row]),
    )
    await commit(client, limits)
    return arrived[0]?.delivery_id === id
  }
}

/** Records the owner of deliveries that are stored: by the first one that names a user, as `recordOwnersSql` does. */
async function recordOwner(
  client: Client,
  owner: string,
  group: readonly Delivery[],
  held: ReadonlyMap<string, Held>,
): Promise<void> {
  if (owner === '') return
  const named = group
    .filter(({ verdict }) => verdict.outcome === 'stored')
    .map(({ arrival, vendor, verdict }) => ({
      vendor,
      at: held.get(arrival.id)?.received_at,
      user: verdict.subject ?? '',
    }))
  for (const vendor of new Set(named.map(({ vendor }) => vendor))) {
    const [first] = named
      .filter((each) => each.vendor === vendor)
      .sort(
        (a, b) =>
          Number(a.user === '') - Number(b.user === '') || Number((a.at as string) > (b.at as string)) || -1,
      )
    if (!first) continue
    const { rows } = await client.query(
      'select person_id from person_links where owner = $1 and vendor = $2',
      [owner, vendor],
    )
    await client.query(
      `insert into owners as o (owner, vendor, user_id, person_id, first_received_at) values ($1, $2, $3, $4, $5)
       on conflict (owner, vendor) do update set user_id = excluded.user_id, person_id = excluded.person_id,
         first_received_at = excluded.first_received_at
       where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at)`,
      [owner, vendor, first.user, rows[0]?.person_id ?? (first.user || owner), first.at],
    )
  }
}
