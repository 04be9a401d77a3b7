import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { credentials } from './deliveries.ts'

/** Nightpost as a supervisor runs it: whenever its process ends, another is started. */
export interface Service {
  readonly port: number
  /** How often a process was started. */
  readonly starts: () => number
  kill(signal: NodeJS.Signals): Promise<void>
  /** Ends it for good. */
  stop(): Promise<void>
  /** What it wrote on standard error. */
  readonly errors: () => string
}

export interface ServiceOptions {
  /** The service as it is built: its main module. */
  readonly program: string
  /** Takes the log of every process; without it they log nothing. */
  readonly listen?: ((child: ChildProcess) => void) | undefined
}

export function startService(
  directory: string,
  port: number,
  databaseUrl: string | undefined,
  { program, listen }: ServiceOptions,
): Service {
  const environment = {
    ...{ PATH: process.env.PATH, HOME: process.env.HOME, PORT: `${port}` },
    LOG_LEVEL: listen ? 'trace' : 'silent',
    ...credentials,
    ...(databaseUrl && { DATABASE_URL: databaseUrl }),
  }
  let child: ChildProcess
  let starts = 0
  let errors = ''
  let isWanted = true

  const start = () => {
    starts += 1
    child = spawn(process.execPath, [program], {
      ...{ cwd: directory, env: environment, stdio: ['ignore', listen ? 'pipe' : 'ignore', 'pipe'] },
    })
    listen?.(child)
    child.stderr?.on('data', (data) => {
      errors += data
    })
    child.once('exit', async () => {
      await sleep(100)
      if (isWanted) start()
    })
  }
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }
  start()
  // Where a test runs out of time, nothing else ends it.
  process.once('exit', () => {
    isWanted = false
    child.kill('SIGKILL')
  })
  return {
    port,
    starts: () => starts,
    kill,
    async stop() {
      isWanted = false
      await kill('SIGTERM')
    },
    errors: () => errors,
  }
}
