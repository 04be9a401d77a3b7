import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { credentials } from './deliveries.ts'

const main = join(resolve(import.meta.dirname, '..'), 'src', 'main.ts')
const tsx = import.meta.resolve('tsx')

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

export function startService(directory: string, port: number, databaseUrl?: string): Service {
  const environment = {
    ...{ PATH: process.env.PATH, HOME: process.env.HOME, PORT: `${port}`, LOG_LEVEL: 'silent' },
    ...credentials,
    ...(databaseUrl && { DATABASE_URL: databaseUrl }),
  }
  let child: ChildProcess
  let starts = 0
  let errors = ''
  let isWanted = true

  const start = () => {
    starts += 1
    child = spawn(process.execPath, ['--import', tsx, main], {
      ...{ cwd: directory, env: environment, stdio: ['ignore', 'ignore', 'pipe'] },
    })
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
