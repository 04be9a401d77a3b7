import { Command, Option } from 'commander'
import type pg from 'pg'
import { loadConfig } from '../config/index.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connect } from '../db/connect/pool.ts'
import { FORMATS, type FormatName } from '../export/formats.ts'
import { exportPerson } from '../export/person/person.ts'
import { DAY_COLUMNS, WrongFilter } from '../export/select.ts'
import { type Exported, exportView } from '../export/view.ts'
import { vendors } from '../vendors/index.ts'
import { date } from './arguments.ts'
import { personText, viewText } from './export-text.ts'
import { interruption } from './interruption.ts'
import { outputClosed, print, printJson } from './output.ts'
import { countOn } from './progress.ts'

const HELP = `
A view is any table or view that nightpost_reader may read; nightpost sql
--describe lists them. The rows are written while they arrive, so a result may
be of any size, and all of them are of one moment. docs/operations.md,
"Export", says how each format writes each type.

--person writes everything that is held about a person into a new folder: the
rows of every table, the deliveries, their exact bodies, and a README.txt.

Examples:
  nightpost export sleep_nights > nights.csv
  nightpost export biomarkers --format parquet --out biomarkers.parquet
  nightpost export sleep_nights --owner G-20250101 --format ndjson | jq .asleep_minutes
  nightpost export data_logs --from 2026-10-01 --to 2026-10-31 --format parquet --partition day --out lake/data_logs
  nightpost export fhir_observations --format ndjson --column resource --out Observation.ndjson
  nightpost export --person --vendor asleep --owner G-20250101 --out answer
  nightpost export --person --vendor sahha --external-id user-17 --out answer

Exits with status 1 if nothing is held about the person, or if the run was
interrupted.
`

interface Options {
  format: FormatName
  owner?: string
  from?: string
  to?: string
  by?: string
  out?: string
  partition?: 'day'
  column?: string
  person?: boolean
  vendor?: string
  externalId?: string
  json?: boolean
}

const ofView = ['from', 'to', 'by', 'partition', 'column'] as const

export const exportCommand = new Command('export')
  .description(
    'Write a table or view as CSV, NDJSON or Parquet, or everything that is held about a person into a folder.',
  )
  .argument('[view]', 'a table or view, such as sleep_nights')
  .addOption(new Option('--format <name>', 'the format of the file').choices(FORMATS).default('csv'))
  .option('--owner <id>', 'rows of one person: user_id, profile_id, owner or person_id')
  .option('--from <date>', 'rows of this day and later, YYYY-MM-DD', date)
  .option('--to <date>', 'rows of this day and earlier, YYYY-MM-DD', date)
  .option(
    '--by <column>',
    `the column that --from, --to and --partition are about; by default the first that is there of ${DAY_COLUMNS.join(', ')}. The day of an instant is its UTC day`,
  )
  .option('--column <name>', 'with --format ndjson: each line is the value of this column')
  .option('--out <path>', 'a file, which is replaced, or a directory; - is standard output, the default')
  .addOption(
    new Option('--partition <unit>', 'a file DIR/day=YYYY-MM-DD/part.FORMAT for each day').choices(['day']),
  )
  .option('--person', 'everything that is held about one person, into the empty or new directory --out')
  .addOption(
    new Option('--vendor <name>', 'with --person: the vendor').choices(vendors.map(({ name }) => name)),
  )
  .option('--external-id <id>', 'with --person: your own id of the person; each profile gets a folder')
  .option('--json', 'print rows, files, bytes and SHA-256 as one JSON object, to stderr if data is on stdout')
  .addHelpText('after', HELP)
  .action(async (view: string | undefined, options: Options, command: Command) => {
    const wrong = options.person ? wrongForPerson(view, options) : wrongForView(view, options)
    if (wrong !== null) return command.error(`error: ${wrong}`)
    const config = loadConfig()
    const database = await openDatabase(config)
    const interrupted = interruption()
    try {
      const client = await connect(database, { name: 'nightpost export', use: 'read' })
      try {
        if (options.person) await runPerson(client, options, config.BODY_LIMIT_BYTES, interrupted.signal)
        else await runView(client, view ?? '', options, interrupted.signal)
      } finally {
        await client.end()
      }
    } catch (error) {
      if (error instanceof WrongFilter) return command.error(`error: ${error.message}`)
      // A reader of standard output that goes away is no error.
      if (outputClosed.aborted) return
      if (!interrupted.signal.aborted) throw error
      process.stderr.write('Interrupted. Files that are not complete were removed.\n')
      process.exitCode = 1
    } finally {
      interrupted.end()
      await database.release()
    }
  })

async function runView(client: pg.ClientBase, view: string, options: Options, interrupted: AbortSignal) {
  const { format, out, partition, column, json = false, ...filter } = options
  const isPiped = out === undefined || out === '-'
  const { count, stop } = countOn(process.stderr)
  let done: Exported
  try {
    done = await exportView(client, {
      ...{ view, format, filter, column, out: isPiped ? null : out, byDay: partition === 'day' },
      stdout: print,
      signal: isPiped ? AbortSignal.any([interrupted, outputClosed]) : interrupted,
      onProgress: count,
    })
  } finally {
    stop()
  }
  if (json) printJson(done, isPiped ? process.stderr : process.stdout)
  else if (!isPiped) await print(viewText(done))
}

async function runPerson(
  client: pg.ClientBase,
  { vendor: name, owner, externalId, out = '', json = false }: Options,
  bodyLimit: number,
  signal: AbortSignal,
): Promise<void> {
  const vendor = vendors.find((one) => one.name === name)
  if (!vendor) return
  const who = owner === undefined ? { externalId: externalId ?? '' } : { owner }
  const { count, stop } = countOn(process.stderr)
  const done = await exportPerson(client, {
    ...{ vendor, directory: out, bodyLimit, signal },
    who,
    onProgress: count,
  }).finally(stop)
  if (json) printJson(done)
  else await print(personText(done))
  if (done.folders.length === 0) process.exitCode = 1
}

function wrongForView(view: string | undefined, options: Options): string | null {
  const { out, partition, format, column, vendor, externalId } = options
  if (view === undefined) return 'name a view, such as sleep_nights, or give --person'
  if (vendor !== undefined || externalId !== undefined) return '--vendor and --external-id need --person'
  const isPiped = out === undefined || out === '-'
  if (column !== undefined && format !== 'ndjson') return '--column needs --format ndjson'
  if (partition !== undefined && isPiped) return '--partition needs a directory: give --out'
  if (format === 'parquet' && isPiped && process.stdout.isTTY)
    return 'a terminal shows no Parquet: give --out or a pipe'
  return null
}

function wrongForPerson(view: string | undefined, options: Options): string | null {
  const { vendor, owner, externalId, out } = options
  if (view !== undefined) return 'give a view or --person, not both'
  const given = ofView.find((name) => options[name] !== undefined)
  if (given !== undefined) return `--person takes no --${given}`
  if (vendor === undefined || out === undefined || out === '-')
    return '--person needs --vendor and --out DIRECTORY'
  if ((owner === undefined) === (externalId === undefined)) return '--person needs --owner or --external-id'
  if ((owner ?? externalId) === '') return 'the id is empty'
  return null
}
