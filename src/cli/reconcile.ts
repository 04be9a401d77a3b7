import { Command, InvalidArgumentError } from 'commander'
import { pino } from 'pino'
import { type Config, loadConfig, withKnownCredentials } from '../config/index.ts'
import type { Vendor } from '../contract/vendor.ts'
import { sendHint } from '../db/change-hint.ts'
import { databaseOf } from '../db/connect/database.ts'
import { readClock } from '../db/connect/database-clock.ts'
import { DATA_DIRECTORY, type Database, openDatabase } from '../db/connect/open.ts'
import { createPool } from '../db/connect/pool.ts'
import { isCurrent } from '../db/migrate/migrate.ts'
import { adaptingStore } from '../db/write/adapting-writer.ts'
import { Clock } from '../ingest/clock.ts'
import { logOptions } from '../ops/log.ts'
import { defaultCallLimits } from '../reconcile/limits.ts'
import { missingSettings, reconcile } from '../reconcile/reconcile.ts'
import type { ReconcileReport } from '../reconcile/report.ts'
import { vendors } from '../vendors/index.ts'
import { milliseconds, wholeNumber } from './arguments.ts'
import { interruption } from './interruption.ts'
import { printJson } from './output.ts'
import { progressOn } from './progress.ts'
import { reconcileJson, reconcileText } from './reconcile-text.ts'

const pulling = vendors.filter(({ pull }) => pull !== undefined)
const names = pulling.map(({ name }) => name)

const DAY = 86_400_000
const DEFAULT_DAYS = 7

const HELP = `
Every record that the vendor has is compared with its row. What is missing or newer is stored as a delivery with
source = 'pull', in the same way as what the vendor sends. What can't be recovered, and what a run costs: docs/reconcile.md.
It may be interrupted and repeated, and run while the service runs.

Examples:
  nightpost reconcile asleep --dry-run                    what is missing of the last ${DEFAULT_DAYS} days
  nightpost reconcile sahha --from 2026-01-01             everything since then
  nightpost reconcile asleep --user G-2025 --from 2024-01-01
                                                          the whole history of a new user
  nightpost reconcile asleep --quick                      without the nights that were only analysed again

Exits with status 1 if a record could not be compared or stored, if the run ended early, or with --dry-run if something is
missing.
`

interface CommandOptions {
  from?: number
  to?: number
  user?: string[]
  changed?: boolean
  quick?: boolean
  maxCalls?: number
  perMinute?: number
  dryRun?: boolean
  json?: boolean
}

export const reconcileCommand = new Command('reconcile')
  .description("Ask a vendor's own API for what should have come, and store what is missing or differs.")
  .argument('<vendor>', `one of ${names.join(', ')}`, vendorOf)
  .option(
    '--from <date>',
    `the period's first day, or an ISO 8601 time; default: ${DEFAULT_DAYS} days ago`,
    milliseconds,
  )
  .option('--to <date>', "the period's last day, or an ISO 8601 time; default: now", toTime)
  .option('--user <ids...>', 'only these users: owners, or ids that you gave the vendor', collect)
  .option('--changed', 'only users of whom the vendor received data after the last delivery (Sahha)')
  .option(
    '--quick',
    'do not fetch what a list shows to be unchanged: nights analysed again stay unseen (Asleep)',
  )
  .option('--max-calls <number>', 'end after so many requests; default: RECONCILE_MAX_CALLS', wholeNumber(1))
  .option('--per-minute <number>', 'requests per minute; default: RECONCILE_CALLS_PER_MINUTE', wholeNumber(1))
  .option('--dry-run', 'show what is missing; nothing is written')
  .option('--json', 'print the report as one JSON object')
  .addHelpText('after', HELP)
  .action(async (vendor: Vendor, options: CommandOptions) => {
    const config = withKnownCredentials(loadConfig(), DATA_DIRECTORY)
    const settings = { setting: config.pullSetting, credentials: config.credentials }
    const missing = missingSettings(vendor, settings)
    if (missing.length > 0)
      throw new Error(`${missing.join(', ')}: not set, so ${vendor.name} can't be asked.`)
    const database = await openDatabase(config)
    const { progress, stop } = progressOn(process.stderr)
    const interrupted = interruption()
    try {
      const report = await run(vendor, config, database, options, interrupted.signal, progress)
      stop()
      if (options.json) printJson(reconcileJson(report, options.dryRun === true))
      else process.stdout.write(reconcileText(report, options.dryRun === true))
      if (interrupted.signal.aborted)
        process.stderr.write('Interrupted. What was fetched is stored. Run the command again to continue.\n')
      process.exitCode = isWrong(report, options) ? 1 : 0
    } finally {
      stop()
      interrupted.end()
      await database.release()
    }
  })

async function run(
  vendor: Vendor,
  config: Config,
  database: Database,
  options: CommandOptions,
  signal: AbortSignal,
  progress: (done: number, total: number, what: string) => void,
): Promise<ReconcileReport> {
  const pool = createPool(databaseOf(config, database.url), pino(logOptions('warn'), pino.destination(2)))
  try {
    const client = await pool.connect()
    const isMigrated = await isCurrent(client).finally(() => client.release())
    if (!isMigrated) throw new Error('The database is not up to date: run nightpost migrate first.')
    const clock = new Clock()
    await readClock(pool, clock, 3)
    const to = options.to ?? clock.now()
    const from = options.from ?? Math.floor(to / DAY) * DAY - DEFAULT_DAYS * DAY
    if (from >= to) throw new Error('--from: the period ends before it begins.')
    const { user, changed = false, quick = false, dryRun = false } = options
    const report = await reconcile({
      ...{ vendor, pool, clock, signal, progress },
      store: adaptingStore(
        pool,
        vendors.flatMap(({ targets }) => targets),
      ),
      setting: config.pullSetting,
      credentials: config.credentials,
      period: { from, to },
      ...(user && { only: user }),
      ...{ onlyBehind: changed, isQuick: quick, isDryRun: dryRun },
      startedBy: 'command',
      limits: {
        ...defaultCallLimits,
        calls: options.maxCalls ?? config.RECONCILE_MAX_CALLS,
        perMinute: options.perMinute ?? config.RECONCILE_CALLS_PER_MINUTE,
      },
    })
    if (report.pulled > 0) {
      const hinting = await pool.connect()
      await sendHint(hinting).finally(() => hinting.release())
    }
    return report
  } finally {
    await pool.end()
  }
}

function isWrong(report: ReconcileReport, { dryRun = false }: CommandOptions): boolean {
  const isFound = report.count('missing') + report.count('differing') > 0
  return report.outcome !== 'complete' || (dryRun && isFound)
}

function vendorOf(name: string): Vendor {
  const vendor = pulling.find((one) => one.name === name)
  if (!vendor) throw new InvalidArgumentError(`Write one of ${names.join(', ')}.`)
  return vendor
}

const isDate = (text: string) => /^\d{4}-\d\d-\d\d$/.test(text)

/** A day is asked about to its end. */
function toTime(text: string): number {
  return milliseconds(text) + (isDate(text) ? DAY : 0)
}

function collect(text: string, before: string[] = []): string[] {
  return [...before, text]
}
