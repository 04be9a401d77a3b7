import type { GroupWriter } from '../db/commit/group-commit.ts'
import { present } from '../db/sql/ledger-statements.ts'
import { rowParameters } from '../db/sql/values.ts'
import { type Client, query, rowsByTarget } from '../db/write/plan.ts'
import type { Delivery, Receipt } from '../ingest/delivery.ts'
import type { Target } from '../tables/target.ts'
import { describeRows, inReadOnlySnapshot } from './owner-rows.ts'
import { ledgerRow } from './rewriter.ts'

/**
 * Returns the receipts that a `Rewriter` would return, in transactions that neither write nor lock. Postgres reads
 * every value of the rows, so a value that it can't store is found. What only a write finds is not, such as a violated
 * constraint.
 */
export class DryRunWriter implements GroupWriter {
  readonly #targets: ReadonlySet<Target>

  constructor(targets: readonly Target[]) {
    this.#targets = new Set(targets)
  }

  write(client: Client, group: readonly Delivery[]): Promise<Receipt[]> {
    return inReadOnlySnapshot(client, async () => {
      const rows = await query<{ delivery_id: string; held_as: string | null }>(
        client,
        present,
        rowParameters(present.parameters, group.map(ledgerRow)),
      )
      const heldAs = new Map(rows.map((row) => [row.delivery_id, row.held_as ?? row.delivery_id]))
      const accepted = group.map(({ arrival: { id, receivedAt }, verdict: { rows } }) => ({
        rows,
        id,
        receivedAt,
      }))
      for (const [target, batches] of rowsByTarget(accepted)) {
        if (this.#targets.has(target)) await describeRows(client, target, batches)
      }
      return group.map(({ arrival, verdict }) => ({
        outcome: heldAs.get(arrival.id) === arrival.id ? verdict.outcome : 'duplicate',
        deliveryId: arrival.id,
        problem: verdict.problem,
      }))
    })
  }
}
