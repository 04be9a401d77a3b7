import { Command } from 'commander'
import { loadConfig } from '../config/index.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connectToMigrate, migrateOn } from '../db/migrate/migrate.ts'
import { runOnlineSteps } from '../db/migrate/online/background.ts'
import { onlineSteps } from '../db/migrate/online/steps.ts'
import { vendors } from '../vendors/index.ts'

export const migrateCommand = new Command('migrate')
  .description(
    'Migrate the database, run the online steps of an upgrade, and exit. The service does the same when it starts.',
  )
  .action(async () => {
    const database = await openDatabase(loadConfig())
    try {
      const info = (message: string) => void process.stdout.write(`${message}\n`)
      const client = await connectToMigrate(database)
      try {
        const { schema } = database
        await migrateOn(client, { schema, log: { info } })
        info('The database is up to date.')
        const steps = onlineSteps(vendors.flatMap(({ targets }) => targets))
        const left = await runOnlineSteps(client, { steps, schema, log: { info } })
        for (const { name, waitsFor } of left) {
          info(`Left to the service: step ${name} waits for ${waitsFor}.`)
        }
      } finally {
        await client.end()
      }
    } finally {
      await database.release()
    }
  })
