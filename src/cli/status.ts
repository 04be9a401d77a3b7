import { Command, InvalidArgumentError } from 'commander'
import { type Config, loadConfig, requireDatabaseUrl } from '../config/index.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connect } from '../db/connect/pool.ts'
import { isCurrent } from '../db/migrate/migrate.ts'
import { faultsOf, vendorsHeard } from '../status/faults.ts'
import { type DatabaseReport, readState } from '../status/read.ts'
import { askService } from '../status/service.ts'
import { durationOf } from '../status/units.ts'
import { vendors } from '../vendors/index.ts'
import { wholeNumber } from './arguments.ts'
import { statusText } from './status-text.ts'

const HELP = `
Reads the database, and asks the running service (GET /status) whether it is ready, how full its queue is, which
requests it refused, and which steps of an upgrade are pending. Exits with status 1 if something is wrong, for use
from cron.

Examples:
  nightpost status --max-silence 24h
  nightpost status --max-silence asleep=36h --max-silence sahha/ScoreCreatedIntegrationEvent=48h --no-service
`

interface StatusOptions {
  maxSilence: Map<string, number>
  maxRejected: number
  service: string | boolean
  json?: boolean
}

export const statusCommand = new Command('status')
  .description('Show which deliveries arrived recently, what became of them, and what is wrong.')
  .option(
    '--max-silence <duration>',
    'longest time without a stored delivery, of every configured vendor (without a visible credential: every vendor that was ever heard) or of [vendor[/event]=]: 90s, 15m, 24h, 7d; may be repeated',
    silenceThreshold,
    new Map(),
  )
  .option(
    '--max-rejected <count>',
    'rejected deliveries of an event in the last hour that are not yet a fault',
    wholeNumber(0),
    0,
  )
  .option('--service <url>', 'address of the running service (default: this machine, PORT)')
  .option('--no-service', 'read only the database')
  .option('--json', 'print one JSON object: faults, database, service; times are milliseconds of Unix time')
  .addHelpText('after', HELP)
  .action(async (options: StatusOptions) => {
    const config = loadConfig()
    requireDatabaseUrl(config)
    const url = typeof options.service === 'string' ? options.service : `http://127.0.0.1:${config.PORT}`
    const unreachable: string[] = []
    const service = await valueOrFault(unreachable, `The service at ${url} does not answer`, async () =>
      options.service === false ? null : askService(url, config.METRICS_TOKEN),
    )
    const database = await valueOrFault(unreachable, 'The database does not answer', () =>
      readDatabase(config, unreachable),
    )
    const configured = vendors
      .filter((vendor) => vendor.authenticator(config.credentials))
      .map(({ name }) => name)
    const expected = configured.length > 0 || !database ? configured : vendorsHeard(database)
    const thresholds = { silence: options.maxSilence, rejected: options.maxRejected }
    const found = database ? faultsOf(database, service, expected, thresholds) : (service?.faults ?? [])
    const faults = [...new Set([...unreachable, ...found])]

    process.stdout.write(
      options.json
        ? `${JSON.stringify({ faults, database, service }, null, 2)}\n`
        : statusText(faults, database, service),
    )
    if (faults.length > 0) process.exitCode = 1
  })

/** What `work` returns. If it throws, null, and `faults` gets one more sentence. */
async function valueOrFault<T>(faults: string[], fault: string, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    const { code, message, cause } = error as NodeJS.ErrnoException & { cause?: { code?: string } }
    faults.push(`${fault} (${cause?.code ?? code ?? message}).`)
    return null
  }
}

/** null, with one more of `faults`, if the database is not migrated. */
async function readDatabase(config: Config, faults: string[]): Promise<DatabaseReport | null> {
  const database = await openDatabase(config)
  try {
    const client = await connect(database, {
      name: 'nightpost status',
      use: 'read',
      statementTimeout: 60_000,
    })
    try {
      if (await isCurrent(client)) return await readState(client, vendors)
      faults.push('The database lacks a migration.')
      return null
    } finally {
      await client.end()
    }
  } finally {
    await database.release()
  }
}

function silenceThreshold(text: string, before: Map<string, number>): Map<string, number> {
  const [, name = '', duration = ''] = /^(?:([^=]+)=)?(.*)$/.exec(text) ?? []
  const ms = durationOf(duration)
  if (ms === undefined) throw new InvalidArgumentError('Write 90s, 15m, 24h or 7d.')
  const known = vendors.flatMap((vendor) => [
    vendor.name,
    ...vendor.events.map((event) => `${vendor.name}/${event.name}`),
  ])
  if (name !== '' && !known.includes(name))
    throw new InvalidArgumentError(`Write one of ${known.join(', ')}.`)
  return new Map([...before, [name, ms]])
}
