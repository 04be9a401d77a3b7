import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readConfig } from '../../src/config/index.ts'
import { type Cluster, findPostmaster, startCluster, stopPostmaster } from '../../src/embedded/index.ts'
import { startService } from '../../src/service.ts'
import { biomarker } from '../setup/bodies.ts'
import { guardedLog } from '../setup/log-guard.ts'
import { hasPooler, startPooler } from '../setup/pooler.ts'
import { environment, signed } from '../setup/service.ts'

let directory: string
let cluster: Cluster
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'nightpost-standby-'))
  chmodSync(directory, 0o755)
  cluster = await startCluster(directory, 0)
})
afterAll(async () => {
  await cluster.release()
  rmSync(directory, { recursive: true })
  rmSync(dirname(cluster.dataDirectory), { recursive: true, force: true })
})

it('the service is not ready while its primary is a standby', async () => {
  const pooler = hasPooler
    ? await startPooler(cluster.url, 'transaction', { default_pool_size: 3, server_login_retry: 0.1 })
    : undefined
  const urls = [cluster.url, ...(pooler ? [pooler.url(cluster.url)] : [])]
  const apps: FastifyInstance[] = []
  for (const url of urls) apps.push((await startService(readConfig(environment), url, guardedLog)).app)
  const send = (id: string) =>
    Promise.all(
      apps.map(async (app, at) => {
        const payload = JSON.stringify(biomarker({ id: `${id}-${at}`, category: 'c' }))
        const headers = { 'content-type': 'application/json', ...signed(payload) }
        return (await app.inject({ method: 'POST', url: '/webhooks/sahha', headers, payload })).statusCode
      }),
    )
  const readiness = () =>
    Promise.all(
      apps.map(async (app) => {
        const answer = await app.inject('/health/ready')
        return { status: answer.statusCode, database: answer.json().parts.database }
      }),
    )
  const all = (status: number, database: string) => apps.map(() => ({ status, database }))
  expect(await send('primary')).toEqual(apps.map(() => 200))
  expect(await readiness()).toEqual(all(200, 'ok'))

  // The supervisor of the embedded server restarts it on the same port.
  writeFileSync(join(cluster.dataDirectory, 'standby.signal'), '')
  await stopPostmaster(findPostmaster(cluster.dataDirectory) ?? { pid: 0 })
  const standby = all(503, 'The database is a standby, which takes no writes.')
  await expect.poll(readiness, { interval: 600, timeout: 60_000 }).toEqual(standby)
  expect(await send('standby')).toEqual(apps.map(() => 503))

  const client = new pg.Client({ connectionString: cluster.url })
  await client.connect()
  await client.query('select pg_promote()')
  await client.end()
  await expect.poll(readiness, { interval: 600 }).toEqual(all(200, 'ok'))
  expect(await send('promoted')).toEqual(apps.map(() => 200))
  for (const app of apps) await app.close()
  await pooler?.stop()
})
