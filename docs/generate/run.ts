// npm run docs: writes the data dictionary, the results and plots of the SQL cookbook, and the hypnogram.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { startPostgres } from '../../bench/database.ts'
import { readHypnogram } from '../../src/hypnogram/read.ts'
import { drawSvg } from '../../src/hypnogram/svg.ts'
import { cookbookOf } from './cookbook.ts'
import { dataDictionary } from './dictionary.ts'
import { simulateInto } from './simulated.ts'

const server = await startPostgres()
try {
  const database = await server.createDatabase()
  writeFileSync('docs/data-dictionary.md', await dataDictionary(database.client))
  await simulateInto(database.url, database.client)
  const { page, plots } = await cookbookOf(readFileSync('docs/sql-cookbook.md', 'utf8'), database.client)
  writeFileSync('docs/sql-cookbook.md', page)
  rmSync('docs/plots', { recursive: true, force: true })
  mkdirSync('docs/plots')
  for (const [name, svg] of plots) writeFileSync(`docs/plots/${name}`, svg)
  const hypnogram = await readHypnogram(database.client, {})
  if (hypnogram) writeFileSync('docs/hypnogram.svg', drawSvg(hypnogram))
  await database.drop()
} finally {
  await server.stop()
}
