import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPool } from '../../src/db/connect/pool.ts'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { adaptingStore } from '../../src/db/write/adapting-writer.ts'
import { erase } from '../../src/erase/erase.ts'
import { exportFence, readFence } from '../../src/erase/fence-file.ts'
import { personOfOwner } from '../../src/erase/person.ts'
import { reapply } from '../../src/erase/reapply.ts'
import { vendors } from '../../src/vendors/index.ts'
import { biomarkerOf } from '../setup/feed-model.ts'
import { type InstalledServer, installedPrograms, startInstalledServer } from '../setup/installed-server.ts'
import { guardedLog } from '../setup/log-guard.ts'

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

  it('brings an erased person back, until nightpost erase --reapply', async () => {
    run('createdb three && createdb four')
    await migrate(database('three'))
    await store('three', 'a', 'b')
    const clients = ['three', 'four'].map((name) => new pg.Client({ connectionString: url(name) }))
    const [live, restored] = clients as [pg.Client, pg.Client]
    const directory = mkdtempSync(join(tmpdir(), 'nightpost-restore-'))
    try {
      const dump = join(directory, 'dump.sql')
      run(`pg_dump three > '${dump}'`)
      await live.connect()
      const sahha = vendors.find(({ name }) => name === 'sahha') as (typeof vendors)[number]
      await erase(live, await personOfOwner(live, sahha, 'a'))
      const file = join(directory, 'erasures.json')
      await exportFence(live, file)

      run(`psql -q -v ON_ERROR_STOP=1 -f '${dump}' four`)
      await migrate(database('four'))
      await restored.connect()
      const owners = async () => {
        const query = `select profile_id as owner from biomarkers union select owner from deliveries order by 1`
        return (await restored.query(query)).rows.map(({ owner }) => owner)
      }
      expect(await owners()).toEqual(['a', 'b'])
      expect(await reapply(restored, vendors, await readFence(file))).toMatchObject({
        rowsDeleted: 3,
        rowsLeft: 0,
      })
      expect(await owners()).toEqual(['b'])
      await store('four', 'a', 'c')
      expect(await owners()).toEqual(['b', 'c'])
      const told = await changes('four', null)
      const { rows } = await restored.query(`select nightpost_person('sahha', 'a') as hash`)
      expect(told.map(({ owner }) => owner).sort()).toEqual(['b', 'c', rows[0].hash].sort())
    } finally {
      for (const client of clients) await client.end()
      rmSync(directory, { recursive: true })
    }
  }, 60_000)
})
