import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { isCurrent, migrate } from '../src/db/migrate/migrate.ts'
import { migrations, readMigrations } from '../src/db/migrate/migration-files.ts'
import { createDatabase } from './setup/database.ts'
import { setup } from './setup/service.ts'

/** The last migration of version 0.1.0. */
const RELEASED = '0007_stored'

describe('migration files', () => {
  it('say why older versions can not work with a breaking migration', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nightpost-migrations-'))
    mkdirSync(join(folder, 'meta'))
    const entries = ['0000_one', '0001_two'].map((tag, idx) => ({
      idx,
      tag,
      when: idx + 1,
      breakpoints: true,
    }))
    writeFileSync(join(folder, 'meta/_journal.json'), JSON.stringify({ entries }))
    writeFileSync(join(folder, '0000_one.sql'), 'select 1')
    writeFileSync(
      join(folder, '0001_two.sql'),
      '-- breaking: scores has no type.\nselect 2;\n--> statement-breakpoint\nselect 3',
    )
    expect(readMigrations(folder)).toMatchObject([
      { name: '0000_one', createdAt: 1, breaking: null },
      { name: '0001_two', createdAt: 2, breaking: 'scores has no type.', statements: { length: 2 } },
    ])
    rmSync(folder, { recursive: true })
  })

  it('build no index and no key on a table that may have rows (online steps do that: src/db/migrate/online)', () => {
    const later = migrations.slice(migrations.findIndex(({ name }) => name === RELEASED) + 1)
    const made = later.flatMap(({ statements }) =>
      statements.flatMap((statement) =>
        [...statement.matchAll(/create table "(\w+)"/gi)].map(([, table]) => table),
      ),
    )
    const long = later.flatMap(({ name, statements }) =>
      statements
        .filter((statement) => !statement.includes(`current_setting('nightpost.is_new', true) = 'on'`))
        .filter((statement) => /create (unique )?index|add constraint|add primary key/i.test(statement))
        .filter((statement) => !made.some((table) => statement.includes(`"${table}"`)))
        .map(() => name),
    )
    expect(later.length).toBeGreaterThan(0)
    expect(long).toEqual([])
  })
})

describe('migrate', () => {
  it('lets replicas start concurrently on an empty database', async () => {
    const db = await createDatabase('template0')
    try {
      await Promise.all(Array.from({ length: 5 }, () => migrate(db.direct)))
      const [{ tables } = { tables: '' }] = await db.query(
        `select count(*) as tables from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
           and table_name !~ '_[0-9]{8}$'`,
      )
      expect(Number(tables)).toBe(24)
    } finally {
      await db.drop()
    }
  })

  it('changes nothing when it runs again', async () => {
    const db = await createDatabase()
    const done = () => db.query('select *, xmin from nightpost_migrations order by name')
    const before = await done()
    await migrate(db.direct)
    expect(await done()).toEqual(before)
    await db.drop()
  })

  it('rolls back and stops the start when a migration fails', async () => {
    const db = await createDatabase('template0')
    await db.query('create table scores (occupied int)')
    await expect(migrate(db.direct)).rejects.toThrow()
    expect(
      await db.query(`select table_name from information_schema.tables where table_schema = 'public'`),
    ).toEqual([{ table_name: 'scores' }])
    await db.drop()
  })

  it('retries while a table is locked, and waits while another process migrates', async () => {
    const db = await createDatabase('template0')
    await migrate(db.direct)
    await db.query(`delete from nightpost_migrations where name = '0007_stored'`)
    const holder = await db.lock('lock table deliveries in access exclusive mode')
    const said: string[] = []
    const log = { info: (message: string) => void said.push(message) }
    const lockRetry = { lockTimeout: 200, pause: 100, total: 1_000 }
    const held = expect(migrate(db.direct, log, { lockRetry })).rejects.toThrow(
      /^Migration 0007_stored failed: .*\(SQLSTATE 55P03\)\.\nHint: table deliveries is locked by process \d+\. End that process, then start again\.$/,
    )
    await expect.poll(() => said.length).toBeGreaterThan(1)
    expect(said[0]).toBe('migrating the database')
    expect(said[1]).toMatch(
      /^Migration 0007_stored waits for a lock: table deliveries is locked by process \d+$/,
    )
    const waiting = migrate(db.direct, log)
    await expect.poll(() => said).toContain('waiting for another process that migrates the database')
    await held
    await holder.release()
    await waiting
    const client = new pg.Client({ connectionString: db.url })
    await client.connect()
    expect(await isCurrent(client)).toBe(true)
    await client.end()
    await db.drop()
  })

  it('readiness fails while the schema is older than the service', async () => {
    const service = await setup()
    await service.db.query('delete from nightpost_migrations')
    const pool = new pg.Pool({ connectionString: service.db.url })
    expect(await isCurrent(pool)).toBe(false)
    await pool.end()
    const answer = await service.app.inject('/health/ready')
    expect(answer.statusCode).toBe(503)
    expect(answer.json().detail).toContain('migration')
    await service.close()
  })
})
