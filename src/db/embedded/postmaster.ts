import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Account, give } from './account.ts'

/** What a running server writes into its data directory. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
}

/** The server that runs on this data directory; undefined where none does. */
export function findPostmaster(data: string): Postmaster | undefined {
  const lines = pidFile(data)
  const pid = Number(lines?.[0])
  const port = Number(lines?.[3])
  return pid > 0 && port > 0 && isAlive(pid) && isPostgres(pid) ? { pid, port } : undefined
}

/**
 * The system may give the number of a server that was killed to another process, and Postgres would then
 * not start: its lock file is removed. Only for a caller that has found no server.
 */
export function forgetForeignPid(data: string): void {
  const pid = Number(pidFile(data)?.[0])
  if (pid > 0 && isAlive(pid) && !isPostgres(pid)) rmSync(join(data, PID_FILE), { force: true })
}

const PID_FILE = 'postmaster.pid'

function pidFile(data: string): string[] | undefined {
  try {
    return readFileSync(join(data, PID_FILE), 'utf8').split('\n')
  } catch {
    return undefined
  }
}

function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('postgres')
  } catch {
    // Without /proc there is no telling.
    return !existsSync('/proc/self/comm')
  }
}

/** Until the server has written where it listens, or is gone. */
export async function becomesReady(pid: number | undefined, data: string): Promise<void> {
  while (pid !== undefined && isAlive(pid) && findPostmaster(data)?.pid !== pid) await sleep(20)
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Starts a server in a session of its own, so that Ctrl-C reaches Node alone. */
export function spawnPostmaster(
  postgres: string,
  data: string,
  port: number,
  logFile: string,
  account: Account | undefined,
): ChildProcess {
  const log = openSync(logFile, 'a', 0o600)
  give(logFile, account)
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    `port=${port}`,
    'log_timezone=UTC',
  ]
  const child = spawn(postgres, ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
    cwd: data,
    detached: true,
    stdio: ['ignore', log, log],
    ...account,
  })
  closeSync(log)
  child.on('error', () => {})
  child.unref()
  return child
}

/** Fast shutdown: open transactions roll back, a checkpoint is written. */
export async function stopPostmaster({ pid }: Pick<Postmaster, 'pid'>): Promise<void> {
  const deadline = Date.now() + 20_000
  kill(pid, 'SIGINT')
  while (isAlive(pid)) {
    if (Date.now() > deadline) return kill(pid, 'SIGQUIT')
    await sleep(20)
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It is gone already.
  }
}

/** The port asked for where it is free, otherwise one that the system picks. */
export async function freePort(preferred: number): Promise<number> {
  return (await listenOnce(preferred)) ?? (await listenOnce(0)) ?? preferred
}

function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
    })
  })
}
