import type { BenchPostgres } from './database.ts'
import { type Beside, type Measurement, measure } from './measure.ts'
import { measureUndisturbed } from './undisturbed.ts'

const PAIRS = 7
const SECONDS = 6
const PORT = 23902
const TOKEN = 'a-token-of-the-benchmark'
const ADDRESS = `http://127.0.0.1:${PORT}`

/** Live pages that read what they are sent. */
const livePages = (count: number): Beside => ({
  settings: { CONSOLE_TOKEN: TOKEN, CONSOLE_PORT: String(PORT) },
  async start() {
    const ended = new AbortController()
    const answer = await fetch(`${ADDRESS}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: ADDRESS, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token: TOKEN }),
    })
    const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';')
    for (let page = 0; page < count; page += 1) {
      const { body, status } = await fetch(`${ADDRESS}/live`, { headers: { cookie }, signal: ended.signal })
      if (status !== 200 || !body) throw new Error(`the live page was answered ${status}`)
      void body.pipeTo(new WritableStream()).catch(() => {})
    }
    return () => ended.abort()
  },
})

/**
 * The mixture over 256 connections, without a live page of the console and with one, by turns on databases of their own. The
 * rate varies by more than the console costs on a machine that does other work; processor time per delivery varies less.
 */
export async function measureConsole(postgres: BenchPostgres): Promise<string> {
  const kinds = [livePages(0), livePages(1)]
  const found: Measurement[][] = [[], []]
  for (let pair = 0; pair < PAIRS; pair += 1) {
    // Each goes first in every other pair.
    for (const at of pair % 2 === 0 ? [0, 1] : [1, 0]) {
      const database = await postgres.createDatabase()
      try {
        const measureOne = () =>
          measure('nightpost', 'mixture', 256, SECONDS, database, 0, undefined, kinds[at])
        found[at]?.push(await measureUndisturbed(measureOne, 1))
      } finally {
        await database.drop()
      }
    }
  }
  const rate = ({ requestsPerSecond }: Measurement) => requestsPerSecond
  const cpu = ({ serviceCpu, postgresCpu }: Measurement) => serviceCpu + postgresCpu
  const [without = [], live = []] = found
  const pairs = (of: (m: Measurement) => number) =>
    without.map((one, at) => `${change(of(one), of(live[at] as Measurement))} %`).join(', ')
  const line = (name: string, of: (m: Measurement) => number) =>
    `${name}: ${Math.round(median(without.map(of)))} without, ${Math.round(median(live.map(of)))} with a live page; in pairs ${pairs(of)}\n`
  return line('requests/s', rate) + line('µs of CPU per delivery', cpu)
}

const change = (before: number, after: number) => ((after / before - 1) * 100).toFixed(1)

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
