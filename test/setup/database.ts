import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { TEMPLATE, withDatabase } from './cluster.ts'

export interface TestDatabase {
  /** For the service: through a pooler, where TEST_POOLER asks for one. */
  readonly url: string
  /** For what rests on the session. */
  readonly direct: string
  /** Rows with every value as Postgres writes it, so that no digit and no microsecond is lost on the way. */
  query<R = Record<string, string | null>>(text: string, values?: unknown[]): Promise<R[]>
  /** Runs a statement in a transaction of its own, and keeps what it locks until released. */
  hold(statement: string): Promise<{ release(): Promise<void> }>
  drop(): Promise<void>
}

const asText = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig

/** A database of one's own: a clone of the migrated template, or an empty one. */
export async function createDatabase(template = TEMPLATE): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await onServer(`create database ${name} template ${template}`)
  const direct = withDatabase(inject('serverUrl'), name)
  const client = new pg.Client({ connectionString: direct, types: asText, options: '-c timezone=UTC' })
  client.on('error', () => {})
  await client.connect()
  let last: Promise<unknown> = Promise.resolve()
  return {
    url: withDatabase(inject('pooledUrl'), name),
    direct,
    // One after the other, however many ask at once: that is how a connection works.
    query: async (text, values) => {
      const result = last.then(() => client.query(text, values))
      last = result.catch(() => {})
      return (await result).rows
    },
    hold: async (statement) => {
      const holder = new pg.Client({ connectionString: direct })
      await holder.connect()
      await holder.query('begin')
      await holder.query(statement)
      return { release: () => holder.end() }
    },
    drop: async () => {
      await client.end()
      await onServer(`drop database ${name} with (force)`)
    },
  }
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
