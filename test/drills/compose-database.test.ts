import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/index.ts'
import { startService } from '../../src/service.ts'
import { biomarker } from '../setup/bodies.ts'
import { type InstalledServer, installedPrograms, startInstalledServer } from '../setup/installed-server.ts'
import { guardedLog } from '../setup/log-guard.ts'
import { environment, signed } from '../setup/service.ts'

const scripts = join(import.meta.dirname, '../../ops/compose')
const secrets = mkdtempSync(join(tmpdir(), 'nightpost-secrets-'))
afterAll(() => rmSync(secrets, { recursive: true }))

function run(script: string, given: Record<string, string>, ...options: string[]) {
  const env = { PATH: String(process.env.PATH), ...given }
  const { status, stdout, stderr } = spawnSync('bash', [join(scripts, script), ...options], {
    encoding: 'utf8',
    env,
  })
  return { status, stdout, stderr }
}

const makePassword = (given: Record<string, string> = {}) => run('database-password.sh', given, secrets)
const password = () => readFileSync(join(secrets, 'password'), 'utf8')
const url = () => new URL(readFileSync(join(secrets, 'url'), 'utf8'))

describe('database-password.sh', () => {
  it('generates a password once, and keeps it', () => {
    expect(makePassword().status).toBe(0)
    const generated = password()
    expect(generated).toMatch(/^[0-9a-f]{48}$/)
    expect(makePassword().stdout).toBe('')
    expect(password()).toBe(generated)
    expect(decodeURIComponent(url().password)).toBe(generated)
  })

  it('writes any password into the URL', () => {
    expect(makePassword({ POSTGRES_PASSWORD: "p:a@s/ 'ü%$" }).status).toBe(0)
    expect(password()).toBe("p:a@s/ 'ü%$")
    expect(decodeURIComponent(url().password)).toBe("p:a@s/ 'ü%$")
    expect(`${url().username} ${url().host}${url().pathname}`).toBe('nightpost postgres:5432/nightpost')
  })

  it.each([
    ['no password', {}, 'POSTGRES_PASSWORD: absent.'],
    ['the former default', { POSTGRES_PASSWORD: 'nightpost' }, 'POSTGRES_PASSWORD: it is the former default'],
  ])('refuses %s in production', (_, given, message) => {
    const before = password()
    const { status, stderr } = makePassword({ NODE_ENV: 'production', ...given })
    expect([status, stderr.startsWith(message), stderr.split('\n').length]).toEqual([1, true, 2])
    expect(password()).toBe(before)
  })

  it('takes a password in production', () => {
    expect(makePassword({ NODE_ENV: 'production', POSTGRES_PASSWORD: 'a-password-of-ours' }).status).toBe(0)
    expect(password()).toBe('a-password-of-ours')
  })
})

if (!installedPrograms) {
  process.stderr.write(
    'No Postgres with psql and pg_dump is installed: the tests of the scripts in ops/compose are left out.\n',
  )
}

