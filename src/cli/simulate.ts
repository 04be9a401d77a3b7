import { SingleBar } from 'cli-progress'
import { Command, InvalidArgumentError } from 'commander'
import type { Config } from '../config.ts'
import { withCredentials } from '../credentials.ts'
import { DATA_DIRECTORY } from '../db/open.ts'
import { loadConfig } from '../environment.ts'
import type { Delivery } from '../simulate/delivery.ts'
import { type Credentials, httpPost, send } from '../simulate/send.ts'
import { Summary } from '../simulate/summary.ts'
import { type TrafficOptions, traffic } from '../simulate/traffic.ts'

export const simulateCommand = new Command('simulate')
  .description(
    'Send what Asleep and Sahha would send for made-up users. The same options send the same bytes, so that a second run stores nothing. Exits with 1 where an answer is not the expected one.',
  )
  .option('--url <url>', 'the Nightpost to send to; default: this machine, PORT')
  .option('--seed <text>', 'decides everything that is left to chance', '1')
  .option('--users <n>', 'how many', whole, 3)
  .option('--nights <n>', 'nights of each', whole, 14)
  .option(
    '--until <date>',
    'the last day, on which the last night ends; the default is in a week of DST changes',
    date,
    '2025-11-03',
  )
  .option('--duplicates <share>', 'of deliveries that come again', share, 0)
  .option('--invalid <share>', 'of faulty deliveries, and what else must be refused', share, 0)
  .option('--shuffle', 'in no order, instead of the order of sending', false)
  .option(
    '--rate <n>',
    'deliveries a second; default: as many as are answered',
    positive,
    Number.POSITIVE_INFINITY,
  )
  .action(async (options: TrafficOptions & { url?: string; rate: number }) => {
    const { config } = withCredentials(loadConfig(), DATA_DIRECTORY)
    const url = options.url ?? `http://127.0.0.1:${config.PORT}`
    const isAsExpected = await simulate(options, url, config, options.rate)
    if (!isAsExpected) process.exitCode = 1
  })

/** Sends and prints a summary; whether every answer was the expected one. */
export async function simulate(
  options: TrafficOptions,
  url: string,
  config: Config,
  rate = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const credentials = credentialsOf(config)
  const lanes = traffic(options).filter(([first]) => first && hasCredential(first, credentials))
  const total = lanes.reduce((sum, lane) => sum + lane.length, 0)
  if (total === 0) throw new Error('Nothing to send: no vendor has a credential.')
  await requireService(url)

  const summary = new Summary()
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
    await send(lanes, httpPost(url), credentials, rate, (sent) => {
      summary.add(sent)
      bar.increment()
    })
  } finally {
    bar.stop()
  }
  process.stdout.write(summary.print((performance.now() - started) / 1000))
  return summary.isAsExpected
}

function credentialsOf(config: Config): Credentials {
  return {
    asleepKey: config.credentials('ASLEEP_API_KEYS')[0],
    sahhaSecret: config.credentials('SAHHA_WEBHOOK_SECRETS')[0],
    sahhaKey: config.credentials('SAHHA_API_KEYS')[0],
  }
}

function hasCredential({ vendor }: Delivery, { asleepKey, sahhaSecret, sahhaKey }: Credentials): boolean {
  return vendor === 'asleep' ? asleepKey !== undefined : (sahhaSecret ?? sahhaKey) !== undefined
}

async function requireService(url: string): Promise<void> {
  const answer = await fetch(new URL('/health/live', url)).catch(() => undefined)
  if (!answer?.ok) throw new Error(`No Nightpost answers at ${url}. Start one with: npm start`)
}

export function whole(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('A whole number from 1.')
  return Number(text)
}

function positive(text: string): number {
  if (!(Number(text) > 0)) throw new InvalidArgumentError('A number above 0.')
  return Number(text)
}

function share(text: string): number {
  if (!(Number(text) >= 0 && Number(text) <= 1)) throw new InvalidArgumentError('A number from 0 to 1.')
  return Number(text)
}

function date(text: string): string {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(Date.parse(text))) {
    throw new InvalidArgumentError('A date such as 2025-11-03.')
  }
  return text
}
