import { execFileSync } from 'node:child_process'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPool } from '../src/db/connect/pool.ts'
import { migrate } from '../src/db/migrate/migrate.ts'
import { adaptingStore } from '../src/db/write/adapting-writer.ts'
import { vendors } from '../src/vendors/index.ts'
import { biomarkerOf } from './setup/feed-model.ts'
import { type InstalledServer, installedPrograms, startInstalledServer } from './setup/installed-server.ts'
import { guardedLog } from './setup/log-guard.ts'

describe.skipIf(!installedPrograms)('a dump that is restored into another database', () => {
  let server: InstalledServer
  beforeAll(async () => {
    server = await startInstalledServer()
  })
  afterAll(() => server.stop())

  const url = (name: string) => `postgres://postgres:first@127.0.0.1:${server.port}/${name}`
  /** The pooling is named, because its detection may err on a busy machine. */
  const database = (name: string) => ({
    ...{ url: url(name), directUrl: url(name), schema: 'public', pooling: 'session' as const },
  })
  const run = (command: string) =>
    execFileSync('sh', ['-c', command], { env: { ...server.environment, PGUSER: 'postgres' }, stdio: 'pipe' })

  /** Stores a delivery of each owner. */
  async function store(name: string, ...owners: string[]) {
    const pool = createPool(database(name), guardedLog)
    const writer = adaptingStore(
      pool,
      vendors.flatMap(({ targets }) => targets),
    )
    for (const owner of owners) await writer.commit(biomarkerOf(owner, 'b'))
    await pool.end()
  }

  async function changes(name: string, since: string | null) {
    const client = new pg.Client({ connectionString: url(name) })
    await client.connect()
    try {
      const { rows } = await client.query('select cursor, owner from nightpost_changes($1)', [since])
      return rows as Array<{ cursor: string; owner: string }>
    } finally {
      await client.end()
    }
  }

  it('refuses the old cursors, and tells of new deliveries after the old ones', async () => {
    run('createdb one && createdb two')
    await migrate(database('one'))
    await store('one', 'a', 'b')
    const read = await changes('one', null)
    expect(read.map(({ owner }) => owner)).toEqual(['a', 'b'])
    const cursor = read[1]?.cursor as string

    run('pg_dump one | psql -q -v ON_ERROR_STOP=1 two')
    await expect(changes('two', cursor)).rejects.toMatchObject({ code: 'NP005' })
    const said: string[] = []
    await migrate(database('two'), { info: (text) => void said.push(text) })
    expect(said).toEqual([expect.stringContaining('new epoch')])
    await expect(changes('two', cursor)).rejects.toMatchObject({ code: 'NP002' })
    await store('two', 'c')
    expect((await changes('two', null)).map(({ owner }) => owner)).toEqual(['a', 'b', 'c'])
    expect(await changes('one', cursor)).toEqual([])
  }, 60_000)
})
