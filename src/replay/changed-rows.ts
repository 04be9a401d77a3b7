import { positionsOf } from '../db/citus/position.ts'
import { isDistributed } from '../db/citus/state.ts'
import { lockOfOwner, tellOfOwner } from '../db/sql/citus-rewrite-statements.ts'
import { describeKeyed, tellRejudged } from '../db/sql/feed-statements.ts'
import { batchParameters, slices } from '../db/sql/values.ts'
import { type Client, type Plan, query, type RowsByTarget, STATEMENT, writeRows } from '../db/write/plan.ts'

interface KeyedRow {
  readonly delivery_id: string
  readonly fingerprint: string
}

/**
 * Writes rows, and returns the ids of the deliveries of which a row changed, came or went. `onlyDiffering`: the plans write only
 * rows that differ, so those that they report are the changed ones. Otherwise the rows with the same keys are compared before and
 * after.
 */
export async function writeAndCompare(
  client: Client,
  batches: RowsByTarget,
  plans: readonly Plan[],
  onlyDiffering: boolean,
): Promise<Set<string>> {
  const before = onlyDiffering ? [] : await rowsWithKeys(client, batches, plans)
  const written: KeyedRow[] = []
  for (const plan of plans)
    for (const { delivery_id } of await writeRows(client, batches, plan))
      written.push({ delivery_id, fingerprint: '' })
  const after = onlyDiffering ? written : await rowsWithKeys(client, batches, plans)
  const idsOf = (some: readonly KeyedRow[], others: readonly KeyedRow[]) => {
    const known = new Set(others.map(({ fingerprint }) => fingerprint))
    return some.filter(({ fingerprint }) => !known.has(fingerprint)).map(({ delivery_id }) => delivery_id)
  }
  return new Set([...idsOf(before, after), ...idsOf(after, before)])
}

/** The rows in the tables that have the keys of the given rows, and their parts. */
async function rowsWithKeys(
  client: Client,
  batches: RowsByTarget,
  plans: readonly Plan[],
): Promise<KeyedRow[]> {
  const found: KeyedRow[] = []
  for (const { target, parts } of plans) {
    const statements = [
      describeKeyed(target, target),
      ...parts.map((part) => describeKeyed(part.target, target, part.parentKey)),
    ]
    for (const slice of slices(batches.get(target) ?? [], STATEMENT)) {
      for (const statement of statements) {
        const values = batchParameters(statement.parameters, slice)
        for (const row of await query<KeyedRow>(client, statement, values)) found.push(row)
      }
    }
  }
  return found
}

/** Tells in the change feed that rows of these deliveries changed. */
export async function tell(client: Client, deliveries: Iterable<string>): Promise<void> {
  const ids = [...deliveries]
  if (ids.length > 0) await query(client, tellRejudged, [ids])
}

/** The same for deliveries of one owner, also on Citus: there the statements must name the owner. */
export async function tellOf(client: Client, owner: string, deliveries: Iterable<string>): Promise<void> {
  const ids = [...deliveries]
  if (ids.length === 0 || !(await isDistributed(client))) return tell(client, ids)
  await query(client, lockOfOwner, [ids, owner])
  const { rejudged } = await positionsOf(client)
  await query(client, tellOfOwner, [ids, owner, rejudged])
}
