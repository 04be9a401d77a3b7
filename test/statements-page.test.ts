import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schemaDump } from '../docs/generate/schema-dump.ts'
import { formatSql } from '../docs/generate/sql-format.ts'
import { statementsPage, writeStatements } from '../docs/generate/statements.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'

const committed = (name: string) => readFileSync(join(import.meta.dirname, '../src/db/sql', name), 'utf8')

let db: TestDatabase
let client: pg.Client
beforeAll(async () => {
  db = await createDatabase()
  client = new pg.Client({ connectionString: db.direct })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await db.drop()
})

it('src/db/sql/statements.sql has the statements of the code; otherwise run: npm run statements', () => {
  expect(committed('statements.sql') === statementsPage(), 'run: npm run statements').toBe(true)
})

it('src/db/sql/schema.sql has the schema of a migrated database; otherwise run: npm run statements', async () => {
  expect(committed('schema.sql'), 'run: npm run statements').toBe(await schemaDump(client))
})

describe('a statement of src/db/sql/statements.sql', () => {
  const statements = writeStatements().flatMap(([, statements]) => statements)

  it.each(statements)('$call is accepted by Postgres with the listed parameters', async (statement) => {
    const { text, parameters } = statement
    await client.query('deallocate all')
    await client.query(`prepare formatted as ${formatSql(text)}`)
    const { rows } = await client.query('select parameter_types::text[] as types from pg_prepared_statements')
    expect(rows[0].types).toEqual(parameters.map((parameter) => parameter.replace(/^\w+ /, '')))
  })

  it.each(statements)('$call differs from the text that is sent only in white space', ({ text }) => {
    const withoutSpace = (sql: string) => sql.replaceAll(/\s+/g, '')
    expect(withoutSpace(formatSql(text))).toBe(withoutSpace(text))
  })
})
