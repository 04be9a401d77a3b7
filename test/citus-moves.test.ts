import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CITUS_BIN, type CitusNode } from './setup/citus-cluster.ts'
import { type Drilled, startDrilled } from './setup/citus-drilled.ts'
import { brokenPromises, followFeed, nodesOfOwners, startLoad } from './setup/citus-load.ts'

describe.skipIf(!CITUS_BIN)('shards that change their place while deliveries arrive', () => {
  let drilled: Drilled
  let coordinator: CitusNode
  beforeAll(async () => {
    // What two-phase commits note stays.
    drilled = await startDrilled('citus.recover_2pc_interval = -1')
    coordinator = drilled.cluster.coordinator
  }, 120_000)
  afterAll(() => drilled?.close(), 60_000)

  /** Changes the shards under load. Every delivery must be acknowledged after all, and be told by the change feed. */
  async function underLoad(change: () => Promise<unknown>) {
    const load = startLoad(drilled.service.port, await nodesOfOwners(drilled.cluster.url))
    const feed = followFeed(drilled.cluster.url)
    try {
      await load.reached(8)
      await change()
      await sleep(500)
      await load.stop()
      const count = (wanted: number) => load.answers.filter(({ status }) => status === wanted).length
      expect(await brokenPromises(drilled.cluster.url, load.answers)).toEqual([])
      expect(count(200)).toBeGreaterThan(20)
    } finally {
      await load.stop()
      expect((await feed.stop()).untold).toEqual([])
    }
  }

  async function shardOf(owner: string) {
    const [row] = await coordinator.query<{
      shard: string
      port: number
      node: number
      low: string
      high: string
    }>(
      `select s.shardid as shard, n.nodeport as port, n.nodeid as node, s.shardminvalue as low, s.shardmaxvalue as high
       from pg_dist_shard as s join pg_dist_placement as p using (shardid) join pg_dist_node as n using (groupid)
       where s.shardid = get_shard_id_for_distribution_column('deliveries', $1::text)`,
      [owner],
    )
    return row as NonNullable<typeof row>
  }

  it.each(['block_writes', 'force_logical'])('lose nothing when one is moved by %s', async (mode) => {
    const { shard, port } = await shardOf('owner-1')
    const other = drilled.cluster.workers.find((worker) => worker.port !== port) as CitusNode
    await underLoad(() =>
      coordinator.query(
        `select citus_move_shard_placement($1, '127.0.0.1', $2, '127.0.0.1', $3, $4::citus.shard_transfer_mode)`,
        [shard, port, other.port, mode],
      ),
    )
    expect((await shardOf('owner-1')).port).toBe(other.port)
  })

  // Not by logical replication: under load that may never end (https://github.com/citusdata/citus/issues/6790).
  it('lose nothing when one is split', async () => {
    const { shard, node, low, high } = await shardOf('owner-1')
    const middle = String(Math.floor((Number(low) + Number(high)) / 2))
    await underLoad(() =>
      coordinator.query(`select citus_split_shard_by_split_points($1, $2, $3, 'block_writes')`, [
        shard,
        [middle],
        [node, node],
      ]),
    )
    expect((await shardOf('owner-1')).shard).not.toBe(shard)
  })

  it('lose nothing when a worker is added and takes its share', async () => {
    const worker = await drilled.cluster.addWorker()
    await underLoad(async () => {
      await coordinator.query(`select citus_rebalance_start(shard_transfer_mode => 'block_writes')`)
      await coordinator.query('select citus_rebalance_wait()')
    })
    expect([...(await nodesOfOwners(drilled.cluster.url)).values()]).toContain(worker.port)
  })

  it('lose nothing when an owner gets a shard of their own', async () => {
    const { shard } = await shardOf('owner-2')
    await underLoad(() =>
      coordinator.query(
        `select isolate_tenant_to_new_shard('deliveries', 'owner-2', 'CASCADE', 'block_writes')`,
      ),
    )
    expect((await shardOf('owner-2')).shard).not.toBe(shard)
  })

  it('can be read through delivery_log by an analyst afterwards', async () => {
    await coordinator.query('create role analyst login in role nightpost_reader')
    const client = new pg.Client({
      connectionString: Object.assign(new URL(drilled.cluster.url), { username: 'analyst' }).href,
    })
    await client.connect()
    const { rows } = await client.query('select count(*)::int as n from delivery_log')
    await expect(client.query('select headers from deliveries')).rejects.toThrow('permission denied')
    await client.end()
    expect(rows).toEqual(await coordinator.query('select count(*)::int as n from deliveries'))
  })

  it('are written on one node by each transaction afterwards', async () => {
    const noted = async () =>
      (await coordinator.query<{ n: number }>('select count(*)::int as n from pg_dist_transaction'))[0]?.n
    const before = await noted()
    await underLoad(() => sleep(500))
    expect(await noted()).toBe(before)
  })
})
