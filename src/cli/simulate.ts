import { SingleBar } from 'cli-progress'
import { Command, InvalidArgumentError } from 'commander'
import { type Config, loadConfig, withCredentials } from '../config/index.ts'
import { DATA_DIRECTORY } from '../db/connect/open.ts'
import type { Credentials } from '../tools/simulate/request-headers.ts'
import { httpPost, send } from '../tools/simulate/send.ts'
import { SendSummary } from '../tools/simulate/send-summary.ts'
import type { SimulatedDelivery } from '../tools/simulate/simulated-delivery.ts'
import { simulateTraffic, type TrafficOptions } from '../tools/simulate/traffic.ts'
import { printJson } from './output.ts'

const HELP = `
Examples:
  nightpost simulate                            two weeks of three users
  nightpost simulate --seed 2 --shuffle --duplicates 0.1 --invalid 0.05
  nightpost simulate --users 100 --nights 30 --rate 50 --url https://staging.example.org
`

export const simulateCommand = new Command('simulate')
  .description(
    'Send Nightpost what Asleep and Sahha would send about simulated users. The same options send the same bytes, so a second run stores nothing new. Exits with status 1 if any answer is unexpected.',
  )
  .option('--url <url>', 'URL of the Nightpost to send to (default: http://127.0.0.1:PORT)')
  .option('--seed <text>', 'seed of the pseudo-random numbers', '1')
  .option('--users <n>', 'number of users', positiveInteger, 3)
  .option('--nights <n>', 'nights of each user', positiveInteger, 14)
  .option(
    '--until <date>',
    'date on which the last night ends; around the default, daylight saving time ends',
    date,
    '2025-11-03',
  )
  .option('--duplicates <share>', 'share of the deliveries that are sent twice, 0 to 1', share, 0)
  .option('--invalid <share>', 'faulty deliveries per valid one, 0 to 1', share, 0)
  .option('--shuffle', "send each user's deliveries in random order", false)
  .option(
    '--rate <n>',
    'most deliveries a second (default: no limit)',
    positiveNumber,
    Number.POSITIVE_INFINITY,
  )
  .option('--json', 'print the summary as one JSON object')
  .addHelpText('after', HELP)
  .action(async (options: TrafficOptions & { url?: string; rate: number; json?: boolean }) => {
    const { config } = withCredentials(loadConfig(), DATA_DIRECTORY)
    const url = options.url ?? `http://127.0.0.1:${config.PORT}`
    const { summary, seconds } = await simulate(options, url, config, options.rate)
    if (options.json) printJson(summary.toJson(seconds))
    else process.stdout.write(summary.toText(seconds))
    if (!summary.isAsExpected) process.exitCode = 1
  })

/** Sends the traffic. Returns what was answered, and how long it took, in seconds. */
export async function simulate(
  options: TrafficOptions,
  url: string,
  config: Config,
  rate = Number.POSITIVE_INFINITY,
): Promise<{ summary: SendSummary; seconds: number }> {
  const credentials = credentialsOf(config)
  const sequences = simulateTraffic(options).filter(([first]) => first && hasCredential(first, credentials))
  const total = sequences.reduce((sum, sequence) => sum + sequence.length, 0)
  if (total === 0)
    throw new Error('There is nothing to send, because no credential is configured for any vendor.')
  await requireRunningService(url)

  const summary = new SendSummary()
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

export function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number from 1 to 999999.')
  return Number(text)
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

function date(text: string): string {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(Date.parse(text))) {
    throw new InvalidArgumentError('It must be a date such as 2025-11-03.')
  }
  return text
}