describe.runIf(installedPrograms)('the database of the compose file', () => {
  const backups = mkdtempSync(join(tmpdir(), 'nightpost-backups-'))
  let server: InstalledServer
  beforeAll(async () => {
    server = await startInstalledServer()
    makePassword({ POSTGRES_PASSWORD: 'a-password-of-ours' })
  })
  afterAll(() => {
    server.stop()
    rmSync(backups, { recursive: true })
  })

  async function query<R extends pg.QueryResultRow>(
    user: string,
    database: string,
    text: string,
  ): Promise<R[]> {
    const { PGHOST, PGPORT } = server.environment
    const client = new pg.Client({ host: PGHOST, port: Number(PGPORT), user, database })
    await client.connect()
    try {
      return (await client.query<R>(text)).rows
    } finally {
      await client.end()
    }
  }

  async function overTcp(user: string, password: string): Promise<string> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: server.port,
      user,
      password,
      database: 'nightpost',
    })
    client.on('error', () => {})
    try {
      await client.connect()
      return (await client.query('select current_user')).rows[0].current_user
    } catch (error) {
      return (error as pg.DatabaseError).code ?? 'no code'
    } finally {
      await client.end().catch(() => {})
    }
  }

  const makeRoles = () => run('database-roles.sh', server.environment, secrets)
  const backup = (options: string[], given: Record<string, string> = {}) =>
    run('backup.sh', { ...server.environment, BACKUP_DIRECTORY: backups, ...given }, ...options)
  const files = () => readdirSync(backups).sort()

  /** Starts the service with the URL that the containers share, sends a body, and returns the answer's outcome. */
  async function deliver(id: string): Promise<string> {
    const shared = url()
    shared.host = `127.0.0.1:${server.port}`
    const { app } = await startService(readConfig(environment), shared.href, guardedLog)
    const payload = JSON.stringify(biomarker({ id, category: 'c' }))
    const headers = { 'content-type': 'application/json', ...signed(payload) }
    const answer = await app.inject({ method: 'POST', url: '/webhooks/sahha', headers, payload })
    await app.close()
    return answer.json().outcome
  }

  /** Every row of every table, as text. */
  async function rows(): Promise<Record<string, string[]>> {
    const tables = await query<{ name: string }>(
      ...(['postgres', 'nightpost'] as const),
      "select oid::regclass::text as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
    )
    const all: Record<string, string[]> = {}
    for (const { name } of tables) {
      const found = await query<{ row: string }>(
        'postgres',
        'nightpost',
        `select t::text as row from ${name} t order by 1`,
      )
      all[name] = found.map(({ row }) => row)
    }
    return all
  }

  it('gives the service a role that owns only its database', async () => {
    await query('postgres', 'postgres', 'create database nightpost')
    expect(makeRoles()).toMatchObject({ status: 0, stderr: '' })
    expect(makeRoles()).toMatchObject({ status: 0, stderr: '' })
    expect(await deliver('of a new volume')).toBe('stored')
    expect(await overTcp('nightpost', 'a-password-of-ours')).toBe('nightpost')
    // The superuser has no password any more.
    expect(await overTcp('postgres', 'first')).toBe('28P01')
    const [role] = await query(
      'postgres',
      'postgres',
      "select rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = 'nightpost'",
    )
    expect(role).toEqual({ rolsuper: false, rolcreatedb: false, rolcreaterole: false })
    const readers = "select has_table_privilege('nightpost_reader', 'biomarkers', 'select') as reads"
    expect(await query('postgres', 'nightpost', readers)).toEqual([{ reads: true }])
  })

  it('moves a volume of version 0.1.0, whose superuser is nightpost', async () => {
    await query('postgres', 'postgres', 'drop database nightpost')
    await query('postgres', 'postgres', 'revoke set on parameter log_min_messages from nightpost')
    await query('postgres', 'postgres', 'drop role nightpost')
    await query('postgres', 'postgres', 'create role other superuser login')
    await query('other', 'postgres', 'alter role postgres rename to nightpost')
    await query('nightpost', 'postgres', "alter role nightpost password 'nightpost'; drop role other")
    await query('nightpost', 'postgres', 'create database nightpost')
    await query(
      'nightpost',
      'nightpost',
      readFileSync(join(import.meta.dirname, '../schemas/0.1.0.sql'), 'utf8'),
    )
    expect(await overTcp('nightpost', 'nightpost')).toBe('nightpost')

    expect(makeRoles()).toMatchObject({ status: 0, stderr: '' })
    expect(await overTcp('nightpost', 'nightpost')).toBe('28P01')
    expect(await overTcp('nightpost', 'a-password-of-ours')).toBe('nightpost')
    const left = await query(
      ...(['postgres', 'nightpost'] as const),
      `select oid::regclass from pg_class where relowner = 10 and relnamespace not in
         ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)`,
    )
    expect(left).toEqual([])
    // The service migrates what it now owns.
    expect(await deliver('of an old volume')).toBe('stored')
    expect((await rows()).sleep_sessions?.length).toBeGreaterThan(0)
  })

  it('goes on after it was killed between renaming the superuser and creating the role', async () => {
    const before = await rows()
    await query(
      'postgres',
      'nightpost',
      'reassign owned by nightpost to nightpost_reader; drop owned by nightpost',
    )
    await query('postgres', 'postgres', 'alter database nightpost owner to postgres')
    await query('postgres', 'postgres', 'revoke set on parameter log_min_messages from nightpost')
    await query('postgres', 'postgres', 'drop role nightpost; create role nightpost_rename superuser')
    await query('postgres', 'nightpost', 'alter table biomarkers owner to postgres')
    expect(makeRoles()).toMatchObject({ status: 0, stderr: '' })
    const owner = "select relowner::regrole::text as owner from pg_class where relname = 'biomarkers'"
    expect(await query('postgres', 'nightpost', owner)).toEqual([{ owner: 'nightpost' }])
    expect(await rows()).toEqual(before)
    await query('postgres', 'nightpost', 'grant nightpost_reader to nightpost')
    await query('postgres', 'nightpost', 'reassign owned by nightpost_reader to nightpost')
  })

  it('is restored from a backup, with every row and right', async () => {
    expect(await deliver('before the backup')).toBe('stored')
    const before = await rows()
    const { status, stderr } = backup(['dump'])
    expect([status, stderr]).toEqual([0, ''])
    const [file = ''] = files()
    expect(backup(['list']).stdout).toContain(file)
    expect(backup(['check']).status).toBe(0)

    await query('postgres', 'postgres', 'drop database nightpost')
    expect(backup(['restore', file])).toMatchObject({ status: 0, stderr: '' })
    expect(await rows()).toEqual(before)
    expect(await deliver('before the backup')).toBe('duplicate')
    expect(await deliver('after the restore')).toBe('stored')
  })

  it('keeps the former database beside a restored one, and refuses while the service is connected', async () => {
    const [file = ''] = files()
    const client = new pg.Client({
      host: server.environment.PGHOST ?? '',
      port: server.port,
      user: 'nightpost',
      database: 'nightpost',
    })
    client.on('error', () => {})
    await client.connect()
    const refused = backup(['restore', file])
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('stop the service')])
    await client.end()
    await expect.poll(() => backup(['restore', file]).status, { interval: 100 }).toBe(0)
    const databases = await query(
      'postgres',
      'postgres',
      "select datname from pg_database where datname like 'nightpost-before-%'",
    )
    expect(databases).toHaveLength(1)
    // What arrived after the backup is in the former database only.
    expect(await deliver('after the restore')).toBe('stored')
  })

  it('deletes old backups only after a new one is complete', () => {
    const old = join(backups, 'nightpost-2020-01-01T000000Z.dump')
    writeFileSync(old, '')
    utimesSync(old, 0, 0)
    const failed = backup(['dump'], { PGPORT: '1' })
    expect(failed.status).not.toBe(0)
    expect(files()).toContain('nightpost-2020-01-01T000000Z.dump')
    expect(backup(['dump']).stdout).toContain(`deleted: ${old}`)
    expect(files().filter((name) => name.endsWith('.part'))).toEqual([])
    for (const name of files()) utimesSync(join(backups, name), 0, 0)
    expect(backup(['check'])).toMatchObject({ status: 1, stderr: expect.stringContaining('no backup') })
  })

  it('makes a backup at once, waits for the night, and ends with the container', async () => {
    // A backup is named by its second.
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const before = files().length
    const nightly = spawn('bash', [join(scripts, 'backup.sh'), 'nightly'], {
      env: { ...server.environment, BACKUP_DIRECTORY: backups, BACKUP_KEEP_DAYS: '36500' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const isOver = new Promise((done) => nightly.once('exit', done))
    let output = ''
    nightly.stdout.on('data', (text) => {
      output += text
    })
    nightly.stderr.on('data', (text) => {
      output += text
    })
    await expect.poll(() => output, { timeout: 60_000 }).toMatch(/\.dump \(\d+ bytes\)\n$/)
    expect(files()).toHaveLength(before + 1)
    nightly.kill('SIGTERM')
    expect(await isOver).toBe(0)
  })
})
