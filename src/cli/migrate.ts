import { Command } from 'commander'
import { migrate } from '../db/migrate.ts'
import { openDatabase } from '../db/open.ts'
import { loadConfig } from '../environment.ts'

export const migrateCommand = new Command('migrate')
  .description('Bring the database up to date and exit; the service does the same when it starts.')
  .action(async () => {
    const database = await openDatabase(loadConfig())
    try {
      const info = (message: string) => process.stdout.write(`${message}\n`)
      await migrate(database, { info })
      process.stdout.write('The database is up to date.\n')
    } finally {
      await database.release()
    }
  })
