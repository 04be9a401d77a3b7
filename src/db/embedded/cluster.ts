import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type Account, give, unprivilegedAccount } from './account.ts'
import { installBinaries } from './binaries.ts'
import { homeFor, passwordIn } from './home.ts'
import {
  findPostmaster,
  freePort,
  isAlive,
  type Postmaster,
  spawnPostmaster,
  stopPostmaster,
} from './postmaster.ts'

/** An embedded Postgres server that this process uses. */
export interface Cluster {
  /** For the database `nightpost`, as the superuser, on 127.0.0.1. */
  readonly url: string
  readonly directory: string
  /** The server's process id, for tests that kill it. */
  readonly pid: number
  /** Stops the server, unless another Nightpost process still uses it. */
  release(): Promise<void>
}

const USER = 'nightpost'
const DATABASE = 'nightpost'
const KEEPER = 'nightpost keeper'
const PREFERRED_PORT = 54329
const START_TIMEOUT = 30_000

/**
 * Starts the Postgres server of `directory`, or joins the one that runs there already: of another
 * Nightpost process, or an orphan whose Nightpost was killed.
 */
export async function startCluster(directory: string, preferredPort = PREFERRED_PORT): Promise<Cluster> {
  const account = unprivilegedAccount()
  const home = homeFor(directory, account)
  const binaries = installBinaries(home, account)
  const data = join(home, `postgres-${binaries.majorVersion}`)
  const password = passwordIn(home)
  if (!existsSync(data)) initialise(binaries.initdb, data, password, account)

  const deadline = Date.now() + START_TIMEOUT
  const logFile = join(home, 'postgres.log')
  while (Date.now() < deadline) {
    const postmaster = findPostmaster(data)
    const keeper = postmaster && (await connect(postmaster, data, password))
    if (postmaster && keeper) {
      await ensureDatabase(keeper)
      return clusterOf(postmaster, keeper, data, password)
    }
    if (!postmaster) {
      const child = spawnPostmaster(binaries.postgres, data, await freePort(preferredPort), logFile, account)
      await becomesReady(child.pid, data)
    }
    await sleep(50)
  }
  throw new Error(`The embedded Postgres did not start within ${START_TIMEOUT / 1000} s; see ${logFile}.`)
}

function initialise(initdb: string, data: string, password: string, account: Account | undefined): void {
  const partial = `${data}.${process.pid}`
  const passwordFile = `${partial}.password`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { mode: 0o700 })
  writeFileSync(passwordFile, password, { mode: 0o600 })
  give(partial, account)
  give(passwordFile, account)
  const { status, stderr } = spawnSync(
    initdb,
    [
      ...['-D', partial, '-U', USER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'],
      ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--no-instructions'],
    ],
    { cwd: partial, encoding: 'utf8', env: { PATH: process.env.PATH, TZ: 'UTC' }, ...account },
  )
  rmSync(passwordFile)
  if (status !== 0) {
    rmSync(partial, { recursive: true, force: true })
    throw new Error(`initdb failed: ${stderr}`)
  }
  if (existsSync(data)) rmSync(partial, { recursive: true })
  else renameSync(partial, data)
}

/** Until the server has written where it listens, or is gone. */
async function becomesReady(pid: number | undefined, data: string): Promise<void> {
  while (pid !== undefined && isAlive(pid) && findPostmaster(data)?.pid !== pid) await sleep(20)
}

function urlOf({ port }: Postmaster, password: string, database: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`
}

/** A connection to the server, if it is the one of this data directory and takes connections. */
async function connect(
  postmaster: Postmaster,
  data: string,
  password: string,
): Promise<pg.Client | undefined> {
  const client = new pg.Client({
    connectionString: urlOf(postmaster, password, 'postgres'),
    application_name: KEEPER,
    connectionTimeoutMillis: 2000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query('show data_directory')
    if (rows[0].data_directory === realpathSync(data)) return client
  } catch {
    // Starting up, shutting down, or another server that took over the port.
  }
  await client.end().catch(() => {})
  return undefined
}

async function ensureDatabase(client: pg.Client): Promise<void> {
  try {
    await client.query(`create database ${DATABASE}`)
  } catch (error) {
    const code = (error as { code?: string }).code
    if (code !== DUPLICATE_DATABASE && code !== UNIQUE_VIOLATION) throw error
  }
}

const DUPLICATE_DATABASE = '42P04'
// Two processes created it at the same moment.
const UNIQUE_VIOLATION = '23505'

function clusterOf(postmaster: Postmaster, keeper: pg.Client, data: string, password: string): Cluster {
  return {
    url: urlOf(postmaster, password, DATABASE),
    directory: data,
    pid: postmaster.pid,
    async release() {
      const others = await otherUsers(keeper)
      await keeper.end().catch(() => {})
      if (others > 0) return
      const running = findPostmaster(data)
      if (running) await stopPostmaster(running)
    },
  }
}

/** Every process that uses the server holds one idle connection of this name: the last one out stops it. */
async function otherUsers(keeper: pg.Client): Promise<number> {
  try {
    const { rows } = await keeper.query(
      'select count(*)::int as others from pg_stat_activity where application_name = $1 and pid <> pg_backend_pid()',
      [KEEPER],
    )
    return rows[0].others
  } catch {
    return 0
  }
}
