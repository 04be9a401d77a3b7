import Table from 'cli-table3'
import { Command, InvalidArgumentError } from 'commander'
import { loadConfig } from '../config/index.ts'
import type { Drift } from '../contract/drift.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connect } from '../db/connect/pool.ts'
import { isCurrent } from '../db/migrate/migrate.ts'
import { faultsOf } from '../status/faults.ts'
import { readState, type State } from '../status/read.ts'
import { askService, type Service } from '../status/service.ts'
import { ago, durationOf, percent } from '../status/units.ts'
import { vendors } from '../vendors/index.ts'

const HELP = `
Reads the database, and asks the running service what only it knows: whether it is ready, how full its queue
is, and whom it refused. The exit code is 1 where something is wrong, so that cron can call it:
  nightpost status --max-silence 24h
  nightpost status --max-silence asleep=36h --max-silence sahha/ScoreCreatedIntegrationEvent=48h --no-service
`

interface Options {
  maxSilence: Map<string, number>
  maxRejected: number
  service: string | boolean
}

export const statusCommand = new Command('status')
  .description('Say what arrived lately, what became of it, and what is wrong.')
  .option(
    '--max-silence <duration>',
    'longest time without a stored delivery, of every configured vendor or of [vendor[/event]=]: 90s, 15m, 24h, 7d; may be repeated',
    silence,
    new Map(),
  )
  .option(
    '--max-rejected <count>',
    'rejected deliveries of an event in the last hour that are no fault',
    count,
    0,
  )
  .option('--service <url>', 'address of the running service (default: this machine, PORT)')
  .option('--no-service', 'ask the database only')
  .addHelpText('after', HELP)
  .action(async (options: Options) => {
    const config = loadConfig()
    const url = typeof options.service === 'string' ? options.service : `http://127.0.0.1:${config.PORT}`
    const configured = vendors
      .filter((vendor) => vendor.authenticator(config.credentials))
      .map(({ name }) => name)
    const faults: string[] = []

    const service = await attempt(faults, `The service at ${url} does not answer`, async () =>
      options.service === false ? null : askService(url, config.METRICS_TOKEN),
    )
    const state = await attempt(faults, 'The database does not answer', () => stateOf(config, faults))
    if (state) print(state, service)
    const limits = { silence: options.maxSilence, rejected: options.maxRejected }
    faults.push(...(state ? faultsOf(state, service, configured, limits) : (service?.faults ?? [])))

    const verdict = faults.length === 0 ? ['All is well.'] : faults.map((fault) => `WRONG  ${fault}`)
    process.stdout.write(`\n${[...new Set(verdict)].join('\n')}\n`)
    if (faults.length > 0) process.exitCode = 1
  })

/** What the table says of each kind of drift. */
const DRIFT: Readonly<Record<Drift['kind'], string>> = {
  field: 'unknown field',
  value: 'unknown value',
  type: 'mistyped, so NULL',
  record: 'record without row',
  event: 'sent under the name',
}

async function attempt<T>(faults: string[], fault: string, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    faults.push(
      `${fault} (${(error as Error & { cause?: { code?: string } }).cause?.code ?? code ?? message}).`,
    )
    return null
  }
}

async function stateOf(config: Parameters<typeof openDatabase>[0], faults: string[]): Promise<State | null> {
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

function print(state: State, service: Service | null): void {
  const { now, recent, lastStored, problems, unverified, drift } = state
  const keys = new Set([...lastStored, ...recent].map(({ vendor, event }) => `${vendor} ${event}`))
  const rows = [...keys].sort().map((key) => {
    const is = (one: { vendor: string; event: string }) => `${one.vendor} ${one.event}` === key
    const at = lastStored.find(is)?.at
    const total = (outcome: string, span: 'hour' | 'day') =>
      recent.filter((one) => is(one) && one.outcome === outcome).reduce((sum, one) => sum + one[span], 0)
    const both = (outcome: string) => `${total(outcome, 'hour')} / ${total(outcome, 'day')}`
    const problem = problems.find(is)
    const common = problem
      ? `${problem.code}${problem.path ? ` ${problem.path}` : ''} (${problem.count})`
      : ''
    return [
      ...[...key.split(' '), at === undefined ? 'never' : `${ago(now - at)} ago`],
      ...[both('stored'), both('rejected'), both('unrecognised'), common],
    ]
  })
  const head = [
    'vendor',
    'event',
    'last stored',
    'stored h/d',
    'rejected h/d',
    'unrecognised h/d',
    'most common problem',
  ]
  write(head, rows, 'Nothing was stored yet.')
  if (drift.length > 0) {
    const seen = drift.map((one) => [
      one.vendor,
      one.event,
      DRIFT[one.kind],
      one.path,
      `${one.bodies} of ${one.of}`,
    ])
    write(['vendor', 'event', 'schema drift', 'path', 'latest bodies'], seen)
  }
  const quarantined = unverified.reduce((sum, one) => sum + one.count, 0)
  const lines = [
    `ledger      ${megabytes(state.ledgerBytes)} of ${megabytes(state.databaseBytes)} in the database`,
    `quarantine  ${quarantined} unverified, ${megabytes(unverified.reduce((sum, one) => sum + one.bytes, 0))}`,
  ]
  if (service)
    lines.push(`queue       ${service.queue.deliveries} deliveries, ${percent(service.queue.full)} full`)
  process.stdout.write(`${lines.join('\n')}\n`)
}

function write(head: string[], rows: string[][], empty = ''): void {
  if (rows.length === 0) return void process.stdout.write(`${empty}\n`)
  const drawn = new Table({ head, style: { head: [], border: [], compact: true } })
  drawn.push(...rows)
  process.stdout.write(`${drawn.toString()}\n`)
}

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`

function silence(text: string, all: Map<string, number>): Map<string, number> {
  const [, name = '', duration = ''] = /^(?:([^=]+)=)?(.*)$/.exec(text) ?? []
  const ms = durationOf(duration)
  if (ms === undefined) throw new InvalidArgumentError('Write 90s, 15m, 24h or 7d.')
  const known = vendors.flatMap((vendor) => [
    vendor.name,
    ...vendor.events.map((event) => `${vendor.name}/${event.name}`),
  ])
  if (name !== '' && !known.includes(name)) throw new InvalidArgumentError(`Known are ${known.join(', ')}.`)
  return new Map([...all, [name, ms]])
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number.')
  return Number(text)
}
