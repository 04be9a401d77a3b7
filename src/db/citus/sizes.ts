import type pg from 'pg'

type Client = Pick<pg.ClientBase, 'query'>

/** Asks each node once for the sizes of all its shards, and adds those of partitions to their table. */
const SHARDS = `select c.relname as name, sum(z.size)::float8 as bytes
from citus_shard_sizes() as z join pg_dist_shard as s on s.shardid = z.shard_id
join pg_class as c on c.oid = coalesce(pg_partition_root(s.logicalrelid), s.logicalrelid)
where c.relnamespace = current_schema()::regnamespace group by c.relname`

const DATABASE = `select coalesce(sum(result::float8) filter (where success), 0) as bytes
from run_command_on_all_nodes($$select pg_database_size(current_database())$$)`

/** Bytes of each distributed table on all nodes, with indexes and TOAST. A node that does not answer is left out. */
export async function distributedSizes(client: Client): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query(SHARDS)
  return new Map(rows.map(({ name, bytes }) => [name, bytes]))
}

/** Bytes of the database on all nodes. A node that does not answer is left out. */
export async function databaseSize(client: Client): Promise<number> {
  return (await client.query(DATABASE)).rows[0].bytes
}
