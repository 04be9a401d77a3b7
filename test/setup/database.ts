import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject, onTestFinished } from 'vitest'
import { CITUS_URL, createDistributed, createOnCitus, dropOnCitus } from './citus.ts'
import { TEMPLATE, withDatabase } from './cluster.ts'
import { catalogueOf, emptied, emptiedOnCitus, isAlone } from './reuse.ts'

export interface TestDatabase {
  /** For the service: through a pooler, where TEST_POOLER asks for one. */
  readonly url: string
  /** For what rests on the session. */
  readonly direct: string
  /** Returns rows with every value as Postgres writes it in text, so that no digit and no microsecond is lost. */
  query<R = Record<string, string | null>>(text: string, values?: unknown[]): Promise<R[]>
  /** Runs a statement in an open transaction on another connection. Its locks are held until `release`. */
  lock(statement: string): Promise<{ release(): Promise<void> }>
  /** Deletes all rows. Returns false, and deletes none, if the tests changed more than rows. */
  empty(): Promise<boolean>
  drop(): Promise<void>
}

const asText = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig

/** Emptied clones of the migrated template, which tests of this worker have dropped. */
const spare: string[] = []

/**
 * Creates a database for one test file or test: a clone of the migrated template, or of another template. A clone that an
 * earlier test dropped is used again, if that test changed only rows in it.
 */
export async function createDatabase(template = TEMPLATE): Promise<TestDatabase> {
  if (CITUS_URL && template === TEMPLATE) return createCitusDatabase()
  const name = (template === TEMPLATE && spare.pop()) || (await clone(template))
  const direct = withDatabase(inject('serverUrl'), name)
  return openDatabase({
    direct,
    url: withDatabase(inject('pooledUrl'), name),
    empty: emptied,
    drop: async (client) => {
      const isEmpty =
        template === TEMPLATE && (await isAlone(client).catch(() => false)) && (await emptied(client))
      await client.end()
      if (isEmpty) spare.push(name)
      else await onServer(`drop database ${name} with (force)`)
    },
  })
}

/** Emptied databases on Citus, which tests of this worker have dropped, with the catalogue that each began with. */
const spareOnCitus: Array<{ direct: string; name: string; catalogue: string }> = []

/** Creates a database on the Citus cluster of TEST_CITUS_URL: migrated and distributed, or with the extension alone. */
export async function createCitusDatabase({ isDistributed = true } = {}): Promise<TestDatabase> {
  const { name, direct, catalogue } = (isDistributed && spareOnCitus.pop()) || (await made(isDistributed))
  return openDatabase({
    ...{ direct, url: direct },
    empty: async (client) => isDistributed && emptiedOnCitus(client, catalogue),
    drop: async (client) => {
      const isEmpty =
        isDistributed &&
        (await isAlone(client).catch(() => false)) &&
        (await emptiedOnCitus(client, catalogue))
      await client.end()
      if (isEmpty) spareOnCitus.push({ name, direct, catalogue })
      else await dropOnCitus(name)
    },
  })
}

async function made(isDistributed: boolean) {
  const name = newName()
  const direct = isDistributed ? await createDistributed(name) : await createOnCitus(name)
  const client = new pg.Client({ connectionString: direct })
  await client.connect()
  const catalogue = isDistributed ? await catalogueOf(client) : ''
  await client.end()
  return { name, direct, catalogue }
}

interface Opened {
  readonly url: string
  readonly direct: string
  empty(client: pg.Client): Promise<boolean>
  drop(client: pg.Client): Promise<void>
}

/** Opens a database that `drop` removes. */
export async function openDatabase({ url, direct, empty, drop }: Opened): Promise<TestDatabase> {
  const client = new pg.Client({ connectionString: direct, types: asText, options: '-c timezone=UTC' })
  client.on('error', () => {})
  await client.connect()
  let lastQuery: Promise<unknown> = Promise.resolve()
  return {
    url,
    direct,
    // A connection runs one query at a time, so concurrent queries wait for each other.
    query: async (text, values) => {
      const result = lastQuery.then(() => client.query(text, values))
      lastQuery = result.catch(() => {})
      return (await result).rows
    },
    lock: async (statement) => {
      const holder = new pg.Client({ connectionString: direct })
      await holder.connect()
      await holder.query('begin')
      await holder.query(statement)
      const release = () => holder.end()
      endWithTest(release)
      return { release }
    },
    empty: () => empty(client),
    drop: () => drop(client),
  }
}

/** A transaction that a failed test leaves open would hold up the change feed of every test on the server. */
function endWithTest(release: () => Promise<void>): void {
  try {
    onTestFinished(release)
  } catch {
    // It is called outside a test.
  }
}

const newName = () => `${inject('databasePrefix')}${randomBytes(6).toString('hex')}`

async function clone(template: string): Promise<string> {
  const name = newName()
  await onServer(`create database ${name} template ${template}`)
  return name
}

async function onServer(statement: string) {
  const client = new pg.Client({ connectionString: inject('serverUrl') })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
