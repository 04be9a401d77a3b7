import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../src/embedded/index.ts'
import type { HostileOptions } from './hostile.ts'
import { credentials, numberedRequest } from './numbered-request.ts'

export interface ServiceOptions {
  /** The service as it is built: its main module. */
  readonly program: string
  readonly directory: string
  readonly databaseUrl: string
  readonly listen?: (child: ChildProcess) => void
}

export interface AttackOptions extends ServiceOptions {
  /** Hostile sockets, and ones that say nothing. */
  readonly sockets: number
  readonly idle: number
  /** Connections of the authentic sender. */
  readonly connections: number
  /** Seconds without and with the attack. */
  readonly calm: number
  readonly attacked: number
}

export interface Phase {
  readonly perSecond: number
  /** Status of each authentic delivery, and how often it came. */
  readonly answers: Readonly<Record<string, number>>
  /** Milliseconds within which half, and 99 of 100, were answered. */
  readonly p50: number
  readonly p99: number
}

export interface Attack {
  readonly calm: Phase
  readonly attacked: Phase
  /** The most memory that the process of the service ever had, in bytes; 0 where the system doesn't say. */
  readonly peak: number
  /** What is still counted as received once the attackers are gone. */
  readonly held: { readonly proven: number; readonly unproven: number }
  /** Whether the process lived through it. */
  readonly isAlive: boolean
}

/** V8's own limits in the container of docker-compose.yml: half of its memory, and the image's NODE_OPTIONS. */
export const CONTAINER = ['--max-old-space-size=384', '--v8-pool-size=1']

/** Counts authentic deliveries without, and then beside, sockets of strangers that do what they can. */
export async function attack(options: AttackOptions): Promise<Attack> {
  const service = await startService(options)
  const { port, child } = service
  const send = sender(port, options.connections)
  let hostile: ChildProcess | undefined
  try {
    // The code warms up, and prepares its statements.
    await send(1)
    const calm = await send(options.calm)
    hostile = fork(join(import.meta.dirname, 'hostile.ts'), { execArgv: ['--import', 'tsx'] })
    const { sockets, idle } = options
    hostile.send({ port, sockets, idle } satisfies HostileOptions)
    await sleep(1500)
    const attacked = await send(options.attacked)
    await ended(hostile, 'SIGKILL')
    const held = await settled(port)
    return { calm, attacked, peak: peakOf(child.pid), held, isAlive: child.exitCode === null }
  } finally {
    if (hostile) await ended(hostile, 'SIGKILL')
    await ended(child, 'SIGTERM')
  }
}

export async function startService({ program, directory, databaseUrl, listen }: ServiceOptions) {
  const port = await freePort(0)
  const child = spawn(process.execPath, [...CONTAINER, program], {
    cwd: directory,
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME, PORT: `${port}`, LOG_LEVEL: 'fatal' },
      ...credentials,
      DATABASE_URL: databaseUrl,
    },
    stdio: ['ignore', listen ? 'pipe' : 'ignore', listen ? 'pipe' : 'inherit'],
  })
  listen?.(child)
  process.once('exit', () => child.kill('SIGKILL'))
  while (!(await isReady(port))) {
    if (child.exitCode !== null) throw new Error('The service did not start.')
    await sleep(50)
  }
  return { port, child }
}

export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

const isReady = (port: number) =>
  fetch(`http://127.0.0.1:${port}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  )

/** Sends ever new deliveries for so many seconds, each connection the next when it has its answer. */
function sender(port: number, connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  let next = 0
  return async (seconds: number): Promise<Phase> => {
    const end = performance.now() + seconds * 1000
    const answers: Record<string, number> = {}
    const times: number[] = []
    const connection = async () => {
      while (performance.now() < end) {
        const sent = performance.now()
        const status = await post(agent, port, next++)
        times.push(performance.now() - sent)
        answers[status] = (answers[status] ?? 0) + 1
      }
    }
    await Promise.all(Array.from({ length: connections }, connection))
    times.sort((left, right) => left - right)
    const at = (share: number) => Math.round(times[Math.floor(times.length * share)] ?? 0)
    return { perSecond: Math.round((answers[200] ?? 0) / seconds), answers, p50: at(0.5), p99: at(0.99) }
  }
}

/** The status of the answer, or the error's code where there was none. */
function post(agent: Agent, port: number, n: number): Promise<number | string> {
  const { path, headers, body } = numberedRequest(n)
  return new Promise((resolve) => {
    const options = { agent, port, host: '127.0.0.1', path, method: 'POST', timeout: 30_000 }
    const outgoing = request({
      ...options,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    })
    outgoing.on('response', (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name))
    outgoing.on('timeout', () => outgoing.destroy())
    outgoing.end(body)
  })
}

/** What is still held when nothing more is let go; what is under way gets ten seconds. */
async function settled(port: number): Promise<Attack['held']> {
  for (let tries = 0; ; tries += 1) {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
    const held = { proven: value('nightpost_in_flight_bytes'), unproven: value('nightpost_unproven_bytes') }
    if (tries > 50 || held.proven + held.unproven === 0) return held
    await sleep(200)
  }
}

/** Linux alone says it. */
export function peakOf(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
