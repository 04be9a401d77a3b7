import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import Fastify from 'fastify'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { readConfig } from '../src/config/index.ts'
import { databaseOf } from '../src/db/connect/database.ts'
import { migrate } from '../src/db/migrate/migrate.ts'
import { freePort } from '../src/embedded/index.ts'
import { cutConnectionsOnClose } from '../src/ops/shutdown.ts'
import { listenError, startError } from '../src/start/errors.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'
import { guardSecret } from './setup/log-guard.ts'

const suffix = randomBytes(4).toString('hex')
const role = `starter_${suffix}`
const password = `sesame-${suffix}`

let db: TestDatabase
let unused: number
beforeAll(async () => {
  guardSecret(password)
  unused = await freePort(0)
  db = await createDatabase('template0')
  await db.query(`create role ${role} login password '${password}'; revoke all on schema public from public`)
})
afterAll(async () => {
  await db.drop()
  // The role has no rights in other databases.
  const client = new pg.Client({ connectionString: serverUrl() })
  await client.connect()
  await client.query(`drop role ${role}`)
  await client.end()
})

const serverUrl = () => {
  const url = new URL(db.direct)
  url.pathname = '/postgres'
  return url.href
}

/** The URL of the test database for the role, changed. */
function urlWith(
  changes: Partial<Pick<URL, 'hostname' | 'port' | 'pathname' | 'username' | 'password'>>,
): string {
  return Object.assign(new URL(db.direct), { username: role, password, ...changes }).href
}

/** What is printed if a start on this database fails. */
async function failedStart(settings: Record<string, string>): Promise<string> {
  const config = readConfig(settings)
  const error = await migrate(databaseOf(config, config.DATABASE_URL ?? '')).then(
    () => undefined,
    (error) => error,
  )
  expect(error).toBeInstanceOf(Error)
  return startError(error, config)
}

describe('a start that fails at the database prints one line with the setting, the reason and the next step:', () => {
  const at = () => new URL(db.direct)
  const name = () => at().pathname.slice(1)
  const cases: Array<[what: string, settings: () => Record<string, string>, line: () => string]> = [
    [
      'nothing listens',
      () => ({ DATABASE_URL: urlWith({ port: `${unused}` }) }),
      () =>
        `DATABASE_URL: nothing listens on ${at().hostname}:${unused} (ECONNREFUSED). Start Postgres there, or correct the host and the port.`,
    ],
    [
      'nothing listens on any address of a name',
      () => ({ DATABASE_URL: urlWith({ hostname: 'localhost', port: `${unused}` }) }),
      () =>
        `DATABASE_URL: nothing listens on localhost:${unused} (ECONNREFUSED). Start Postgres there, or correct the host and the port.`,
    ],
    [
      'only the direct connection is wrong',
      () => ({ DATABASE_URL: urlWith({}), MIGRATE_DATABASE_URL: urlWith({ port: `${unused}` }) }),
      () =>
        `MIGRATE_DATABASE_URL: nothing listens on ${at().hostname}:${unused} (ECONNREFUSED). Start Postgres there, or correct the host and the port.`,
    ],
    [
      'the host is unknown',
      () => ({ DATABASE_URL: urlWith({ hostname: 'db.invalid' }) }),
      () =>
        'DATABASE_URL: there is no host db.invalid (ENOTFOUND). Correct the name; between containers it is the name of the service.',
    ],
    [
      'the password is wrong',
      () => ({ DATABASE_URL: urlWith({ password: `${password}!` }) }),
      () =>
        `DATABASE_URL: password authentication failed for user "${role}" (SQLSTATE 28P01). Correct the password in the URL, percent-encoded, or in PGPASSWORD.`,
    ],
    [
      'there is no password',
      () => ({ DATABASE_URL: urlWith({ password: '' }) }),
      () =>
        'DATABASE_URL: Postgres asks for a password, and none is set. Write it into the URL, or set PGPASSWORD.',
    ],
    [
      'the database does not exist',
      () => ({ DATABASE_URL: urlWith({ pathname: '/nothing' }) }),
      () =>
        `DATABASE_URL: database "nothing" does not exist (SQLSTATE 3D000). Correct the name, or run as an administrator: create database "nothing" owner "${role}";`,
    ],
    [
      'the role may not create tables',
      () => ({ DATABASE_URL: urlWith({}) }),
      () =>
        `DATABASE_URL: Migration 0000_tables failed: no schema has been selected to create in (SQLSTATE 3F000). Hint: its owner may run: grant usage, create on schema public to ${role};`,
    ],
    [
      'the role may not connect',
      () => ({ DATABASE_URL: urlWith({}), revoke: 'connect' }),
      () =>
        `DATABASE_URL: permission denied for database "${name()}" (SQLSTATE 42501). Hint: its owner may run: grant connect on database "${name()}" to "${role}";`,
    ],
    [
      'the server offers no TLS',
      () => ({ DATABASE_URL: `${urlWith({})}?sslmode=require` }),
      () =>
        `DATABASE_URL: ${at().host} does not offer TLS. Use a server that does, or remove sslmode from the URL.`,
    ],
  ]

  it.each(cases)('%s', async (_what, settings, line) => {
    const { revoke, ...given } = settings()
    if (revoke) await db.query(`revoke connect on database ${name()} from public`)
    expect(await failedStart(given)).toBe(line())
  })

  it('the role may not read a table of Nightpost', async () => {
    const error = await db.query(`set role ${role}; select * from pg_authid`).catch((error) => error)
    await db.query('reset role')
    expect(startError(error, readConfig({ DATABASE_URL: urlWith({}) }))).toBe(
      `DATABASE_URL: permission denied for table pg_authid (SQLSTATE 42501). Hint: its owner may run: grant select, insert, update, delete on table "pg_authid" to "${role}";`,
    )
  })

  it('.data is not writable', () => {
    const error = Object.assign(new Error('EACCES: permission denied'), {
      code: 'EACCES',
      path: '/app/.data',
    })
    expect(startError(error, readConfig({}))).toMatch(
      /^\/app\/\.data: uid \d+ can't write it \(EACCES\)\. .* or set DATABASE_URL and a credential\.$/,
    )
  })

  it('words of several lines', () => {
    expect(startError(new Error('initdb failed: one\n  two\n'), undefined)).toBe('initdb failed: one two')
  })
})

