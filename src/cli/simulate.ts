import { SingleBar } from 'cli-progress'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Config, loadConfig, withCredentials, withKnownCredentials } from '../config/index.ts'
import { DATA_DIRECTORY } from '../db/connect/open.ts'
import type { Credentials } from '../tools/simulate/request-headers.ts'
import { httpPost, send } from '../tools/simulate/send.ts'
import { SendSummary } from '../tools/simulate/send-summary.ts'
import { faultsIn } from '../tools/simulate/serve/fault-text.ts'
import type { Faults } from '../tools/simulate/serve/faults.ts'
import { SIMULATED_EVENTS, type SimulatedDelivery } from '../tools/simulate/simulated-delivery.ts'
import { simulateLossyTraffic, type TrafficOptions } from '../tools/simulate/traffic.ts'
import { date, wholeNumber } from './arguments.ts'
import { print, printJson } from './output.ts'
import {
  callsText,
  DEFAULT_SERVE_PORT,
  interrupted,
  serveVendors,
  settingsOf,
  settingsText,
} from './simulate-serve.ts'

const HELP = `
Faults: 500, slow, reset, malformed, rate, 204 and partial-pages are shares of
the requests (500=0.05); quota-after, plan-after and expire-token are numbers of
requests (quota-after=1000); slow-ms is the delay of a slow answer; with
brief-averages, average-stats lists ids and start times only.

Examples:
  nightpost simulate                            two weeks of three users
  nightpost simulate --seed 2 --shuffle --duplicates 0.1 --invalid 0.05
  nightpost simulate --users 100 --nights 30 --rate 50 --url https://staging.example.org
  nightpost simulate --drop 0.05 --reanalysed 0.02 --serve
  nightpost simulate --serve 3003 --no-send --faults 500=0.05,rate=0.02,reset=0.01
`

interface Options extends TrafficOptions {
  readonly url?: string
  readonly rate: number
  readonly json?: boolean
  readonly serve?: number | true
  /** Commander's name for `--no-send`. */
  readonly send: boolean
  readonly faults?: Faults
}

export const simulateCommand = new Command('simulate')
  .description(
    'Send Nightpost what Asleep and Sahha would send about simulated users, and with --serve answer as their own APIs. The same options send the same bytes, so a second run stores nothing new. Exits with status 1 if any answer is unexpected.',
  )
  .option('--url <url>', 'URL of the Nightpost to send to (default: http://127.0.0.1:PORT)')
  .option('--seed <text>', 'seed of the pseudo-random numbers', '1')
  .option('--users <n>', 'number of users', wholeNumber(1, 999_999), 3)
  .option('--nights <n>', 'nights of each user', wholeNumber(1, 999_999), 14)
  .option(
    '--until <date>',
    'date on which the last night ends; around the default, daylight saving time ends',
    date,
    '2025-11-03',
  )
  .option('--duplicates <share>', 'share of the deliveries that are sent twice, 0 to 1', share, 0)
  .option('--invalid <share>', 'faulty deliveries per valid one, 0 to 1', share, 0)
  .option('--drop <share>', 'share of the deliveries that are withheld, 0 to 1', share, 0)
  .option('--reanalysed <share>', 'share of the sessions that Asleep analyses once more, 0 to 1', share, 0)
  .option('--send-reanalysed', 'send these analyses, too', false)
  .option('--final-only', 'of each score and biomarker, send only the final value', false)
  .addOption(new Option('--without <event...>', 'events that are not sent').choices(SIMULATED_EVENTS))
  .addOption(
    new Option('--callback-version <version>', 'version of every Asleep callback').choices([
      'V1',
      'V2',
      'V3',
    ]),
  )
  .option('--shuffle', "send each user's deliveries in random order", false)
  .option(
    '--rate <n>',
    'most deliveries a second (default: no limit)',
    positiveNumber,
    Number.POSITIVE_INFINITY,
  )
  .option(
    '--serve [port]',
    `answer as both vendors' APIs about the same users, on this machine, until interrupted (default port: ${DEFAULT_SERVE_PORT})`,
    wholeNumber(0, 65_535),
  )
  .option('--no-send', 'with --serve: send nothing')
  .option('--faults <list>', 'with --serve: what the vendors do wrong, separated by commas', faults)
  .option('--json', 'print one JSON object: the summary, and with --serve the settings for the APIs')
  .addHelpText('after', HELP)
  .action(async (options: Options) => {
    const { serve, json = false, send: isSending } = options
    if (serve === undefined && (!isSending || options.faults))
      return simulateCommand.error('error: --no-send and --faults go with --serve')
    const config = isSending
      ? withCredentials(loadConfig(), DATA_DIRECTORY).config
      : withKnownCredentials(loadConfig(), DATA_DIRECTORY)
    const servePort = serve === true ? DEFAULT_SERVE_PORT : serve
    const keys = config.credentials('ASLEEP_API_KEYS')
    const vendors =
      servePort === undefined ? null : await serveVendors(options, keys, servePort, options.faults)
    const end = vendors && interrupted()
    try {
      if (vendors && !json) await print(settingsText(vendors))
      const sent = isSending
        ? await simulate(options, options.url ?? `http://127.0.0.1:${config.PORT}`, config, options.rate)
        : null
      if (json)
        printJson({
          ...sent?.summary.toJson(sent.seconds),
          ...(vendors && { settings: settingsOf(vendors) }),
        })
      else if (sent) await print(sent.summary.toText(sent.seconds))
      if (sent?.summary.isAsExpected === false) process.exitCode = 1
      await end
      if (vendors && !json) await print(callsText(vendors))
    } finally {
      await vendors?.close()
    }
  })

