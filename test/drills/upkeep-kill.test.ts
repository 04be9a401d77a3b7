import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, inject, it } from 'vitest'
import { pseudoRandom } from '../../chaos/fault-plan.ts'
import { DAY, MovedClock } from '../../chaos/moved-clock.ts'
import { credentials, numberedRequest } from '../../chaos/numbered-request.ts'
import { runUpkeep } from '../../chaos/upkeep.ts'
import { readConfig } from '../../src/config/index.ts'
import { resetSession } from '../../src/db/migrate/migrate.ts'
import { maintain } from '../../src/db/upkeep/maintain.ts'
import { GROUPS, partitionsOf } from '../../src/db/upkeep/partitions.ts'
import { startService } from '../../src/service.ts'
import { biomarker } from '../setup/bodies.ts'
import { CITUS_URL } from '../setup/citus.ts'
import { createDatabase } from '../setup/database.ts'
import { guardedLog, guardRequest } from '../setup/log-guard.ts'
import { setup } from '../setup/service.ts'

// The short form of the upkeep part of npm run chaos.
it('keeps the bytes of every delivery exactly once when maintain is killed again and again under load', async () => {
  const db = await createDatabase()
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-upkeep-'))
  const days = { origin: Date.now(), dayLasts: 1_500 }
  const config = readConfig({ ...credentials, MAINTENANCE: 'off', MIGRATE_DATABASE_URL: db.direct })
  const { app } = await startService(config, db.url, guardedLog, { clock: new MovedClock(days) })
  try {
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as { port: number }
    const result = await runUpkeep({
      ...{ port, days, directory, url: db.direct, build: inject('build') },
      ...{ connections: 8, pause: 40, kills: 2, random: pseudoRandom(3), alone: 0 },
    })
    for (let n = 0; n < 500; n += 1) {
      const { headers, body } = numberedRequest(n)
      guardRequest(headers, Buffer.from(body))
    }
    expect(result.violations).toEqual([])
    expect(result.acked).toBeGreaterThan(100)
    expect(result.completedRuns).toBeGreaterThan(0)
  } finally {
    await app.close()
    await db.drop()
    rmSync(directory, { recursive: true })
  }
}, 120_000)

it('finishes first what an interrupted DETACH left, and then drops the other partitions', async () => {
  const db = await createDatabase()
  const client = new pg.Client({ connectionString: db.direct })
  await client.connect()
  await resetSession(client, 'public')
  await client.query(`set lock_timeout = '100ms'`)
  const now = Date.now() + 4 * DAY
  const run = () => maintain(client, { schema: 'public', targets: [], retention: {}, now })
  const before = await partitionsOf(client, GROUPS)
  // A reader whose transaction is open, such as pg_dump.
  const reader = await db.lock('select from body_groups')
  expect((await run())?.partitionsDropped).toEqual([])
  expect((await run())?.partitionsDropped).toEqual([])
  await reader.release()
  const done = await run()
  expect(done?.partitionsDropped.length).toBeGreaterThan(2)
  const names = before.map(({ name }) => name)
  expect(done?.partitionsDropped).toEqual(names.slice(0, done?.partitionsDropped.length))
  await client.end()
  await db.drop()
})

it('keeps the body of a delivery that is committed after the bodies of its day were packed', async () => {
  const service = await setup({ MAINTENANCE: 'off' })
  const client = new pg.Client(service.db.direct)
  await client.connect()
  await resetSession(client, 'public')
  const said: string[] = []
  const run = () =>
    maintain(client, {
      ...{ schema: 'public', targets: [], retention: {}, now: Date.now() + 3 * DAY },
      log: (message) => void said.push(message),
    })
  await service.sahha(biomarker({ id: 'in time', category: 'c' }))
  await run()
  expect((await service.sahha(biomarker({ id: 'late', category: 'c' }))).status).toBe(200)
  await run()
  // On Citus it is in its entry from the start.
  expect(said.filter((message) => message.includes('to their entries'))).toHaveLength(CITUS_URL ? 0 : 1)
  expect(
    await service.db.query(
      `select sha256(b.body) = d.body_digest as is_same, d.body is null as is_packed
       from deliveries as d join delivery_bodies as b using (delivery_id) order by delivery_id`,
    ),
  ).toEqual([
    { is_same: 't', is_packed: 't' },
    { is_same: 't', is_packed: 'f' },
  ])
  await client.end()
  await service.close()
})
