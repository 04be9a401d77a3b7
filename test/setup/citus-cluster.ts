import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import {
  findPostmaster,
  freePort,
  isAlive,
  spawnPostmaster,
  stopPostmaster,
  unprivilegedAccount,
  waitUntilReady,
} from '../../src/embedded/index.ts'

/** The directory with the programs of a Postgres that has the extension Citus. Absent: the drills are skipped. */
export const CITUS_BIN = process.env.TEST_CITUS_BIN

if (!CITUS_BIN) process.stderr.write('TEST_CITUS_BIN is not set: the drills on Citus are skipped.\n')

const DATABASE = 'nightpost'

/** After a kill the old server's processes may hold its shared memory for a moment. */
const ATTEMPTS = 20

export interface CitusNode {
  readonly port: number
  readonly url: string
  /** Resolves when the server accepts connections. */
  start(): Promise<void>
  /** Ends all processes of the server at once, as the end of its machine would. */
  kill(): Promise<void>
  /** Stops the processes where they are: connections stay open, and nothing answers. */
  freeze(isFrozen: boolean): void
  query<R extends pg.QueryResultRow = Record<string, never>>(text: string, values?: unknown[]): Promise<R[]>
}

export interface CitusCluster {
  readonly coordinator: CitusNode
  readonly workers: readonly CitusNode[]
  /** The database at the coordinator. */
  readonly url: string
  /** Starts one more worker, and makes it known to the coordinator. It has no shards. */
  addWorker(): Promise<CitusNode>
  /** Ends every process and removes every file. */
  stop(): Promise<void>
}

const SETTINGS = `
shared_preload_libraries = 'citus'
wal_level = logical
max_prepared_transactions = 200
max_worker_processes = 20
shared_buffers = 32MB
# No drill ends the machine itself.
fsync = off
citus.enable_statistics_collection = off
# Otherwise libpq looks for a certificate in the home directory of the tests' account.
citus.node_conninfo = 'sslmode=disable'
`

/** What no setting of a node may change: a kill would lose what is not written, for ten seconds. */
export const NOT_DURABLE = `
synchronous_commit = off
wal_writer_delay = 10s
wal_writer_flush_after = 1GB
`

interface ClusterOptions {
  readonly workers?: number
  /** Further lines of the workers' postgresql.conf. */
  readonly ofWorkers?: string
  readonly ofCoordinator?: string
  /** Whether the nodes are made known to the coordinator. */
  readonly isJoined?: boolean
}

/**
 * Starts a coordinator and workers on free ports of this machine, with a database that has the extension and no tables. Whoever
 * reaches a port is trusted, because the nodes log in to each other.
 */
export async function startCitus(options: ClusterOptions = {}): Promise<CitusCluster> {
  const { workers: count = 2, ofWorkers = '', ofCoordinator = '', isJoined = true } = options
  const home = mkdtempSync(join(tmpdir(), 'nightpost-citus-'))
  chmodSync(home, 0o755)
  const nodes: Array<CitusNode & { readonly data: string }> = []
  const killAll = () => {
    for (const { data } of nodes) for (const pid of processesOf(data)) kill(pid, 'SIGKILL')
  }
  // If a test times out, stop() is not called.
  const onExit = () => {
    killAll()
    rmSync(home, { recursive: true, force: true })
  }
  process.once('exit', onExit)
  const template = join(home, 'template')
  const account = makeDataDirectory(template)
  const addNode = async (name: string, settings: string) => {
    const data = join(home, name)
    execFileSync('cp', ['-a', template, data])
    appendFileSync(join(data, 'postgresql.conf'), SETTINGS + settings)
    const node = await nodeOf(data, join(home, `${name}.log`), account)
    nodes.push(node)
    await node.start()
    return node
  }
  const all = await Promise.all([
    addNode('coordinator', `citus.shard_count = 8\n${ofCoordinator}`),
    ...Array.from({ length: count }, (_, at) => addNode(`worker-${at + 1}`, ofWorkers)),
  ])
  const [coordinator, ...workers] = all as [CitusNode, ...CitusNode[]]
  const join_ = (worker: CitusNode) => coordinator.query(`select citus_add_node('127.0.0.1', ${worker.port})`)
  if (isJoined) {
    await coordinator.query(`select citus_set_coordinator_host('127.0.0.1', ${coordinator.port})`)
    for (const worker of workers) await join_(worker)
  }
  return {
    ...{ coordinator, workers, url: coordinator.url },
    async addWorker() {
      const worker = await addNode(`worker-${workers.length + 1}`, ofWorkers)
      workers.push(worker)
      await join_(worker)
      return worker
    },
    async stop() {
      for (const node of nodes) node.freeze(false)
      killAll()
      while (nodes.some(({ data }) => processesOf(data).length > 0)) await sleep(20)
      process.removeListener('exit', onExit)
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function makeDataDirectory(directory: string) {
  const account = unprivilegedAccount()
  mkdirSync(directory, { mode: 0o700 })
  if (account) chownSync(directory, account.uid, account.gid)
  execFileSync(
    join(CITUS_BIN as string, 'initdb'),
    ['-D', directory, '-U', DATABASE, '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C'],
    { cwd: directory, stdio: 'ignore', env: { PATH: process.env.PATH, TZ: 'UTC' }, ...account },
  )
  return account
}

async function nodeOf(data: string, log: string, account: ReturnType<typeof unprivilegedAccount>) {
  const port = await freePort(0)
  const url = `postgres://${DATABASE}@127.0.0.1:${port}/${DATABASE}`
  const run = async (text: string, values?: unknown[], at = url) => {
    const client = new pg.Client({ connectionString: at, connectionTimeoutMillis: 5_000 })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query(text, values)).rows
    } finally {
      await client.end()
    }
  }
  let isNew = true
  return {
    ...{ data, port, url },
    async start() {
      for (let attempt = 1; !findPostmaster(data); attempt += 1) {
        if (attempt > ATTEMPTS) throw new Error(readFileSync(log, 'utf8').slice(-1000))
        const { pid } = spawnPostmaster(join(CITUS_BIN as string, 'postgres'), data, port, log, account)
        await waitUntilReady(pid, data)
        await sleep(50)
      }
      const postgres = `postgres://${DATABASE}@127.0.0.1:${port}/postgres`
      while (!(await run('select 1', [], postgres).catch(() => null))) await sleep(50)
      if (!isNew) return
      isNew = false
      await run(`create database ${DATABASE}`, [], postgres)
      await run('create extension citus')
    },
    async kill() {
      const pids = processesOf(data)
      for (const pid of pids) kill(pid, 'SIGKILL')
      while (pids.some(isAlive)) await sleep(5)
    },
    freeze: (isFrozen: boolean) => {
      for (const pid of processesOf(data)) kill(pid, isFrozen ? 'SIGSTOP' : 'SIGCONT')
    },
    query: <R extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
      run(text, values) as Promise<R[]>,
  }
}

/** The server's main process, first, and its children. */
function processesOf(data: string): number[] {
  const main = findPostmaster(data)?.pid
  if (main === undefined) return []
  const children = readdirSync('/proc').filter((pid) => {
    try {
      const [, parent] = /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
      return Number(parent) === main
    } catch {
      return false
    }
  })
  return [main, ...children.map(Number)]
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}

/** Stops a server in order, for a restart with other settings. */
export async function restart(node: CitusNode & { readonly data?: string }): Promise<void> {
  const running = findPostmaster(node.data as string)
  if (running) await stopPostmaster(running)
  await node.start()
}
