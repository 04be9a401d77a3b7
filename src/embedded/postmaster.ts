import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Account, changeOwner } from './account.ts'

/** The main process of a running server, as its lock file describes it. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
}

const LOCK_FILE = 'postmaster.pid'

/** The server that is running on this data directory; undefined if none is. */
export function findPostmaster(dataDirectory: string): Postmaster | undefined {
  const lines = lockFileLines(dataDirectory)
  const pid = Number(lines?.[0])
  const port = Number(lines?.[3])
  return pid > 0 && port > 0 && isAlive(pid) && isPostgres(pid) ? { pid, port } : undefined
}

/**
 * Removes the lock file of a killed server if another program now has its pid, because Postgres would refuse to
 * start. Call it only if `findPostmaster` finds no server.
 */
export function removeStaleLockFile(dataDirectory: string): void {
  const pid = Number(lockFileLines(dataDirectory)?.[0])
  if (pid > 0 && isAlive(pid) && !isPostgres(pid)) rmSync(join(dataDirectory, LOCK_FILE), { force: true })
}

/** The first line is the pid, the fourth the port. */
function lockFileLines(dataDirectory: string): string[] | undefined {
  try {
    return readFileSync(join(dataDirectory, LOCK_FILE), 'utf8').split('\n')
  } catch {
    return undefined
  }
}

function isPostgres(pid: number): boolean {
  const known = processOf(pid)
  // Without /proc (macOS) the program is unknown, so it is taken for Postgres.
  return known ? known.name.startsWith('postgres') : !existsSync('/proc/self/stat')
}

/** The name and the state letter of a process; undefined if it has ended, or without /proc. */
function processOf(pid: number): { name: string; state: string } | undefined {
  try {
    const [, name = '', state = ''] =
      /^\d+ \((.*)\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    return { name, state }
  } catch {
    return undefined
  }
}

/** Resolves when the server has written its port into the lock file, or has exited. */
export async function waitUntilReady(pid: number | undefined, dataDirectory: string): Promise<void> {
  while (pid !== undefined && isAlive(pid) && findPostmaster(dataDirectory)?.pid !== pid) await sleep(20)
}

/**
 * Whether a process with this pid runs, also under another account. A zombie does not: in a container whose process 1 waits
 * for no children, a killed server would otherwise seem to run for ever.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return processOf(pid)?.state !== 'Z'
}

/** Starts a server. It is detached, so that Ctrl-C in the terminal reaches only Node. */
export function spawnPostmaster(
  postgres: string,
  dataDirectory: string,
  port: number,
  logFile: string,
  account: Account | undefined,
): ChildProcess {
  const log = openSync(logFile, 'a', 0o600)
  changeOwner(logFile, account)
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    `port=${port}`,
    'log_timezone=UTC',
  ]
  const child = spawn(postgres, ['-D', dataDirectory, ...settings.flatMap((setting) => ['-c', setting])], {
    cwd: dataDirectory,
    detached: true,
    stdio: ['ignore', log, log],
    ...account,
  })
  closeSync(log)
  child.on('error', () => {})
  child.unref()
  return child
}

/** Milliseconds for the two kinds of shutdown. Together with the service's own they are less than the limit of `main.ts`. */
const FAST_SHUTDOWN = 15_000
const IMMEDIATE_SHUTDOWN = 3_000

/**
 * Stops the server by a fast shutdown: open transactions are rolled back, and a checkpoint is written. After 15 s,
 * stops it by an immediate shutdown, which Postgres recovers from at the next start.
 */
export async function stopPostmaster({ pid }: Pick<Postmaster, 'pid'>): Promise<void> {
  kill(pid, 'SIGINT')
  if (await hasEnded(pid, FAST_SHUTDOWN)) return
  kill(pid, 'SIGQUIT')
  await hasEnded(pid, IMMEDIATE_SHUTDOWN)
}

async function hasEnded(pid: number, within: number): Promise<boolean> {
  const deadline = Date.now() + within
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false
    await sleep(20)
  }
  return true
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has already exited.
  }
}
