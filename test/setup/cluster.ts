import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { startCluster } from '../../src/embedded/index.ts'
import { CITUS_URL, dropAllOnCitus } from './citus.ts'
import { startPooler } from './pooler.ts'
import { catalogueOf } from './reuse.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the test server for a superuser, with any database. */
    serverUrl: string
    /** The same through a pooler, where TEST_POOLER asks for one: `session` or `transaction`. */
    pooledUrl: string
    /** The beginning of the names of this run's databases. */
    databasePrefix: string
  }
}

export const TEMPLATE = 'nightpost_template'

/**
 * Starts one server for the whole run, with a migrated template database that test files clone. Another server
 * (TEST_DATABASE_URL) is left as it was.
 */
export default async function setup(project: TestProject) {
  const server = process.env.TEST_DATABASE_URL ? external(process.env.TEST_DATABASE_URL) : await embedded()
  const databasePrefix = `test_${randomBytes(4).toString('hex')}_`
  const restore = await remember(server.url, { databasePrefix, template: TEMPLATE, role: 'nightpost_reader' })
  await replaceTemplate(server.url)
  await migrate(withDatabase(server.url, TEMPLATE))
  project.provide('templateCatalogue', await templateCatalogue(server.url))
  project.provide('serverUrl', server.url)
  project.provide('databasePrefix', databasePrefix)
  const pooler = await poolerFor(server.url)
  project.provide('pooledUrl', pooler.url)
  return async () => {
    await pooler.stop()
    if (CITUS_URL) await dropAllOnCitus(databasePrefix)
    if (process.env.TEST_DATABASE_URL) await restore()
    await server.stop()
  }
}

interface Traces {
  readonly databasePrefix: string
  readonly template: string
  readonly role: string
}

/**
 * Returns a function that removes what a run leaves on a server: its databases, the template, and the role that the
 * migrations create, unless the server had it before. A role that another database uses stays, with a warning.
 */
export async function remember(url: string, { databasePrefix, template, role }: Traces) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rowCount: hadRole } = await client.query('select from pg_roles where rolname = $1', [role])
  await client.end()
  return async () => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const { rows } = await client.query(
      'select datname from pg_database where datname = $1 or starts_with(datname, $2)',
      [template, databasePrefix],
    )
    for (const { datname } of rows) await client.query(`drop database if exists ${datname} with (force)`)
    if (!hadRole) {
      await client.query(`drop role if exists ${role}`).catch((error: Error) => {
        process.stderr.write(`The tests leave the role ${role} behind: ${error.message}\n`)
      })
    }
    await client.end()
  }
}

/** Tests make many replicas, each with six connections: in session mode each needs a server process. */
async function poolerFor(url: string) {
  const mode = process.env.TEST_POOLER
  if (!mode) return { url, stop: async () => {} }
  if (mode !== 'session' && mode !== 'transaction') throw new Error('TEST_POOLER: session or transaction')
  const pooler = await startPooler(url, mode, { default_pool_size: mode === 'session' ? 60 : 8 })
  return { url: pooler.url(url), stop: pooler.stop }
}

const external = (url: string) => ({ url, stop: async () => {} })

async function embedded() {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-test-'))
  chmodSync(directory, 0o755)
  const cluster = await startCluster(directory, 0)
  const home = dirname(cluster.dataDirectory)
  return {
    url: cluster.url,
    stop: async () => {
      await cluster.release()
      rmSync(directory, { recursive: true })
      rmSync(home, { recursive: true, force: true })
    },
  }
}

async function replaceTemplate(url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`drop database if exists ${TEMPLATE}`)
  await client.query(`create database ${TEMPLATE}`)
  await client.end()
}

async function templateCatalogue(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: withDatabase(url, TEMPLATE) })
  await client.connect()
  const state = await catalogueOf(client)
  await client.end()
  return state
}

export function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
