import { Command } from 'commander'
import { loadConfig, requireDatabaseUrl } from '../config/index.ts'
import { databaseOf } from '../db/connect/database.ts'
import { DATA_DIRECTORY } from '../db/connect/open.ts'
import { connect } from '../db/connect/pool.ts'
import { migrate } from '../db/migrate/migrate.ts'
import { startCluster } from '../embedded/index.ts'
import { isConfirmed } from './confirm.ts'

const HELP = `
Deletes every delivery and every row of the embedded database in .data/, and makes its tables again, empty. Generated
credentials, the port and the password of the database stay. Stop the service first.

Examples:
  nightpost reset              asks before it deletes
  nightpost reset --yes        for scripts

Exits with status 1 if nothing was deleted, and with 2 if DATABASE_URL is set, or if there is no terminal to ask on.
`

interface ResetOptions {
  yes?: boolean
  json?: boolean
}

export const resetCommand = new Command('reset')
  .description(
    'Empty the embedded development database, after asking. It touches no database of DATABASE_URL.',
  )
  .option('--yes', 'do not ask')
  .option('--json', 'print one JSON object: emptied, and the number of deliveries that were deleted')
  .addHelpText('after', HELP)
  .action(async ({ yes = false, json = false }: ResetOptions) => {
    const config = loadConfig()
    requireDatabaseUrl(config)
    if (config.DATABASE_URL)
      return refuse('DATABASE_URL: it is set, and reset empties only the embedded database. Unset it.')
    if (!yes && !process.stdin.isTTY)
      return refuse('There is no terminal to ask on. To delete without asking, add --yes.')

    const cluster = await startCluster(DATA_DIRECTORY)
    try {
      const database = databaseOf(config, cluster.url)
      const deliveries = await countDeliveries(database)
      const isWanted = yes || (await isConfirmed(question(deliveries)))
      const emptied = isWanted && (await cluster.empty())
      if (emptied) await migrate(database)
      if (json) process.stdout.write(`${JSON.stringify({ emptied, deliveries: emptied ? deliveries : 0 })}\n`)
      else if (emptied) process.stdout.write(`The database is empty. ${counted(deliveries)} deleted.\n`)
      if (emptied) return
      process.exitCode = 1
      process.stderr.write(
        isWanted
          ? 'Nothing was deleted: another Nightpost process uses the database. Stop it, and run the command again.\n'
          : 'Nothing was deleted.\n',
      )
    } finally {
      await cluster.release()
    }
  })

function refuse(reason: string): void {
  process.stderr.write(`${reason}\n`)
  process.exitCode = 2
}

/** 0 if the tables do not exist yet. */
async function countDeliveries(database: Parameters<typeof connect>[0]): Promise<number> {
  const client = await connect(database, { name: 'nightpost reset', use: 'read' })
  try {
    const { rows } = await client.query(`select to_regclass('deliveries') is not null as exist`)
    if (!rows[0].exist) return 0
    return (await client.query('select count(*)::int as count from deliveries')).rows[0].count
  } finally {
    await client.end()
  }
}

const question = (deliveries: number) =>
  `Delete ${counted(deliveries)} and all their rows from the embedded database in ${DATA_DIRECTORY}?`

const counted = (deliveries: number) => `${deliveries} ${deliveries === 1 ? 'delivery' : 'deliveries'}`
