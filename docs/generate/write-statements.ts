// npm run statements: writes src/db/sql/statements.sql and src/db/sql/schema.sql.
import { writeFileSync } from 'node:fs'
import { startPostgres } from '../../bench/database.ts'
import { schemaDump } from './schema-dump.ts'
import { statementsPage } from './statements.ts'

writeFileSync('src/db/sql/statements.sql', statementsPage())
const server = await startPostgres()
try {
  const database = await server.createDatabase()
  writeFileSync('src/db/sql/schema.sql', await schemaDump(database.client))
  await database.drop()
} finally {
  await server.stop()
}
