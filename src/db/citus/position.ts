import type { Client } from '../write/plan.ts'

/** The positions in the change feed of what this transaction stores, and of what it judges again. */
export interface Positions {
  readonly stored: string
  readonly rejudged: string
}

/**
 * Returns the positions of this transaction. They are read by statements of their own: in a statement for a shard, Citus would
 * let the node evaluate `pg_current_xact_id`, whose ids mean nothing to the coordinator.
 */
export async function positionsOf(client: Client): Promise<Positions> {
  const { rows } = await client.query({ name: 'transaction id', text: TRANSACTION })
  const feed = await client.query({ name: 'feed offset', text: OFFSET })
  const stored = 2n * (BigInt(rows[0].id) + BigInt(feed.rows[0].offset))
  return { stored: `${stored}`, rejudged: `${stored + 1n}` }
}

/**
 * The rows are on a node, so the coordinator itself has nothing of the transaction in its write-ahead log. Without the message
 * its commit would not wait for the disk, and after a crash the coordinator would give the same ids again.
 */
const TRANSACTION = `select pg_current_xact_id()::text as id from pg_logical_emit_message(true, 'nightpost', '')`
const OFFSET = 'select xid_offset::text as "offset" from change_feed where id = 1'
