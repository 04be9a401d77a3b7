import type pg from 'pg'

const INSTALLED = `select exists (select from pg_extension where extname = 'citus') as is`

/** `partmethod` is `h` for a table that is distributed by hash, and `n` for a reference table. */
const DISTRIBUTED = `select exists (
  select from pg_dist_partition where logicalrelid = to_regclass('deliveries') and partmethod = 'h') as is`

type Client = Pick<pg.ClientBase, 'query'>

/** Whether the extension Citus is installed in this database. */
export async function hasCitus(client: Client): Promise<boolean> {
  return (await client.query(INSTALLED)).rows[0].is
}

/** Whether the ledger of this schema is distributed over several servers by Citus. */
export async function isDistributed(client: Client): Promise<boolean> {
  // Two statements, because without the extension the second one names a table that does not exist.
  return (await hasCitus(client)) && (await client.query(DISTRIBUTED)).rows[0].is
}
