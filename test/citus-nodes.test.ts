import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ShardLanes } from '../src/db/citus/lanes.ts'
import { durabilityOf, NodesNotDurable } from '../src/db/citus/nodes.ts'
import { createPool } from '../src/db/connect/pool.ts'
import { migrate } from '../src/db/migrate/migrate.ts'
import { biomarker } from './setup/bodies.ts'
import { distributeAt } from './setup/citus.ts'
import {
  CITUS_BIN,
  type CitusCluster,
  type CitusNode,
  NOT_DURABLE,
  startCitus,
} from './setup/citus-cluster.ts'
import { openDatabase } from './setup/database.ts'
import { guardedLog } from './setup/log-guard.ts'
import { metricsOf } from './setup/metrics.ts'
import { built } from './setup/program.ts'
import { serviceOn } from './setup/service.ts'

describe.skipIf(!CITUS_BIN)('nightpost distribute', () => {
  let cluster: CitusCluster
  let worker: CitusNode
  beforeAll(async () => {
    // A whole page in the log makes Postgres write by itself.
    const ofWorkers = `${NOT_DURABLE}full_page_writes = off\n`
    cluster = await startCitus({ workers: 1, isJoined: false, ofWorkers })
    worker = cluster.workers[0] as CitusNode
    await migrate(cluster.url)
  }, 120_000)
  afterAll(() => cluster?.stop(), 60_000)

  const database = () =>
    openDatabase({
      ...{ url: cluster.url, direct: cluster.url },
      empty: async () => false,
      drop: (client) => client.end(),
    })

  it('says that the coordinator is not known to the nodes', async () => {
    await expect(distributeAt(cluster.url)).rejects.toThrow('select citus_set_coordinator_host(')
  })

  it('says that there is no worker', async () => {
    const { coordinator } = cluster
    await coordinator.query(`select citus_set_coordinator_host('127.0.0.1', ${coordinator.port})`)
    await expect(distributeAt(cluster.url)).rejects.toThrow('select citus_add_node(')
  })

  it('refuses while the service is connected, and distributes nothing', async () => {
    await cluster.coordinator.query(`select citus_add_node('127.0.0.1', ${worker.port})`)
    const service = await serviceOn(await database(), { MAINTENANCE: 'off' })
    await expect(distributeAt(cluster.url)).rejects.toThrow('Stop every replica')
    await service.close()
    expect(await cluster.coordinator.query('select from pg_dist_partition')).toEqual([])
    await distributeAt(cluster.url)
  })

  it('refuses on a worker', async () => {
    await expect(distributeAt(worker.url)).rejects.toThrow('This node is a worker')
  })

  it('says which node is lost, and stays ready for deliveries of the others', async () => {
    const service = await serviceOn(await database(), { MAINTENANCE: 'off' })
    const seen = async () => {
      const ready = await service.app.inject('/health/ready')
      const status = await service.app.inject('/status')
      const up = (await metricsOf(service.app)).get('nightpost_node_up', { node: `127.0.0.1:${worker.port}` })
      return [ready.statusCode, ready.json().parts.nodes, status.json().parts.nodes, up]
    }
    const lost = '1 of 1 nodes of the database does not answer. Deliveries for owners there are answered 503.'
    await expect.poll(seen).toEqual([200, 'ok', 'ok', 1])
    await worker.kill()
    await expect.poll(seen).toEqual([200, lost, lost, 0])
    await worker.start()
    await expect.poll(seen).toEqual([200, 'ok', 'ok', 1])
    worker.freeze(true)
    await expect.poll(seen).toEqual([200, lost, lost, 0])
    worker.freeze(false)
    await service.close()
  })

  // Each writes on one node, so Citus commits without the prepared transaction that would be on disk in any case.
  it('has what commands wrote on a node whose own setting is off, when it is killed after them', async () => {
    const service = await serviceOn(await database(), { MAINTENANCE: 'off' })
    expect((await service.sahha(biomarker({ category: 'c' }))).status).toBe(200)
    await service.close()
    const { coordinator } = cluster
    const killAfter = async (...command: string[]) => {
      // All that is there is on disk, and what follows is too little for Postgres to write it by itself.
      await worker.query('select pg_switch_wal()')
      const env = { PATH: process.env.PATH, DATABASE_URL: cluster.url }
      const { status } = spawnSync(process.execPath, [...built('cli/main'), ...command], { env })
      await worker.kill()
      await worker.start()
      expect(status).toBe(0)
    }
    await killAfter('link', '--vendor', 'sahha', '--owner', 'profile-1', '--person', 'somebody')
    expect(await coordinator.query('select person_id from owners')).toEqual([{ person_id: 'somebody' }])
    // A row that the delivery does not make, which the replay deletes.
    await coordinator.query(
      `insert into biomarkers (profile_id, id, type, delivery_id, received_at)
       select profile_id, 'stray', type, delivery_id, received_at from biomarkers`,
    )
    await killAfter('replay', '--all')
    expect(await coordinator.query('select id from biomarkers')).toEqual([{ id: 'biomarker-1' }])
  })

  it('leaves commits durable on a node whose own setting is off, also on one that is added later', async () => {
    const added = await cluster.addWorker()
    await cluster.coordinator.query(`select citus_rebalance_start(shard_transfer_mode => 'block_writes')`)
    await cluster.coordinator.query('select citus_rebalance_wait()')
    const pool = createPool(cluster.url, guardedLog)
    const client = await pool.connect()
    const lanes = new ShardLanes()
    await lanes.read(client)
    expect(lanes.nodes).toBe(2)
    expect(await durabilityOf(client, (shard) => lanes.probeIn(shard))).toBe('on')
    client.release()
    for (const { query } of [worker, added])
      expect(await query('show synchronous_commit')).toEqual([{ synchronous_commit: 'off' }])

    // A Citus that does not send the setting to its nodes.
    const deaf = await pool.connect()
    const send = deaf.query.bind(deaf)
    deaf.query = ((text: string, ...values: unknown[]) =>
      send(
        `${text}`.replace(/set local citus.propagate_set_commands = 'local'/, 'select 1'),
        ...(values as []),
      )) as never
    await expect(durabilityOf(deaf, (shard) => lanes.probeIn(shard))).rejects.toThrow(NodesNotDurable)
    deaf.release(true)
    await pool.end()
  })
})
