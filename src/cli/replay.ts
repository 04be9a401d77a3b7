import Table from 'cli-table3'
import { Command, InvalidArgumentError, Option } from 'commander'
import { pino } from 'pino'
import { loadConfig } from '../config/index.ts'
import { isInstant } from '../contract/instant.ts'
import { openDatabase } from '../db/connect/open.ts'
import { logOptions } from '../ops/log.ts'
import { replay } from '../replay/replay.ts'
import type { Summary } from '../replay/summary.ts'
import { vendors } from '../vendors/index.ts'
import { progressOn } from './progress.ts'

const NOT_STORED = ['rejected', 'unrecognised']
const OUTCOMES = [...NOT_STORED, 'stored', 'partly_stored', 'unverified']

const HELP = `
A delivery keeps its id and the time of its first arrival, so a replay never overwrites anything newer, and
may be interrupted and repeated. It may run beside the service.

Examples:
  nightpost replay --dry-run                    what would become of all that was not stored
  nightpost replay --event MysteryEvent         after an update that knows the event
  nightpost replay --outcome unverified         after a wrong secret was corrected: what
                                                QUARANTINE_UNVERIFIED_MAX_BYTES kept, and is authentic
  nightpost replay --all                        after an update that reads bodies in another way

The exit code is 1 where a delivery is still rejected, could not be written, or was not reached.
`

interface Options {
  outcome: string[]
  vendor?: string
  event?: string
  user?: string
  since?: string
  until?: string
  delivery?: string[]
  all?: boolean
  dryRun?: boolean
}

export const replayCommand = new Command('replay')
  .description(
    'Judge kept deliveries again, with the normalisers and credentials of today, and store what fits now.',
  )
  .addOption(
    new Option('--outcome <list>', `what became of them: ${OUTCOMES.join(', ')}`)
      .argParser(outcomes)
      .default(NOT_STORED, 'rejected,unrecognised; with --delivery any'),
  )
  .addOption(new Option('--vendor <name>', 'of one vendor').choices(vendors.map(({ name }) => name)))
  .option('--event <name>', 'of one event, as the vendor writes it, for example SESSION_COMPLETE')
  .option('--user <id>', 'of one user: as the header named it, or the owner of the data')
  .option('--since <time>', 'that first arrived at this time or later, ISO 8601', time)
  .option('--until <time>', 'that first arrived before this time, ISO 8601', time)
  .option('--delivery <ids...>', 'with these ids (deliveries.delivery_id)', ids)
  .addOption(
    new Option(
      '--all',
      'every delivery (of one --vendor), and then every row made anew from the ledger, owner by owner',
    ).conflicts(['outcome', 'event', 'user', 'since', 'until', 'delivery']),
  )
  .option('--dry-run', 'say what would come of it; nothing is written or locked')
  .addHelpText('after', HELP)
  .action(async (options: Options) => {
    const config = loadConfig()
    const database = await openDatabase(config)
    const { progress, stop } = progressOn(process.stderr)
    const interruption = new AbortController()
    process.once('SIGINT', () => interruption.abort())
    process.once('SIGTERM', () => interruption.abort())
    try {
      const { outcome, vendor, event, user, since, until, delivery, all = false, dryRun = false } = options
      const summary = await replay({
        databaseUrl: database.url,
        vendors,
        config,
        log: pino(logOptions('warn'), pino.destination(2)),
        filter: {
          outcomes: delivery && outcome === NOT_STORED ? [...NOT_STORED, 'stored'] : outcome,
          ...(vendor && { vendor }),
          ...(event && { event }),
          ...(user && { user }),
          ...(since && { since }),
          ...(until && { until }),
          ...(delivery && { deliveries: delivery }),
        },
        all,
        dryRun,
        signal: interruption.signal,
        progress,
      })
      stop()
      process.stdout.write(printed(summary, dryRun))
      if (interruption.signal.aborted) process.stderr.write('Interrupted. Run it again to do the rest.\n')
      process.exitCode = summary.failed > 0 || interruption.signal.aborted ? 1 : 0
    } finally {
      stop()
      await database.release()
    }
  })

function printed({ deliveries, transitions, problems, changedRows }: Summary, dryRun: boolean): string {
  const table = new Table({ head: ['outcome', 'deliveries'], style: { head: [], border: [], compact: true } })
  for (const [transition, count] of [...transitions].sort()) table.push([transition, count])
  const lines = [deliveries > 0 ? table.toString() : 'No delivery fits.']
  for (const [code, count] of problems) {
    lines.push(code === 'partly_stored' ? `${count} partly stored` : `${count} rejected with ${code}`)
  }
  if (changedRows !== null) lines.push(`${changedRows} rows changed`)
  if (dryRun) lines.push('Nothing was written: this was a dry run.')
  return `${lines.join('\n')}\n`
}

function outcomes(text: string): string[] {
  const given = text.split(',').map((name) => name.trim())
  const unknown = given.filter((name) => !OUTCOMES.includes(name))
  if (unknown.length > 0) throw new InvalidArgumentError(`It may hold ${OUTCOMES.join(', ')}.`)
  return given
}

function time(text: string): string {
  if (!isInstant(text)) throw new InvalidArgumentError('It is no ISO 8601 time.')
  return text
}

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

function ids(text: string, before: string[] = []): string[] {
  if (!uuid.test(text)) throw new InvalidArgumentError('A delivery id is a UUID.')
  return [...before, text]
}
