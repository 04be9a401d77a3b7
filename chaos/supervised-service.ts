import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { credentials } from './numbered-request.ts'

/** Nightpost under a supervisor, which starts another process whenever one exits. */
export interface SupervisedService {
  readonly port: number
  kill(signal: NodeJS.Signals): Promise<void>
  /** Stops the process, and starts no other. */
  stop(): Promise<void>
}

export interface ServiceOptions {
  /** Path of the compiled main module. */
  readonly program: string
  /** Called with each process, so that its log can be read. If undefined, the processes log nothing. */
  readonly onStart?: ((child: ChildProcess) => void) | undefined
}

export function startSupervisedService(
  directory: string,
  port: number,
  databaseUrl: string | undefined,
  { program, onStart }: ServiceOptions,
): SupervisedService {
  const environment = {
    ...{ PATH: process.env.PATH, HOME: process.env.HOME, PORT: `${port}` },
    LOG_LEVEL: onStart ? 'trace' : 'silent',
    ...credentials,
    ...(databaseUrl && { DATABASE_URL: databaseUrl }),
  }
  const output = onStart ? 'pipe' : 'ignore'
  let child: ChildProcess
  let isStopping = false

  const start = () => {
    child = spawn(process.execPath, [program], {
      ...{ cwd: directory, env: environment, stdio: ['ignore', output, output] },
    })
    onStart?.(child)
    child.once('exit', async () => {
      await sleep(100)
      if (!isStopping) start()
    })
  }
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }
  start()
  // If a test times out, stop() is not called.
  process.once('exit', () => {
    isStopping = true
    child.kill('SIGKILL')
  })
  return {
    port,
    kill,
    async stop() {
      isStopping = true
      await kill('SIGTERM')
    },
  }
}
