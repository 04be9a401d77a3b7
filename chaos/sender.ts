// The sender runs as a process of its own, so that it survives the service, and writes each answer to a file.
import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { numberedRequest } from './numbered-request.ts'

export interface SenderOptions {
  /** Ports of the services. The attempts go to them in turn. */
  readonly ports: readonly number[]
  /** Answers are appended here, one line each. */
  readonly file: string
  readonly connections: number
  /** Milliseconds that each connection waits between two requests. */
  readonly pause: number
}

/** An answer, or the error in its place. */
export interface Answer {
  /** The number of the request. */
  readonly n: number
  /** The number of the sender's connection, which has one request at a time. */
  readonly connection: number
  /** The HTTP status, or the error's code if there was no answer. */
  readonly status: number | string
  readonly outcome: string | null
  readonly delivery_id: string | null
  /** Times of the request and of the answer, in milliseconds since 1970. */
  readonly sent: number
  readonly answered: number
}

/** Twice the limit that the check sets for an answer. */
const TIMEOUT_MS = 60_000

/** Share of the requests that repeat an earlier one, acknowledged or not. */
const SHARE_OF_REPEATS = 0.05

process.once('message', (options: SenderOptions) => {
  void sendAll(options).then(() => process.disconnect())
})
process.once('disconnect', () => process.exit())
// After Ctrl-C the run stops in order, and needs the sender until then.
process.on('SIGINT', () => {})

/** Sends until it gets a second message, and then until every request is acknowledged. */
async function sendAll({ ports, file, connections, pause }: SenderOptions): Promise<void> {
  const answerFile = openSync(file, 'a')
  const unacknowledged: number[] = []
  let next = 0
  let attempts = 0
  let isStopping = false
  process.once('message', () => {
    isStopping = true
  })

  async function attempt(connection: number, n: number): Promise<void> {
    const port = ports[attempts++ % ports.length] as number
    const answer = { connection, ...(await send(port, n)) }
    writeSync(answerFile, `${JSON.stringify(answer)}\n`)
    if (answer.status === 200) return
    unacknowledged.push(n)
    await sleep(50)
  }

  // Like a vendor, it retries what was not acknowledged, and repeats some requests that were.
  async function connect(connection: number): Promise<void> {
    while (!isStopping || unacknowledged.length > 0) {
      const isRepeat = next > 0 && Math.random() < SHARE_OF_REPEATS
      await attempt(
        connection,
        unacknowledged.shift() ?? (isRepeat ? Math.floor(Math.random() * next) : next++),
      )
      await sleep(pause)
    }
  }
  await Promise.all(Array.from({ length: connections }, (_, at) => connect(at)))
}

async function send(port: number, n: number): Promise<Omit<Answer, 'connection'>> {
  const { path, headers, body } = numberedRequest(n)
  const sent = Date.now()
  const answer = (status: number | string, json: { outcome?: string; delivery_id?: string } = {}) => ({
    ...{ n, status, sent, answered: Date.now() },
    outcome: json.outcome ?? null,
    delivery_id: json.delivery_id ?? null,
  })
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      ...{ method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return answer(response.status, (await response.json()) as object)
  } catch (error) {
    const { cause, name } = error as Error & { cause?: { code?: string } }
    return answer(cause?.code ?? name)
  }
}
