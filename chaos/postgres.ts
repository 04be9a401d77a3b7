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
} from '../src/embedded/index.ts'

/** A Postgres server that Nightpost does not manage: it only has its URL. */
export interface PostgresServer {
  readonly port: number
  /** A URL with the given port: the server's own, or that of a proxy. */
  readonly url: (port: number) => string
  /** Resolves when the server accepts connections. */
  start(): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
  /** Deletes its files. */
  remove(): void
}

export const MAX_CONNECTIONS = 20

export async function createPostgresServer(): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-chaos-'))
  chmodSync(directory, 0o755)
  const account = unprivilegedAccount()
  const home = clusterHome(directory, account)
  const binaries = installBinaries(home, account)
  const dataDirectory = join(home, 'postgres')
  createDataDirectory(binaries.initdb, dataDirectory, 'chaos', account)
  appendFileSync(join(dataDirectory, 'postgresql.conf'), `max_connections = ${MAX_CONNECTIONS}\n`)
  const port = await freePort(0)
  process.once('exit', () => {
    const running = findPostmaster(dataDirectory)
    if (running) process.kill(running.pid, 'SIGKILL')
  })
  const url = (urlPort: number) => `postgres://${SUPERUSER}:chaos@127.0.0.1:${urlPort}/postgres`

  return {
    port,
    url,
    async start() {
      while (!findPostmaster(dataDirectory)) {
        // After a SIGKILL, the old server's child processes may hold its shared memory for a moment: retry.
        const child = spawnPostmaster(
          binaries.postgres,
          dataDirectory,
          port,
          join(home, 'postgres.log'),
          account,
        )
        await waitUntilReady(child.pid, dataDirectory)
        await sleep(50)
      }
      while (!(await acceptsConnections(url(port)))) await sleep(50)
    },
    async stop() {
      const running = findPostmaster(dataDirectory)
      if (running) await stopPostmaster(running)
    },
    async kill() {
      const running = findPostmaster(dataDirectory)
      if (running) await killPostmaster(running.pid)
    },
    remove() {
      rmSync(directory, { recursive: true })
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Sends SIGKILL and waits until the process is gone. */
export async function killPostmaster(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL')
  while (isAlive(pid)) await sleep(5)
}

/** Connects for a check or a fault. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'chaos' })
  client.on('error', () => {})
  await client.connect()
  return client
}

async function acceptsConnections(url: string): Promise<boolean> {
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
