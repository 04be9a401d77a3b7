import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type Account, unprivilegedAccount } from './account.ts'
import { installBinaries } from './binaries.ts'
import { homeFor, passwordIn } from './home.ts'
import { initialise, USER } from './initialise.ts'
import {
  becomesReady,
  findPostmaster,
  forgetForeignPid,
  freePort,
  type Postmaster,
  spawnPostmaster,
  stopPostmaster,
} from './postmaster.ts'

/** An embedded Postgres server that this process uses. */
export interface Cluster {
  /** For the database `nightpost`, as the superuser, on 127.0.0.1. */
  readonly url: string
  readonly directory: string
  /** Stops the server, unless another Nightpost process still uses it. */
  release(): Promise<void>
}

const DATABASE = 'nightpost'
const PREFERRED_PORT = 54329
const START_TIMEOUT = 30_000

/** Every connection of Nightpost's has a name that begins so; the one that keeps the server has this one. */
const KEEPER = 'nightpost keeper'

/** Whoever holds it may join or stop the server: nobody joins one that is about to stop. */
const DOOR = 7_205_759

interface Home {
  readonly data: string
  readonly password: string
  readonly postgres: string
  readonly logFile: string
  readonly account: Account | undefined
}

/**
 * Starts the Postgres server of `directory`, or joins the one that runs there already: of another
 * Nightpost process, or an orphan whose Nightpost was killed. While this process uses it, a server that
 * dies is started again on the same port.
 */
export async function startCluster(directory: string, preferredPort = PREFERRED_PORT): Promise<Cluster> {
  const account = unprivilegedAccount()
  const path = homeFor(directory, account)
  const binaries = installBinaries(path, account)
  const data = join(path, `postgres-${binaries.majorVersion}`)
  const password = passwordIn(path)
  if (!existsSync(data)) initialise(binaries.initdb, data, password, account)
  const home = { data, password, account, postgres: binaries.postgres, logFile: join(path, 'postgres.log') }

  let { keeper, postmaster } = await joinServer(home, preferredPort)
  let released = false
  const keep = (client: pg.Client) =>
    client.once('end', async () => {
      if (released) return
      const joined = await joinServer(home, postmaster.port).catch(() => undefined)
      if (!joined) return
      ;({ keeper, postmaster } = joined)
      keep(keeper)
    })
  keep(keeper)

  return {
    url: urlOf(postmaster, password, DATABASE),
    directory: data,
    async release() {
      released = true
      await leave(keeper, data)
    },
  }
}

/** A connection through the door of a running server, which is started if need be. */
async function joinServer(
  home: Home,
  preferredPort: number,
): Promise<{ keeper: pg.Client; postmaster: Postmaster }> {
  const deadline = Date.now() + START_TIMEOUT
  while (Date.now() < deadline) {
    const postmaster = findPostmaster(home.data)
    const keeper = postmaster && (await enter(postmaster, home))
    if (postmaster && keeper) return { keeper, postmaster }
    if (!postmaster) {
      forgetForeignPid(home.data)
      const port = await freePort(preferredPort)
      const child = spawnPostmaster(home.postgres, home.data, port, home.logFile, home.account)
      await becomesReady(child.pid, home.data)
    }
    await sleep(50)
  }
  throw new Error(
    `The embedded Postgres did not start within ${START_TIMEOUT / 1000} s; see ${home.logFile}.`,
  )
}

function urlOf({ port }: Postmaster, password: string, database: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`
}

/** A connection to the server, if it is the one of this data directory, takes connections and is to stay. */
async function enter(postmaster: Postmaster, { data, password }: Home): Promise<pg.Client | undefined> {
  const client = new pg.Client({
    connectionString: urlOf(postmaster, password, 'postgres'),
    application_name: KEEPER,
    connectionTimeoutMillis: 2000,
    keepAlive: true,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query('show data_directory')
    if (rows[0].data_directory === realpathSync(data)) {
      await client.query('select pg_advisory_lock($1)', [DOOR])
      await ensureDatabase(client)
      await client.query('select pg_advisory_unlock($1)', [DOOR])
      return client
    }
  } catch {
    // Starting up, shutting down, or another server that took over the port.
  }
  await client.end().catch(() => {})
  return undefined
}

async function ensureDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE])
  if (rowCount === 0) await client.query(`create database ${DATABASE}`)
}

/** Stops the server where nobody else has a connection to it; leaves it running where that can't be told. */
async function leave(keeper: pg.Client, data: string): Promise<void> {
  try {
    await keeper.query('select pg_advisory_lock($1)', [DOOR])
    const { rows } = await keeper.query(
      `select count(*)::int as others from pg_stat_activity
       where application_name like 'nightpost%' and pid <> pg_backend_pid()`,
    )
    const running = findPostmaster(data)
    if (rows[0].others === 0 && running) await stopPostmaster(running)
  } catch {
    // The server is gone, or does not answer: there is nothing to stop.
  } finally {
    await keeper.end().catch(() => {})
  }
}
