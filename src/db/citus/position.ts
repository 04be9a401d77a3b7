import type pg from 'pg'
import type { Client } from '../write/plan.ts'

/** The positions in the change feed of what this transaction stores, and of what it judges again. */
export interface Positions {
  readonly stored: string
  readonly rejudged: string
}

/**
 * Statements whose results `positionsIn` reads. In a statement for a shard, Citus would let the node evaluate
 * `pg_current_xact_id`, whose ids mean nothing to the coordinator.
 *
 * The rows are on a node, so the coordinator itself has nothing of the transaction in its write-ahead log. Without the message
 * its commit would not wait for the disk, and after a crash the coordinator would give the same ids again. A consumer of the feed
 * would not see what gets a position that it has passed.
 */
export const POSITION_STATEMENTS: readonly string[] = [
  `select pg_current_xact_id()::text as id from pg_logical_emit_message(true, 'nightpost', '')`,
  'select xid_offset::text as "offset" from change_feed where id = 1',
]

/** Returns the positions of this transaction. */
export async function positionsOf(client: Client): Promise<Positions> {
  // A message of several statements has several results.
  return positionsIn((await client.query(POSITION_STATEMENTS.join('; '))) as unknown as pg.QueryResult[])
}

/** Returns the positions from the results of a message that ends with `POSITION_STATEMENTS`. */
export function positionsIn(results: readonly pg.QueryResult[]): Positions {
  const [transaction, feed] = results.slice(-POSITION_STATEMENTS.length)
  const stored = 2n * (BigInt(transaction?.rows[0].id) + BigInt(feed?.rows[0].offset))
  return { stored: `${stored}`, rejudged: `${stored + 1n}` }
}
