import type pg from 'pg'
import { LOST_NODE } from '../commit/failure.ts'
import { Connection } from '../connect/connection.ts'
import { begin, type TimeLimits } from '../connect/transaction.ts'
import type { Client } from '../write/plan.ts'

/** A node of the cluster would not keep a setting that a 200 promises. */
export class NodesNotDurable extends Error {
  override readonly name = 'NodesNotDurable'

  constructor(nodes: readonly string[]) {
    super(
      `Nodes of Citus do not take the setting synchronous_commit from the coordinator (${nodes.join(', ')}). A delivery ` +
        'would be acknowledged before it is on disk.',
    )
  }
}

/** `remote_apply` waits for more than `on`. */
export type Durability = 'on' | 'remote_apply'

/**
 * Begins a transaction whose limit of a lock wait and whose durability hold on the nodes, too. What the session has reaches only
 * the coordinator. Citus sends `SET LOCAL` to a node with the message that begins its part, so it costs no round trip there. It
 * sends the text of the whole message, so these have one without BEGIN. `further` are statements that follow BEGIN in its message.
 * Returns the results of that message.
 */
export async function beginOnNodes(
  client: Client,
  durability: Durability,
  limits: TimeLimits = {},
  further: readonly string[] = [],
): Promise<pg.QueryResult[]> {
  const { lockTimeout, ...others } = limits
  const results = await begin(client, others, [
    // Citus makes a generic plan before it knows the shard.
    `set local plan_cache_mode = 'force_custom_plan'`,
    `set local citus.propagate_set_commands = 'local'`,
    ...further,
  ])
  const wait = lockTimeout ?? (client instanceof Connection ? client.lockTimeout : 0)
  await client.query(`set local synchronous_commit = '${durability}'; set local lock_timeout = ${wait}`)
  return results
}

/** One owner of each shard is enough to reach every node. */
const ONE_SHARD_PER_NODE = `select distinct on (node) p.nodename || ':' || p.nodeport as node, s.shardid::int as shard
from pg_dist_shard as s join pg_dist_shard_placement as p using (shardid)
where s.logicalrelid = to_regclass('deliveries') order by node, shard`

const SETTING = `select result from run_command_on_all_nodes($$select current_setting('synchronous_commit')$$) where success`

const ON_NODE = `select count(*), current_setting('synchronous_commit') as found from deliveries where owner = $1`

/**
 * Returns how durably the nodes commit. Tries on each of them that a transaction that `beginOnNodes` begins has it, and throws
 * `NodesNotDurable` otherwise. A node that does not answer is left out: nothing is committed there. `ownerIn` returns an owner
 * of a shard.
 */
export async function durabilityOf(
  client: pg.ClientBase | Client,
  ownerIn: (shard: number) => string,
): Promise<Durability> {
  const settings = await client.query(SETTING)
  const durability = settings.rows.some(({ result }) => result === 'remote_apply') ? 'remote_apply' : 'on'
  const { rows } = await client.query(ONE_SHARD_PER_NODE)
  const wrong: string[] = []
  for (const { node, shard } of rows) {
    await beginOnNodes(client as Client, durability)
    try {
      const { rows } = await client.query(ON_NODE, [ownerIn(shard)])
      if (rows[0].found !== durability) wrong.push(node)
    } catch (error) {
      if ((error as { code?: string }).code !== LOST_NODE) throw error
    } finally {
      await client.query('rollback')
    }
  }
  if (wrong.length > 0) throw new NodesNotDurable(wrong)
  return durability
}
