import { Command } from 'commander'
import { loadConfig } from '../config/index.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connectToMigrate, migrateOn } from '../db/migrate/migrate.ts'
import { runOnlineSteps } from '../db/migrate/online/background.ts'
import { onlineSteps } from '../db/migrate/online/steps.ts'
import { vendors } from '../vendors/index.ts'

export const migrateCommand = new Command('migrate')
  .description(
    'Bring the database up to date, finish what an upgrade may do beside a running service, and exit. The service does the same by itself.',
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
          info(`Left to the service: ${name} waits for ${waitsFor}.`)
        }
      } finally {
        await client.end()
      }
    } finally {
      await database.release()
    }
  })