/** Sends the traffic. Returns what was answered, and how long it took, in seconds. */
export async function simulate(
  options: TrafficOptions,
  url: string,
  config: Config,
  rate = Number.POSITIVE_INFINITY,
): Promise<{ summary: SendSummary; seconds: number }> {
  const credentials = credentialsOf(config)
  const traffic = simulateLossyTraffic(options)
  const sequences = traffic.sequences.filter(([first]) => first && hasCredential(first, credentials))
  const total = sequences.reduce((sum, sequence) => sum + sequence.length, 0)
  if (total === 0)
    throw new Error('There is nothing to send, because no credential is configured for any vendor.')
  await requireRunningService(url)

  const summary = new SendSummary()
  for (const delivery of traffic.withheld)
    if (hasCredential(delivery, credentials)) summary.withhold(delivery)
  const bar = new SingleBar({
    format: '{bar} {value}/{total} deliveries, {eta_formatted} left',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
  })
  const started = performance.now()
  bar.start(total, 0)
  try {
    await send(sequences, httpPost(url), credentials, rate, (sent) => {
      summary.add(sent)
      bar.increment()
    })
  } finally {
    bar.stop()
  }
  return { summary, seconds: (performance.now() - started) / 1000 }
}

function credentialsOf(config: Config): Credentials {
  return {
    asleepKey: config.credentials('ASLEEP_API_KEYS')[0],
    sahhaSecret: config.credentials('SAHHA_WEBHOOK_SECRETS')[0],
    sahhaKey: config.credentials('SAHHA_API_KEYS')[0],
  }
}

function hasCredential(
  { vendor }: SimulatedDelivery,
  { asleepKey, sahhaSecret, sahhaKey }: Credentials,
): boolean {
  return vendor === 'asleep' ? asleepKey !== undefined : (sahhaSecret ?? sahhaKey) !== undefined
}

async function requireRunningService(url: string): Promise<void> {
  const answer = await fetch(new URL('/health/live', url)).catch(() => undefined)
  if (!answer?.ok) throw new Error(`No Nightpost answers at ${url}. To start it, run: npm start`)
}

function positiveNumber(text: string): number {
  if (!(Number(text) > 0)) throw new InvalidArgumentError('It must be a number above 0.')
  return Number(text)
}

function share(text: string): number {
  if (!(Number(text) >= 0 && Number(text) <= 1))
    throw new InvalidArgumentError('It must be a number from 0 to 1.')
  return Number(text)
}

function faults(text: string): Faults {
  try {
    return faultsIn(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}
