import { Command } from 'commander'
import { archive } from '../archive/archive.ts'
import { loadConfig, retentionOf } from '../config/index.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connectToMigrate, resetSession } from '../db/migrate/migrate.ts'
import { readLedgerState } from '../db/upkeep/background.ts'
import { type Maintained, maintain, type Period } from '../db/upkeep/maintain.ts'
import { erasedArrivals } from '../erase/arrivals.ts'
import { vendors } from '../vendors/index.ts'
import { archivedText } from './archive.ts'
import { interruption } from './interruption.ts'

export const maintainCommand = new Command('maintain')
  .description(
    "Do the ledger's upkeep once: create partitions ahead, pack the bodies of closed days, and drop what retention no longer keeps. The service does the same in the background unless MAINTENANCE=off.",
  )
  .option(
    '--archive <directory>',
    'first copy what retention is about to drop into an archive, and read it back; if that fails, nothing is dropped. From then on, only runs with this option drop anything for its age, also in the background',
  )
  .option('--no-archive', 'drop without an archive again, also in the background')
  .option('--json', 'print what was done, and the sizes, as JSON')
  .addHelpText(
    'after',
    `
Examples:
  nightpost maintain
  BODY_RETENTION_DAYS=30 nightpost maintain --json
  BODY_RETENTION_DAYS=30 nightpost maintain --archive /backup/nightpost`,
  )
  .action(async ({ json = false, archive: to }: { json?: boolean; archive?: string | false }) => {
    const config = loadConfig()
    const database = await openDatabase(config)
    const interrupted = interruption()
    const { signal } = interrupted
    try {
      const client = await connectToMigrate(database)
      try {
        await resetSession(client, database.schema)
        await client.query(`set lock_timeout = '1s'`)
        const targets = vendors.flatMap((vendor) => vendor.targets)
        const intoArchive = (directory: string) => async (periods: readonly Period[]) => {
          const { schema } = database
          const options = { directory, schema, periods, checkAll: false, signal }
          process.stderr.write(archivedText(await archive(client, options)))
        }
        const done = await maintain(client, {
          schema: database.schema,
          targets,
          retention: retentionOf(config),
          storesDays: true,
          deleteErased: erasedArrivals(vendors, config.BODY_LIMIT_BYTES),
          signal,
          ...(to === false && { archive: 'none' }),
          ...(typeof to === 'string' && { archive: intoArchive(to) }),
          onProgress: (position, deliveries) => {
            if (process.stderr.isTTY)
              process.stderr.write(
                `\rpacked ${deliveries} bodies, all until ${new Date(position).toISOString()}`,
              )
          },
          log: (message) => void process.stderr.write(`${message}\n`),
        })
        const state = await readLedgerState(client, targets)
        if (json)
          process.stdout.write(`${JSON.stringify({ ...done, isDoneByAnother: done === null, ...state })}\n`)
        else
          process.stdout.write(
            `${done ? summary(done) : 'Another process is doing the upkeep at this moment.'}\n`,
          )
        if (signal.aborted) process.exitCode = 1
      } finally {
        await client.end()
      }
    } catch (error) {
      if (!signal.aborted) throw error
      process.stderr.write('Interrupted. Run the command again to continue.\n')
      process.exitCode = 1
    } finally {
      interrupted.end()
      await database.release()
    }
  })

function summary(done: Maintained): string {
  return [
    `${done.partitionsCreated} partitions created`,
    `${done.bodiesPacked} bodies packed into ${done.packs} packs`,
    `${done.partitionsDropped.length} partitions dropped`,
    `${done.entriesDeleted} ledger entries deleted`,
    `${done.unverifiedDeleted} deliveries of the quarantine deleted`,
    `${done.provisionalRowsDeleted} provisional rows deleted`,
    `${done.erasedDeliveriesDeleted} deliveries that name an erased person deleted`,
    done.daysStored ? 'the days of user_days are stored' : 'the days of user_days are not stored',
  ].join('\n')
}
