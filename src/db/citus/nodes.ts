import type pg from 'pg'
import { LOST_NODE } from '../commit/failure.ts'
import { Connection } from '../connect/connection.ts'
import { begin, type TimeLimits } from '../connect/transaction.ts'
import type { Client } from '../write/plan.ts'
import { ShardLanes } from './lanes.ts'
import { isDistributed } from './state.ts'

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

/** What `beginWriting` found on each connection: how durably the nodes commit, and null on plain Postgres. */
const found = new WeakMap<object, Durability | null>()

/**
 * Begins a transaction of a command that writes rows of the ledger or of its tables. On Citus its durability and its limit of a lock
 * wait hold on the nodes, too. What a node has of its own might lose the transaction in a crash. The first one of a connection asks
 * the nodes; it throws `NodesNotDurable`.
 */
export async function beginWriting(
  client: Pick<pg.ClientBase, 'query'>,
  limits: TimeLimits = {},
  further: readonly string[] = [],
): Promise<void> {
  const writer = client as Client
  let durability = found.get(client)
  if (durability === undefined) {
    durability = null
    if (await isDistributed(client)) {
      const lanes = new ShardLanes()
      await lanes.read(client)
      durability = await durabilityOf(writer, (shard) => lanes.probeIn(shard))
    }
    found.set(client, durability)
  }
  if (durability === null) await begin(writer, limits, further)
  else await beginOnNodes(writer, durability, limits, further)
}

/** The widest shard of each node. */
const ONE_SHARD_PER_NODE = `select distinct on (node) p.nodename || ':' || p.nodeport as node, s.shardid::int as shard
from pg_dist_shard as s join pg_dist_shard_placement as p using (shardid)
where s.logicalrelid = to_regclass('deliveries') order by node, s.shardmaxvalue::bigint - s.shardminvalue::bigint desc`

const ON_NODE = `select count(*), current_setting('synchronous_commit') as found from deliveries where owner = $1`

/** Milliseconds for the answer of a node. */
const PROBE = 3_000

/** What an error says of a node that does not answer: the connection was refused or lost, or nothing came in time. */
const SILENT = [LOST_NODE, '57014']

/**
 * Returns how durably the nodes commit. Tries on each of them that a transaction that `beginOnNodes` begins has it, and throws
 * `NodesNotDurable` otherwise. A node that does not answer is left out: nothing is committed there. `ownerIn` returns an owner
 * of a shard; a node of which it knows none is left out, too.
 */
export async function durabilityOf(
  client: pg.ClientBase | Client,
  ownerIn: (shard: number) => string | null,
): Promise<Durability> {
  const limits: TimeLimits = { statementTimeout: PROBE }
  const { rows: nodes } = await client.query(ONE_SHARD_PER_NODE)
  const ownSettings = await askNodes(client, nodes, ownerIn, () => begin(client as Client, limits))
  const coordinator = await client.query(`select current_setting('synchronous_commit') as found`)
  const settings = [coordinator.rows[0].found, ...ownSettings.values()]
  const durability = settings.includes('remote_apply') ? 'remote_apply' : 'on'
  const answering = nodes.filter(({ node }) => ownSettings.has(node))
  const inForce = await askNodes(client, answering, ownerIn, () =>
    beginOnNodes(client as Client, durability, limits),
  )
  const wrong = [...inForce].filter(([, found]) => found !== durability)
  if (wrong.length > 0) throw new NodesNotDurable(wrong.map(([node]) => node))
  return durability
}

/** Returns `synchronous_commit` of the nodes that answer, each asked within a transaction. */
async function askNodes(
  client: pg.ClientBase | Client,
  nodes: ReadonlyArray<{ node: string; shard: number }>,
  ownerIn: (shard: number) => string | null,
  begin: () => Promise<unknown>,
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const { node, shard } of nodes) {
    const owner = ownerIn(shard)
    if (owner === null) continue
    await begin()
    try {
      const { rows } = await client.query(ON_NODE, [owner])
      found.set(node, rows[0].found)
    } catch (error) {
      if (!SILENT.includes((error as { code?: string }).code ?? '')) throw error
    } finally {
      await client.query('rollback')
    }
  }
  return found
}
