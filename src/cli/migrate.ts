import { Command } from 'commander'
import { loadConfig } from '../config/index.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connectToMigrate, migrateOn } from '../db/migrate/migrate.ts'
import { runOnlineSteps } from '../db/migrate/online/background.ts'
import { onlineSteps } from '../db/migrate/online/steps.ts'
import { vendors } from '../vendors/index.ts'
import { printJson } from './output.ts'

const HELP = `
Examples:
  nightpost migrate
  nightpost migrate --json
  MIGRATE_DATABASE_URL=postgres://… nightpost migrate     past a pooler
`

export const migrateCommand = new Command('migrate')
  .description(
    'Migrate the database, run the online steps of an upgrade, and exit. The service does the same when it starts.',
  )
  .option(
    '--json',
    'print one JSON object: messages, left (the steps that are left to the service, and what each waits for)',
  )
  .addHelpText('after', HELP)
  .action(async ({ json }: { json?: boolean }) => {
    const database = await openDatabase(loadConfig())
    try {
      const messages: string[] = []
      const info = (message: string) => {
        messages.push(message)
        if (!json) process.stdout.write(`${message}\n`)
      }
      const client = await connectToMigrate(database)
      try {
        const { schema } = database
        const targets = vendors.flatMap((vendor) => vendor.targets)
        await migrateOn(client, { schema, log: { info }, targets })
        info('The database is up to date.')
        const steps = onlineSteps(vendors)
        const left = await runOnlineSteps(client, { steps, schema, log: { info } })
        if (json) printJson({ messages, left: left.map(({ name, waitsFor }) => ({ name, waitsFor })) })
        for (const { name, waitsFor } of json ? [] : left) {
          info(`Left to the service: step ${name} waits for ${waitsFor}.`)
        }
      } finally {
        await client.end()
      }
    } finally {
      await database.release()
    }
  })
