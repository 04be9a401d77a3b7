import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { biomarker } from './bodies.ts'
import { guardProcess, guardRequest } from './log-guard.ts'
import { built } from './program.ts'

export interface Line {
  readonly msg: string
  readonly worker?: number
  readonly worker_pid?: number
  readonly status?: number
}

/** A service of several workers. */
export interface Workers {
  readonly child: ChildProcess
  readonly port: number
  /** The lines that its processes logged so far. */
  readonly lines: Line[]
  /** The process ids of the workers that listened so far, the latest last. */
  pids(): number[]
  /** Waits until so many workers have listened since the start. */
  listened(count: number): Promise<void>
}

/** Starts a service and waits until all of its workers listen. */
export async function startWorkers(directory: string, settings: Record<string, string>): Promise<Workers> {
  const child = spawn(process.execPath, built('main'), {
    cwd: directory,
    env: { PATH: process.env.PATH, NODE_ENV: 'production', PORT: '0', WORKERS: '2', ...settings },
  })
  guardProcess(child)
  const lines: Line[] = []
  let output = ''
  let onLines = () => {}
  child.stdout.on('data', (data) => {
    const all = `${output}${data}`.split('\n')
    output = all.pop() ?? ''
    // A line of one process in the middle of another's is no JSON, and fails the test.
    lines.push(...all.map((line) => JSON.parse(line)))
    onLines()
  })
  let errors = ''
  child.stderr.on('data', (data) => {
    errors += data
  })
  const pids = () =>
    lines.flatMap(({ worker_pid, msg }) => (msg === 'the worker listens' ? (worker_pid ?? []) : []))
  const listened = (count: number) =>
    new Promise<void>((found, failed) => {
      onLines = () => {
        if (pids().length >= count) found()
      }
      onLines()
      child.once('exit', () => failed(new Error(`ended at once: ${errors}`)))
    })
  await listened(Number(settings.WORKERS ?? 2))
  const [, port] = lines.flatMap(({ msg }) => /listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(msg) ?? [])
  return { child, port: Number(port), lines, pids, listened }
}

export async function endOf({ child }: Workers, signal: NodeJS.Signals): Promise<number | null> {
  const exit = once(child, 'exit')
  child.kill(signal)
  const [code] = await exit
  return code
}

/** Milliseconds. A connection that was on its way to a killed worker is never answered. */
const PATIENCE = 2_000

/** Sends a biomarker with this id. Returns the status of the answer; 0 if there was none. */
export function send(
  port: number,
  id: string,
  { agent, key }: { agent: Agent; key: string },
): Promise<number> {
  const headers = { 'content-type': 'application/json', 'x-api-key': key, 'x-user-id': 'user-1' }
  const body = JSON.stringify(biomarker({ id, category: 'c' }))
  guardRequest(headers, Buffer.from(body))
  return new Promise((answered) => {
    const outgoing = request({
      ...{ port, host: '127.0.0.1', agent, path: '/webhooks/sahha', method: 'POST', headers },
      timeout: PATIENCE,
    })
    outgoing.on('timeout', () => outgoing.destroy())
    outgoing.on('error', () => answered(0))
    outgoing.on('response', (response) => {
      response.resume()
      response.on('end', () => answered(response.statusCode ?? 0))
    })
    outgoing.end(body)
  })
}

/** Starts senders with connections of their own, which send until `stop` is called. `answers`: each status by its id. */
export function startLoad(port: number, name: string, key: string, { senders = 8, pause = 0 } = {}) {
  const answers = new Map<string, number>()
  const agent = new Agent({ keepAlive: true })
  let isStopped = false
  const sending = Array.from({ length: senders }, async (_, sender) => {
    for (let n = 0; !isStopped; n += 1) {
      const id = `${name}-${sender}-${n}`
      const status = await send(port, id, { agent, key })
      answers.set(id, status)
      const wait = status === 0 ? 20 : pause
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    }
  })
  return {
    answers,
    acked: () => [...answers].flatMap(([id, status]) => (status === 200 ? [id] : [])),
    async stop() {
      isStopped = true
      await Promise.all(sending)
      agent.destroy()
    },
  }
}
