import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CITUS_BIN, type CitusNode, NOT_DURABLE } from './setup/citus-cluster.ts'
import { type Drilled, startDrilled } from './setup/citus-drilled.ts'
import { between, brokenPromises, followFeed, nodesOfOwners, startLoad } from './setup/citus-load.ts'

/** Connections that send for each node: more than the service has writers. */
const CONNECTIONS = 16

describe.skipIf(!CITUS_BIN)('a service under load on Citus', () => {
  let drilled: Drilled
  let first: CitusNode
  let second: CitusNode
  beforeAll(async () => {
    // On every node a commit that does not ask for more is lost by a kill.
    drilled = await startDrilled(NOT_DURABLE)
    ;[first, second] = drilled.cluster.workers as [CitusNode, CitusNode]
  }, 120_000)
  afterAll(() => drilled?.close(), 60_000)

  /**
   * Lets the fault happen under load. Every delivery must be acknowledged after all, be in the ledger once with its rows, and be
   * told by the change feed. Returns what each worker's deliveries were answered while the fault lasted.
   */
  async function drill(name: string, fault: () => Promise<void>) {
    const { cluster, service } = drilled
    const load = startLoad(service.port, await nodesOfOwners(cluster.url), CONNECTIONS)
    const feed = followFeed(cluster.url)
    await load.reached(CONNECTIONS)
    const from = Date.now()
    await fault()
    const to = Date.now()
    await load.stop()
    const { untold, failures } = await feed.stop()
    const during = ({ port }: CitusNode) => between(load.answers, port, from, to)
    const before = ({ port }: CitusNode) => between(load.answers, port, from - 1000, from)
    const recovery = load.answers
      .filter(({ sent, status }) => sent >= to && status === 200)
      .map(({ answered }) => answered - to)
    console.log(
      name,
      JSON.stringify({
        lasted: to - from,
        recovery: Math.min(...recovery),
        failures,
        acked: load.answers.filter(({ status }) => status === 200).length,
        before: [before(first), before(second)],
        during: [during(first), during(second)],
      }),
    )
    expect(await brokenPromises(cluster.url, load.answers)).toEqual([])
    expect(untold).toEqual([])
    return { first: during(first), second: during(second) }
  }

  it('loses nothing when a worker is killed, and stores for the other one meanwhile', async () => {
    const during = await drill('worker killed', async () => {
      await first.kill()
      await sleep(3_000)
      await first.start()
    })
    expect(during.first.refused).toBeGreaterThan(0)
    expect(during.second.acked).toBeGreaterThan(CONNECTIONS)
  })

  it('loses nothing when a worker is silent, and stores for the other one meanwhile', async () => {
    const during = await drill('worker silent', async () => {
      first.freeze(true)
      await sleep(6_000)
      first.freeze(false)
    })
    // Each connection has at most one delivery that waits.
    expect(during.second.acked).toBeGreaterThan(2 * CONNECTIONS)
  })

  it('loses nothing when the coordinator is killed', async () => {
    await drill('coordinator killed', async () => {
      await drilled.cluster.coordinator.kill()
      await sleep(1_000)
      await drilled.cluster.coordinator.start()
    })
  })

  it('loses nothing when the service is killed', async () => {
    await drill('service killed', async () => {
      await drilled.service.kill('SIGKILL')
      await drilled.untilReady()
    })
  })

  it('starts while a worker is silent, and stores for the other one', async () => {
    const during = await drill('service killed, worker silent', async () => {
      first.freeze(true)
      await drilled.service.kill('SIGKILL')
      await drilled.untilReady()
      await sleep(8_000)
      first.freeze(false)
    })
    expect(during.second.acked).toBeGreaterThan(CONNECTIONS)
  })

  it('loses nothing when the whole cluster and the service are killed at once', async () => {
    const { service, cluster } = drilled
    await drill('all killed', async () => {
      const nodes = [cluster.coordinator, first, second]
      await Promise.all([service.kill('SIGKILL'), ...nodes.map((node) => node.kill())])
      await Promise.all(nodes.map((node) => node.start()))
      await drilled.untilReady()
    })
  })
})
