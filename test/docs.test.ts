import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { withResults } from '../docs/generate/cookbook.ts'
import { dataDictionary } from '../docs/generate/dictionary.ts'
import { simulateInto } from '../docs/generate/simulated.ts'
import { readHypnogram } from '../src/hypnogram/read.ts'
import { drawSvg } from '../src/hypnogram/svg.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'

const page = (name: string) => readFileSync(join(import.meta.dirname, '../docs', name), 'utf8')

let db: TestDatabase
let client: pg.Client
beforeAll(async () => {
  db = await createDatabase()
  client = new pg.Client({ connectionString: db.url })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await db.drop()
})

it('docs/data-dictionary.md agrees with the comments in the database; otherwise run: npm run docs', async () => {
  expect(page('data-dictionary.md')).toBe(await dataDictionary(client))
})

it('docs/sql-cookbook.md has the current result of every query; otherwise run: npm run docs', async () => {
  await simulateInto(db.url, client)
  const written = page('sql-cookbook.md')
  expect(written.match(/```sql/g)?.length).toBeGreaterThanOrEqual(15)
  expect(written.match(/```text\n\S/g)).toHaveLength(written.match(/```sql/g)?.length ?? 0)
  expect(await withResults(written, client)).toBe(written)
})

it('docs/hypnogram.svg is what nightpost hypnogram --svg writes; otherwise run: npm run docs', async () => {
  const hypnogram = await readHypnogram(client, {})
  expect(hypnogram && drawSvg(hypnogram)).toBe(page('hypnogram.svg'))
})