describe('a start that can not listen prints one line with the setting, the reason and the next step:', () => {
  /** What is printed if the service can not listen there. */
  async function failedListen(settings: Record<string, string>): Promise<string> {
    const config = readConfig(settings)
    const app = Fastify()
    const error = await app.listen({ host: config.HOST, port: config.PORT }).catch((error) => error)
    await app.close()
    return listenError(error, config)
  }

  it('the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    expect(await failedListen({ PORT: `${port}` })).toBe(
      `PORT: ${port} is in use on 127.0.0.1 (EADDRINUSE). Stop the other program, or set PORT to a free port; 0 takes any.`,
    )
    other.close()
  })

  it.each([
    [
      '192.0.2.1',
      /^HOST: this machine has no address 192\.0\.2\.1 \(EADDRNOTAVAIL\)\. Set HOST to 127\.0\.0\.1, .*\.$/,
    ],
    [
      'host.invalid',
      /^HOST: "host\.invalid" is no address and no known name \(ENOTFOUND\)\. Set HOST to 127\.0\.0\.1, .*\.$/,
    ],
  ])('the address %s is not of this machine', async (HOST, line) => {
    expect(await failedListen({ HOST, PORT: '0' })).toMatch(line)
  })

  it('the port needs a privilege', () => {
    const error = Object.assign(new Error('listen EACCES'), { code: 'EACCES' })
    expect(listenError(error, { HOST: '127.0.0.1', PORT: 80 })).toMatch(
      /^PORT: 80 needs a privilege .* \(EACCES\)\. Set PORT to 1024 or more, .*\.$/,
    )
  })
})

it('a closing server cuts a connection that has sent nothing a second later, before the limit of other connections', async () => {
  const app = Fastify()
  cutConnectionsOnClose(app)
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const taken = once(app.server, 'connection')
  const silent = connect(Number(port), '127.0.0.1')
  silent.on('error', () => {})
  const closed = once(silent, 'close')
  await taken
  // The limit of other connections never comes.
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  const closing = app.close()
  await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(1))
  vi.advanceTimersByTime(1000)
  await closing
  vi.useRealTimers()
  await closed
})
