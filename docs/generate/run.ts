// npm run docs: writes the data dictionary, the results in the SQL cookbook, and the hypnogram.
import { readFileSync, writeFileSync } from 'node:fs'
import { startPostgres } from '../../bench/database.ts'
import { readHypnogram } from '../../src/hypnogram/read.ts'
import { drawSvg } from '../../src/hypnogram/svg.ts'
import { withResults } from './cookbook.ts'
import { dataDictionary } from './dictionary.ts'
import { simulateInto } from './simulated.ts'

const server = await startPostgres()
try {
  const database = await server.createDatabase()
  writeFileSync('docs/data-dictionary.md', await dataDictionary(database.client))
  await simulateInto(database.url, database.client)
  const page = readFileSync('docs/sql-cookbook.md', 'utf8')
  writeFileSync('docs/sql-cookbook.md', await withResults(page, database.client))
  const hypnogram = await readHypnogram(database.client, {})
  if (hypnogram) writeFileSync('docs/hypnogram.svg', drawSvg(hypnogram))
  await database.drop()
} finally {
  await server.stop()
}
