import { appendFileSync, chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import {
  clusterHome,
  createDataDirectory,
  findPostmaster,
  freePort,
  installBinaries,
  isAlive,
  SUPERUSER,
  spawnPostmaster,
  stopPostmaster,
  unprivilegedAccount,
  waitUntilReady,
} from '../src/db/embedded/index.ts'

/** A Postgres server that somebody else runs: Nightpost has nothing but its URL. */
export interface Server {
  readonly port: number
  readonly url: (port: number) => string
  /** Until it takes connections. */
  start(): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
  remove(): void
}

export const CONNECTIONS = 20

export async function makeServer(): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-chaos-'))
  chmodSync(directory, 0o755)
  const account = unprivilegedAccount()
  const home = clusterHome(directory, account)
  const binaries = installBinaries(home, account)
  const data = join(home, 'postgres')
  createDataDirectory(binaries.initdb, data, 'chaos', account)
  appendFileSync(join(data, 'postgresql.conf'), `max_connections = ${CONNECTIONS}\n`)
  const port = await freePort(0)
  process.once('exit', () => {
    const running = findPostmaster(data)
    if (running) process.kill(running.pid, 'SIGKILL')
  })
  const url = (at: number) => `postgres://${SUPERUSER}:chaos@127.0.0.1:${at}/postgres`

  return {
    port,
    url,
    async start() {
      while (!findPostmaster(data)) {
        // After a kill the old server's children may still hold its memory for a moment: try again.
        const child = spawnPostmaster(binaries.postgres, data, port, join(home, 'postgres.log'), account)
        await waitUntilReady(child.pid, data)
        await sleep(50)
      }
      while (!(await answers(url(port)))) await sleep(50)
    },
    async stop() {
      const running = findPostmaster(data)
      if (running) await stopPostmaster(running)
    },
    async kill() {
      const running = findPostmaster(data)
      if (running) await killPostmaster(running.pid)
    },
    remove() {
      rmSync(directory, { recursive: true })
      rmSync(home, { recursive: true, force: true })
    },
  }
}

export async function killPostmaster(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL')
  while (isAlive(pid)) await sleep(5)
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
