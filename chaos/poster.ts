// The sender, a process of its own: it outlives every service, and writes down each answer as it comes.
import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { delivery } from './deliveries.ts'

export interface PostOptions {
  /** Where services listen; each attempt goes to the next one. */
  readonly ports: readonly number[]
  /** Answers are appended here, one line each. */
  readonly file: string
  readonly connections: number
  /** Milliseconds that each connection waits between two posts. */
  readonly pause: number
}

/** One answer, or what came instead of one. */
export interface Answer {
  readonly n: number
  /** The HTTP status, or the error's code where there was no answer. */
  readonly status: number | string
  readonly outcome: string | null
  readonly delivery_id: string | null
  /** When it was sent and answered: milliseconds since 1970. */
  readonly sent: number
  readonly answered: number
}

/** Far beyond what any request may take: one that gets here hangs. */
const GIVE_UP = 60_000

const SHARE_OF_REPEATS = 0.05

process.once('message', (options: PostOptions) => {
  void post(options).then(() => process.disconnect())
})
// It ends with the run, which Ctrl-C lets finish in order.
process.once('disconnect', () => process.exit())
process.on('SIGINT', () => {})

async function post({ ports, file, connections, pause }: PostOptions): Promise<void> {
  const log = openSync(file, 'a')
  const failed: number[] = []
  let next = 0
  let attempts = 0
  let isStopping = false
  process.once('message', () => {
    isStopping = true
  })

  async function attempt(n: number): Promise<void> {
    const port = ports[attempts++ % ports.length] as number
    const answer = await send(port, n)
    writeSync(log, `${JSON.stringify(answer)}\n`)
    if (answer.status === 200) return
    failed.push(n)
    await sleep(50)
  }

  // As a vendor does: what was not acknowledged is sent again, and some of what was is sent again too.
  async function connection(): Promise<void> {
    while (!isStopping || failed.length > 0) {
      const isRepeat = next > 0 && Math.random() < SHARE_OF_REPEATS
      await attempt(failed.shift() ?? (isRepeat ? Math.floor(Math.random() * next) : next++))
      await sleep(pause)
    }
  }
  await Promise.all(Array.from({ length: connections }, connection))
}

async function send(port: number, n: number): Promise<Answer> {
  const { path, headers, body } = delivery(n)
  const sent = Date.now()
  const answer = (status: number | string, json: { outcome?: string; delivery_id?: string } = {}) => ({
    ...{ n, status, sent, answered: Date.now() },
    outcome: json.outcome ?? null,
    delivery_id: json.delivery_id ?? null,
  })
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      ...{ method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } },
      signal: AbortSignal.timeout(GIVE_UP),
    })
    return answer(response.status, (await response.json()) as object)
  } catch (error) {
    const { cause, name } = error as Error & { cause?: { code?: string } }
    return answer(cause?.code ?? name)
  }
}
