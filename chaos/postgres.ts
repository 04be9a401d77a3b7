import { appendFileSync, chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { unprivilegedAccount } from '../src/db/embedded/account.ts'
import { installBinaries } from '../src/db/embedded/binaries.ts'
import { homeFor } from '../src/db/embedded/home.ts'
import { initialise, USER } from '../src/db/embedded/initialise.ts'
import {
  becomesReady,
  findPostmaster,
  freePort,
  isAlive,
  spawnPostmaster,
  stopPostmaster,
} from '../src/db/embedded/postmaster.ts'

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
  const home = homeFor(directory, account)
  const binaries = installBinaries(home, account)
  const data = join(home, 'postgres')
  initialise(binaries.initdb, data, 'chaos', account)
  appendFileSync(join(data, 'postgresql.conf'), `max_connections = ${CONNECTIONS}\n`)
  const port = await freePort(0)
  const url = (at: number) => `postgres://${USER}:chaos@127.0.0.1:${at}/postgres`

  return {
    port,
    url,
    async start() {
      while (!findPostmaster(data)) {
        // After a kill the old server's children may still hold its memory for a moment: try again.
        const child = spawnPostmaster(binaries.postgres, data, port, join(home, 'postgres.log'), account)
        await becomesReady(child.pid, data)
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
