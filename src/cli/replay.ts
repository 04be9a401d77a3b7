import Table from 'cli-table3'
import { Command, InvalidArgumentError, Option } from 'commander'
import { pino } from 'pino'
import { type Config, credentialNames, loadConfig, withKnownCredentials } from '../config/index.ts'
import { DATA_DIRECTORY, openDatabase } from '../db/connect/open.ts'
import { logOptions } from '../ops/log.ts'
import type { Filter } from '../replay/ledger-reader.ts'
import { replay } from '../replay/replay.ts'
import type { ReplayReport } from '../replay/report.ts'
import { vendors } from '../vendors/index.ts'
import { time } from './arguments.ts'
import { interruption } from './interruption.ts'
import { printJson } from './output.ts'
import { progressOn } from './progress.ts'

const NOT_STORED = ['rejected', 'unrecognised']
const OUTCOMES = [...NOT_STORED, 'stored', 'partly_stored', 'unverified']

const HELP = `
A delivery keeps its id and the time of its first arrival, so a replay never overwrites newer data. It may be
interrupted, repeated, and run while the service runs.

Examples:
  nightpost replay --dry-run                    show what a replay of all that was not stored would do
  nightpost replay --event MysteryEvent         after an update that knows the event
  nightpost replay --outcome unverified         after a wrong secret was corrected: store the authentic
                                                deliveries of QUARANTINE_UNVERIFIED_MAX_BYTES
  nightpost replay --all                        after an update that reads bodies differently
  nightpost replay --from /backup/nightpost     the deliveries of an archive, also those that the ledger has no more

Exits with status 1 if a delivery is still rejected, was not committed, or was not reached.
`

interface CommandOptions {
  outcome: string[]
  vendor?: string
  event?: string
  user?: string
  since?: string
  until?: string
  delivery?: string[]
  from?: string
  all?: boolean
  dryRun?: boolean
  json?: boolean
}

export const replayCommand = new Command('replay')
  .description(
    "Re-process deliveries with today's normalisers and credentials, and store those that are valid now.",
  )
  .addOption(
    new Option('--outcome <list>', `deliveries with these outcomes: ${OUTCOMES.join(', ')}`)
      .argParser(outcomes)
      .default(NOT_STORED, 'rejected,unrecognised; with --delivery any'),
  )
  .addOption(
    new Option('--vendor <name>', 'deliveries of one vendor').choices(vendors.map(({ name }) => name)),
  )
  .option('--event <name>', 'deliveries of one event, as the vendor writes it, such as SESSION_COMPLETE')
  .option('--user <id>', 'deliveries of one user: as the header names it, or the owner of the data')
  .option('--since <time>', 'deliveries that first arrived at this time or later, ISO 8601', time)
  .option('--until <time>', 'deliveries that first arrived before this time, ISO 8601', time)
  .option('--delivery <ids...>', 'deliveries with these ids (deliveries.delivery_id)', ids)
  .addOption(
    new Option(
      '--all',
      'every delivery (of one --vendor), and then every row made again from the ledger, owner by owner',
    ).conflicts(['outcome', 'event', 'user', 'since', 'until', 'delivery']),
  )
  .option(
    '--from <directory>',
    'the deliveries of an archive, of every outcome unless --outcome is given; with --all, rows are made from the ledger and the archive together',
  )
  .option('--dry-run', 'show what a replay would do; nothing is written or locked')
  .option('--json', 'print the report as one JSON object')
  .addHelpText('after', HELP)
  .action(async (options: CommandOptions) => {
    const { all = false, dryRun = false, json = false, from } = options
    if (from !== undefined && options.outcome.includes('unverified'))
      replayCommand.error(
        'error: an archive has no unverified deliveries: leave --from or --outcome unverified out',
      )
    const config = withKnownCredentials(loadConfig(), DATA_DIRECTORY)
    requireCredentials(config, options)
    const database = await openDatabase(config)
    const { progress, stop } = progressOn(process.stderr)
    const interrupted = interruption()
    try {
      const report = await replay({
        databaseUrl: database.url,
        vendors,
        config,
        log: pino(logOptions('warn'), pino.destination(2)),
        filter: filterOf(options),
        ...(from !== undefined && { from }),
        all,
        dryRun,
        signal: interrupted.signal,
        progress,
      })
      stop()
      if (json) printJson(reportJson(report, dryRun, interrupted.signal.aborted))
      else process.stdout.write(reportText(report, dryRun))
      if (interrupted.signal.aborted)
        process.stderr.write('Interrupted. Run the command again to continue.\n')
      process.exitCode = report.failed > 0 || interrupted.signal.aborted ? 1 : 0
    } finally {
      stop()
      interrupted.end()
      await database.release()
    }
  })

/** Without a credential no delivery of the quarantine can be proven, and all would be reported as not authentic. */
function requireCredentials(config: Config, { outcome }: CommandOptions): void {
  if (!outcome.includes('unverified')) return
  if (vendors.some((vendor) => vendor.authenticator(config.credentials))) return
  throw new Error(
    `${credentialNames.join(', ')}: none is set here, so nothing in the quarantine can be proven. Set what the service has.`,
  )
}

function filterOf({ outcome, vendor, event, user, since, until, delivery, from }: CommandOptions): Filter {
  const isAny = outcome === NOT_STORED && (delivery !== undefined || from !== undefined)
  return {
    outcomes: isAny ? [...NOT_STORED, 'stored'] : outcome,
    ...(vendor && { vendor }),
    ...(event && { event }),
    ...(user && { user }),
    ...(since && { since }),
    ...(until && { until }),
    ...(delivery && { deliveries: delivery }),
  }
}

function reportText(
  { deliveries, transitions, problems, changedRows }: ReplayReport,
  dryRun: boolean,
): string {
  const table = new Table({ head: ['outcome', 'deliveries'], style: { head: [], border: [], compact: true } })
  for (const [transition, count] of [...transitions].sort()) table.push([transition, count])
  const lines = [deliveries > 0 ? table.toString() : 'No delivery matches.']
  for (const [code, count] of problems) {
    lines.push(code === 'partly_stored' ? `${count} partly stored` : `${count} rejected with ${code}`)
  }
  if (changedRows !== null) lines.push(`${changedRows} rows changed`)
  if (dryRun) lines.push('Dry run: nothing was written.')
  return `${lines.join('\n')}\n`
}

function reportJson(report: ReplayReport, dryRun: boolean, interrupted: boolean): object {
  const { deliveries, failed, transitions, problems, changedRows } = report
  return {
    ...{ deliveries, failed, changedRows, dryRun, interrupted },
    transitions: [...transitions].sort().map(([transition, count]) => {
      const [from, to] = transition.split(' → ')
      return { from, to, count }
    }),
    problems: Object.fromEntries(problems),
  }
}

function outcomes(text: string): string[] {
  const given = text.split(',').map((name) => name.trim())
  const unknown = given.filter((name) => !OUTCOMES.includes(name))
  if (unknown.length > 0) throw new InvalidArgumentError(`Write some of ${OUTCOMES.join(', ')}.`)
  return given
}

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

function ids(text: string, before: string[] = []): string[] {
  if (!uuid.test(text)) throw new InvalidArgumentError('Write the UUID of a delivery.')
  return [...before, text]
}
