import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { type Account, unprivilegedAccount } from './account.ts'
import { installBinaries } from './binaries.ts'
import { clusterHome, superuserPassword } from './cluster-home.ts'
import { createDataDirectory } from './initdb.ts'
import { freePort } from './port.ts'
import {
  findPostmaster,
  type Postmaster,
  removeStaleLockFile,
  spawnPostmaster,
  waitUntilReady,
} from './postmaster.ts'
import { connectToServer, releaseServer, urlOf } from './server-connection.ts'

/** An embedded Postgres server that this process uses. */
export interface Cluster {
  /** URL of the database `nightpost` on 127.0.0.1, with the superuser's name and password. */
  readonly url: string
  /** The data directory. Its parent holds the server's other files. */
  readonly dataDirectory: string
  /** Stops the server, unless another Nightpost process still uses it. */
  release(): Promise<void>
}

const DATABASE = 'nightpost'
const PREFERRED_PORT = 54329
const START_TIMEOUT_MS = 30_000

interface ServerFiles {
  readonly dataDirectory: string
  readonly password: string
  /** Path of the `postgres` binary. */
  readonly postgres: string
  readonly logFile: string
  readonly account: Account | undefined
}

/**
 * Starts the Postgres server of `directory`, or joins the one that is already running: that of another Nightpost
 * process, or an orphan whose Nightpost was killed. If the server dies while this process uses it, it is started
 * again on the same port.
 */
export async function startCluster(directory: string, preferredPort = PREFERRED_PORT): Promise<Cluster> {
  const account = unprivilegedAccount()
  const home = clusterHome(directory, account)
  const { initdb, postgres, majorVersion } = installBinaries(home, account)
  const dataDirectory = join(home, `postgres-${majorVersion}`)
  const password = superuserPassword(home)
  if (!existsSync(dataDirectory)) createDataDirectory(initdb, dataDirectory, password, account)
  const files = { dataDirectory, password, account, postgres, logFile: join(home, 'postgres.log') }

  let { connection, postmaster } = await startOrJoin(files, preferredPort)
  let isReleased = false
  const restartIfLost = () =>
    connection.once('end', async () => {
      if (isReleased) return
      const restarted = await startOrJoin(files, postmaster.port).catch(() => undefined)
      if (!restarted) return
      ;({ connection, postmaster } = restarted)
      restartIfLost()
    })
  restartIfLost()

  return {
    url: urlOf(postmaster, password, DATABASE),
    dataDirectory,
    async release() {
      isReleased = true
      await releaseServer(connection, dataDirectory)
    },
  }
}

/** Connects to the running server, and starts it first if none is running. */
async function startOrJoin(
  files: ServerFiles,
  preferredPort: number,
): Promise<{ connection: pg.Client; postmaster: Postmaster }> {
  const { dataDirectory, password, postgres, logFile, account } = files
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline) {
    const postmaster = findPostmaster(dataDirectory)
    const connection = postmaster && (await connectToServer(postmaster, dataDirectory, password, DATABASE))
    if (postmaster && connection) return { connection, postmaster }
    if (!postmaster) {
      removeStaleLockFile(dataDirectory)
      const port = await freePort(preferredPort)
      const child = spawnPostmaster(postgres, dataDirectory, port, logFile, account)
      await waitUntilReady(child.pid, dataDirectory)
    }
    await sleep(50)
  }
  throw new Error(`The embedded Postgres did not start within ${START_TIMEOUT_MS / 1000} s. See ${logFile}.`)
}
