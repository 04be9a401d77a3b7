import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commitChannel } from '../src/contract/channels.ts'
import { migrate, resetSession } from '../src/db/migrate/migrate.ts'
import { totalOf } from '../src/erase/count.ts'
import { countInSnapshot, erase } from '../src/erase/erase.ts'
import { personOfOwner } from '../src/erase/person.ts'
import { vendors } from '../src/vendors/index.ts'
import { biomarker, dataLog } from './setup/bodies.ts'
import { distributeAt } from './setup/citus.ts'
import { CITUS_BIN, type CitusCluster, startCitus } from './setup/citus-cluster.ts'
import { nodesOfOwners } from './setup/citus-load.ts'
import { openDatabase } from './setup/database.ts'
import { serviceOn, type TestService } from './setup/service.ts'

const sahha = vendors.find(({ name }) => name === 'sahha') as (typeof vendors)[number]

describe.skipIf(!CITUS_BIN)('transactions that meet on Citus', () => {
  let cluster: CitusCluster
  let service: TestService
  beforeAll(async () => {
    // Deadlocks between nodes are looked for every 100 ms, sooner than a lock wait of the service ends.
    cluster = await startCitus({ ofCoordinator: `deadlock_timeout = '50ms'` })
    await migrate(cluster.url)
    await distributeAt(cluster.url)
    const db = await openDatabase({
      ...{ url: cluster.url, direct: cluster.url },
      empty: async () => false,
      drop: (client) => client.end(),
    })
    service = await serviceOn(db, { MAINTENANCE: 'off' })
  }, 120_000)
  afterAll(async () => {
    await service?.close()
    await cluster?.stop()
  }, 60_000)

  const samples = (ids: string[], value: number, owner: string) =>
    service.sahha(
      dataLog(
        ids.map((id) => ({ id, value, recordingMethod: 'x' })),
        { profileId: owner, externalId: owner, receivedAtUtc: `2025-01-22T18:0${value}:00Z` },
      ),
      'DataLogReceivedIntegrationEvent',
    )

  it('in a deadlock over two nodes are ended, and the group that is the victim is tried again and stored', async () => {
    const nodes = await nodesOfOwners(cluster.url)
    const [near] = nodes.keys()
    const far = [...nodes.keys()].find((owner) => nodes.get(owner) !== nodes.get(near as string)) as string
    await samples(['s1', 's2'], 1, near as string)
    await samples(['f1'], 1, far)
    const states: string[] = []
    const onError = (message: unknown) => {
      states.push((message as { error: { code: string } }).error.code)
    }
    commitChannel.error.subscribe(onError)
    const [one, two] = [new pg.Client(cluster.url), new pg.Client(cluster.url)]
    for (const client of [one, two]) client.on('error', () => {})
    await Promise.all([one.connect(), two.connect()])
    const lock = (client: pg.Client, owner: string, id: string) =>
      client.query('select from data_logs where profile_id = $1 and id = $2 for update', [owner, id])
    await one.query('begin')
    await two.query('begin')
    await lock(one, near as string, 's2')
    await lock(two, far, 'f1')
    // The group has s1 and waits for s2, which waits for f1, which waits for s1. The group began last, so it is the victim.
    const group = samples(['s1', 's2'], 2, near as string)
    await sleep(300)
    const others = [
      lock(one, far, 'f1').then(() => one.query('commit')),
      lock(two, near as string, 's1').then(() => two.query('commit')),
    ]
    await Promise.all(others)
    expect((await group).json.outcome).toBe('stored')
    commitChannel.error.unsubscribe(onError)
    await Promise.all([one.end(), two.end()])
    // A cancel, which Citus would name 40P01 in the server's log alone.
    expect(states).toEqual(['57014'])
    const rows = await service.db.query('select value from data_logs where profile_id = $1', [near])
    expect(rows.map(({ value }) => value)).toEqual(['2', '2'])
  })

  it('leave nothing of a person who is erased while their deliveries pour in', async () => {
    const client = new pg.Client(cluster.url)
    await client.connect()
    await resetSession(client, 'public')
    const owner = 'erased-profile'
    const send = (id: string) =>
      service.sahha(
        biomarker({ id, profileId: owner, externalId: 'erased-user' }),
        'BiomarkerCreatedIntegrationEvent',
      )
    const outcomes: Array<string | undefined> = []
    let isErased = false
    const sending = Array.from({ length: 6 }, async (_, sender) => {
      for (let n = 0; !isErased; n += 1) outcomes.push((await send(`e-${sender}-${n}`)).json.outcome)
    })
    while (outcomes.length < 20) await sleep(20)
    const person = await personOfOwner(client, sahha, owner)
    const { after } = await erase(client, person)
    isErased = true
    await Promise.all(sending)
    expect(totalOf(after.counts)).toBe(0)
    expect(outcomes.filter((outcome) => outcome !== 'stored' && outcome !== 'erased')).toEqual([])
    expect(outcomes.filter((outcome) => outcome === 'stored').length).toBeGreaterThan(10)
    expect((await send('later')).json.outcome).toBe('erased')
    expect(totalOf((await countInSnapshot(client, person)).counts)).toBe(0)
    for (const table of ['deliveries', 'biomarkers', 'owners']) {
      const column = table === 'biomarkers' ? 'profile_id' : 'owner'
      expect(await service.db.query(`select from ${table} where ${column} = $1`, [owner])).toEqual([])
    }
    await client.end()
  })
})
