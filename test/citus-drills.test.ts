import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SupervisedService, startSupervisedService } from '../chaos/supervised-service.ts'
import { migrate } from '../src/db/migrate/migrate.ts'
import { freePort } from '../src/embedded/index.ts'
import { distributeAt } from './setup/citus.ts'
import { CITUS_BIN, type CitusCluster, type CitusNode, NOT_DURABLE, startCitus } from './setup/citus-cluster.ts'
import { between, brokenPromises, followFeed, nodesOfOwners, type Sent, startLoad } from './setup/citus-load.ts'
import { guardProcess } from './setup/log-guard.ts'
import { built } from './setup/program.ts'

describe.skipIf(!CITUS_BIN)('a service under load on Citus', () => {
  let cluster: CitusCluster
  let service: SupervisedService
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-drills-'))
  beforeAll(async () => {
    // A node that acknowledged a commit before it was on disk would lose it.
    cluster = await startCitus({ ofWorkers: NOT_DURABLE })
    await migrate(cluster.url)
    await distributeAt(cluster.url)
    service = startSupervisedService(directory, await freePort(0), cluster.url, {
      program: built('main')[0] as string,
      onStart: guardProcess,
    })
    await untilReady(service.port)
  }, 120_000)
  afterAll(async () => {
    await service?.stop()
    await cluster?.stop()
    rmSync(directory, { recursive: true })
  }, 60_000)

  /** Load for 2 s, then the fault, then 2 s after it is over. */
  async function drill(name: string, fault: () => Promise<void>) {
    const load = startLoad(service.port, await nodesOfOwners(cluster.url), 16)
    const feed = followFeed(cluster.url)
    await sleep(3_000)
    const from = Date.now()
    await fault()
    const to = Date.now()
    await sleep(2_000)
    await load.stop()
    const { untold, failures } = await feed.stop()
    const broken = await brokenPromises(cluster.url, load.answers)
    const recovery = Math.min(
      ...load.answers.filter(({ sent, status }) => sent >= to && status === 200).map(({ answered }) => answered),
    )
    for (const node of cluster.workers.map(({ port }) => port))
      console.log(name, node, 'before', between(load.answers, node, from - 1500, from), 'during', between(load.answers, node, from, to), 'after', between(load.answers, node, to, to+2000))
    console.log(name, { total: load.answers.length, acked: load.answers.filter(({status})=>status===200).length, untold: untold.length, failures, recovery: recovery - to, lasted: to-from })
    expect(broken).toEqual([])
    expect(untold).toEqual([])
    return { answers: load.answers, from, to }
  }

  it('loses nothing when a worker is killed and started again', async () => {
    const dead = cluster.workers[0] as CitusNode
    await drill('kill worker', async () => {
      await dead.kill()
      await sleep(4_000)
      await dead.start()
    })
  }, 60_000)

  it('freeze worker', async () => {
    const dead = cluster.workers[0] as CitusNode
    await drill('freeze worker', async () => {
      dead.freeze(true)
      await sleep(25_000)
      dead.freeze(false)
    })
  }, 120_000)

  it('loses nothing when the coordinator is killed', async () => {
    await drill('kill coordinator', async () => {
      await cluster.coordinator.kill()
      await sleep(1_000)
      await cluster.coordinator.start()
    })
  }, 60_000)

  it('loses nothing when the service is killed', async () => {
    await drill('kill service', async () => {
      for (let n = 0; n < 3; n += 1) {
        await service.kill('SIGKILL')
        const t=Date.now(); await untilReady(service.port); console.log('ready after', Date.now()-t)
        await sleep(500)
      }
    })
  }, 60_000)
})

async function untilReady(port: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null)
    if (answer?.status === 200) return
    await sleep(50)
  }
}
