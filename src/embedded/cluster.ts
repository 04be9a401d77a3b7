import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { type Account, unprivilegedAccount } from './account.ts'
import { installBinaries } from './binaries.ts'
import { clusterHome, superuserPassword } from './cluster-home.ts'
import { createDataDirectory } from './initdb.ts'
import { freePort, isFree, keepPort, usualPort } from './port.ts'
import {
  findPostmaster,
  type Postmaster,
  removeStaleLockFile,
  spawnPostmaster,
  waitUntilReady,
} from './postmaster.ts'
import { connectToServer, recreateDatabase, releaseServer, urlOf } from './server-connection.ts'

/** An embedded Postgres server that this process uses. */
export interface Cluster {
  /** URL of the database `nightpost` on 127.0.0.1, with the superuser's name and password. */
  readonly url: string
  /** The data directory. Its parent holds the server's other files. */
  readonly dataDirectory: string
  /** Replaces the database by an empty one. Returns false, and changes nothing, if another Nightpost process uses it. */
  empty(): Promise<boolean>
  /** Stops the server, unless another Nightpost process still uses it. */
  release(): Promise<void>
}

const DATABASE = 'nightpost'
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
 * again on the same port, because its URL is in use. Without `preferredPort` the server gets the port that it had last.
 */
export async function startCluster(directory: string, preferredPort?: number): Promise<Cluster> {
  const account = unprivilegedAccount()
  const home = clusterHome(directory, account)
  const { initdb, postgres, majorVersion } = installBinaries(home, account)
  const dataDirectory = join(home, `postgres-${majorVersion}`)
  const password = superuserPassword(home)
  if (!existsSync(dataDirectory)) createDataDirectory(initdb, dataDirectory, password, account)
  const files = { dataDirectory, password, account, postgres, logFile: join(home, 'postgres.log') }

  const choosePort = () => (preferredPort === undefined ? usualPort(directory) : freePort(preferredPort))
  const { connection: first, postmaster } = await startOrJoin(files, choosePort)
  const { port } = postmaster
  if (preferredPort === undefined) keepPort(directory, port)

  let connection = first
  let isReleased = false
  let restarted = Promise.resolve()
  const samePort = async () => (!isReleased && (await isFree(port)) ? port : undefined)
  const restart = async () => {
    while (!isReleased) {
      const joined = await startOrJoin(files, samePort, () => isReleased).catch(() => undefined)
      if (!joined) continue
      connection = joined.connection
      return restartIfLost()
    }
  }
  const restartIfLost = () => {
    connection.once('end', () => {
      if (!isReleased) restarted = restart()
    })
  }
  restartIfLost()

  return {
    url: urlOf(postmaster, password, DATABASE),
    dataDirectory,
    empty: () => recreateDatabase(connection, DATABASE),
    async release() {
      isReleased = true
      // A server that is being started would otherwise be left behind.
      await restarted
      await releaseServer(connection, dataDirectory)
    },
  }
}

/**
 * Connects to the running server. Starts it first if none is running, on the port that `choosePort` returns; while it returns
 * undefined, no server is started. Throws after 30 s, and if no server is running when `isAbandoned` is true.
 */
async function startOrJoin(
  files: ServerFiles,
  choosePort: () => Promise<number | undefined>,
  isAbandoned = () => false,
): Promise<{ connection: pg.Client; postmaster: Postmaster }> {
  const { dataDirectory, password, postgres, logFile, account } = files
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline) {
    const postmaster = findPostmaster(dataDirectory)
    const connection = postmaster && (await connectToServer(postmaster, dataDirectory, password, DATABASE))
    if (postmaster && connection) return { connection, postmaster }
    if (!postmaster) {
      if (isAbandoned()) break
      removeStaleLockFile(dataDirectory)
      const port = await choosePort()
      if (port !== undefined) {
        const child = spawnPostmaster(postgres, dataDirectory, port, logFile, account)
        await waitUntilReady(child.pid, dataDirectory)
      }
    }
    await sleep(50)
  }
  throw new Error(`The embedded Postgres did not start within ${START_TIMEOUT_MS / 1000} s. See ${logFile}.`)
}
