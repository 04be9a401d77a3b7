import type { Client } from '../write/plan.ts'

/**
 * Returns the position in the change feed of what this transaction judges again. It is read by statements of its own: in an
 * update, Citus would let a node evaluate `pg_current_xact_id`, whose ids mean nothing to the coordinator.
 */
export async function nextPosition(client: Client): Promise<string> {
  const { rows } = await client.query('select pg_current_xact_id()::text as id')
  const feed = await client.query('select xid_offset::text as "offset" from change_feed where id = 1')
  return `${2n * (BigInt(rows[0].id) + BigInt(feed.rows[0].offset)) + 1n}`
}
