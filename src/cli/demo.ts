import closeWithGrace from 'close-with-grace'
import { Command } from 'commander'
import { loadConfig, withCredentials } from '../config/index.ts'
import type { DatabaseSettings } from '../db/connect/database.ts'
import { DATA_DIRECTORY, openDatabase } from '../db/connect/open.ts'
import { createLog } from '../ops/log.ts'
import { startService } from '../service.ts'
import { addDays } from '../tools/simulate/local-time.ts'
import { createUser } from '../tools/simulate/user.ts'
import { wholeNumber } from './arguments.ts'
import { readHypnogramFrom, terminalDrawing } from './hypnogram.ts'
import { invocation } from './invocation.ts'
import { printJson } from './output.ts'
import { simulate } from './simulate.ts'
import { jsonRows, printed } from './sql.ts'

/** The options of the simulated traffic that the user can't choose. */
const TRAFFIC = {
  seed: 'demo',
  until: '2025-11-03',
  duplicates: 0.03,
  invalid: 0.01,
  shuffle: false,
}

const HELP = `
It runs in the directory .data, and not where DATABASE_URL is set.

Examples:
  nightpost demo
  nightpost demo --users 1 --nights 3 --json
`

export const demoCommand = new Command('demo')
  .description(
    'Start the service on the embedded Postgres, send it two simulated weeks of three users, and show the data.',
  )
  .option('--users <n>', 'number of users', wholeNumber(1, 999_999), 3)
  .option('--nights <n>', 'nights of each user', wholeNumber(1, 999_999), 14)
  .option('--json', 'print one JSON object: what was answered, and the last week of the first user')
  .addHelpText('after', HELP)
  .action(async ({ json = false, ...size }: { users: number; nights: number; json?: boolean }) => {
    // The demo is for development wherever it runs.
    const loaded = { ...loadConfig(), NODE_ENV: 'development' as const }
    if (loaded.DATABASE_URL) {
      throw new Error(
        'The demo stores simulated users, so it runs only on the embedded Postgres. To run it, unset DATABASE_URL.',
      )
    }
    const { config } = withCredentials(loaded, DATA_DIRECTORY)
    const database = await openDatabase(config)
    let close = () => database.release()
    const grace = closeWithGrace({ delay: 10_000 }, () => close())
    try {
      const { app } = await startService(config, database.url, createLog('error'))
      close = async () => {
        await app.close()
        await database.release()
      }
      const address = await app.listen({ host: '127.0.0.1', port: 0 })
      const intro = `\n${size.nights} nights of ${size.users} simulated users, sent as Asleep and Sahha send them:\n\n`
      if (!json) process.stdout.write(intro)
      const { summary, seconds } = await simulate({ ...TRAFFIC, ...size }, address, config)
      if (!summary.isAsExpected) process.exitCode = 1
      const userId = createUser(TRAFFIC.seed, 0, addDays(TRAFFIC.until, 1 - size.nights)).id
      if (json) {
        printJson({
          ...summary.toJson(seconds),
          userId,
          lastWeek: await jsonRows(database, lastWeek(userId)),
        })
      } else {
        process.stdout.write(summary.toText(seconds))
        await showUser(database, userId)
      }
    } finally {
      grace.uninstall()
      await close()
    }
  })

async function showUser(database: DatabaseSettings, userId: string): Promise<void> {
  const hypnogram = await readHypnogramFrom(database, { userId })
  if (hypnogram) process.stdout.write(`\n${terminalDrawing(hypnogram)}`)
  process.stdout.write(
    `\nThe last week of that user, in local time:\n\n${await printed(database, lastWeek(userId))}${nextSteps(invocation())}`,
  )
}

const lastWeek = (userId: string) => `
  select sleep_date, to_char(local_bed_time, 'HH24:MI') as to_bed, to_char(local_end_time, 'HH24:MI') as up,
    round(asleep_minutes / 60, 1) as hours_asleep, round(deep_minutes) as deep, round(rem_minutes) as rem,
    round(waso_minutes) as waso, round(100 * sleep_efficiency) as efficiency
  from sleep_nights where user_id = '${userId}' and sleep_date > date '${TRAFFIC.until}' - 7 order by sleep_date`

const nextSteps = (call: string) => `
The data are in the embedded database now. Try next:

  ${call} sql "select * from sleep_nights order by sleep_date desc limit 3"
  ${call} sql "select * from latest_scores"
  ${call} hypnogram --svg night.svg
  ${call} start, and in another terminal:
  ${call} simulate --seed 2 --shuffle --duplicates 0.1 --invalid 0.05

More queries are in docs/sql-cookbook.md. docs/data-dictionary.md describes every column.
`
