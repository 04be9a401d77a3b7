import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { BenchDatabase } from './database.ts'
import type { LoadOptions, LoadResult } from './load.ts'
import { KEY } from './request.ts'
import type { ServerReport } from './servers/server.ts'
import { mixture, type Workload, workloads } from './workloads.ts'

export type Mode = 'noop' | 'nightpost' | 'transaction'
export type WorkloadName = LoadOptions['workload']

export interface Measurement {
  /** Acknowledged deliveries. */
  readonly requestsPerSecond: number
  /** Answered 503 because the queue was full. */
  readonly refused: number
  readonly p50: number
  readonly p99: number
  readonly groupSize: number | null
  readonly walPerDelivery: number | null
  readonly databasePerDelivery: number | null
  readonly rss: number
}

export interface RunningServer {
  readonly port: number
  report(): Promise<ServerReport>
  close(): Promise<void>
}

export async function startMode(mode: Mode, databaseUrl: string): Promise<RunningServer> {
  const child = forked(`servers/${mode}.ts`, {
    DATABASE_URL: databaseUrl,
    ASLEEP_API_KEYS: KEY,
    SAHHA_API_KEYS: KEY,
    LOG_LEVEL: 'warn',
    NODE_ENV: 'production',
  })
  const { port } = await answer<{ port: number }>(child)
  return {
    port,
    report: () => ask<ServerReport>(child, 'report'),
    async close() {
      const exit = once(child, 'exit')
      child.send('close')
      await exit
    },
  }
}

export async function load(options: LoadOptions): Promise<LoadResult> {
  const child = forked('load.ts', {})
  const result = answer<LoadResult>(child)
  child.send(options)
  return result
}

/**
 * One mode under one load, on a database that may hold rows already; checks that what was acked is stored.
 * `round` tells those apart that share a database: the deliveries of each are new.
 */
export async function measure(
  mode: Mode,
  workload: WorkloadName,
  connections: number,
  seconds: number,
  database: BenchDatabase,
  round = 0,
): Promise<Measurement> {
  const server = await startMode(mode, database.url)
  try {
    const start = round * ROUND
    const warmUp = Math.min(connections, 32)
    await load({ port: server.port, workload, connections: warmUp, seconds: 1, from: start })
    const before = { ...(await database.size()), ...(await server.report()) }
    const result = await load({ port: server.port, workload, connections, seconds, from: start + WARM_UP })
    const after = { ...(await database.size()), ...(await server.report()) }
    const { 503: refused = 0, ...faults } = result.failures
    if (Object.keys(faults).length > 0) throw new Error(`${mode}, ${workload}: ${JSON.stringify(faults)}`)
    const acked = result.requests - refused
    if (mode !== 'noop') await requireStored(result, database)
    const groups = after.groups - before.groups
    const perDelivery = (bytes: number) => (mode === 'noop' ? null : bytes / acked)
    return {
      requestsPerSecond: acked / result.seconds,
      refused,
      p50: result.p50,
      p99: result.p99,
      groupSize: groups > 0 ? (after.deliveries - before.deliveries) / groups : null,
      walPerDelivery: perDelivery(after.wal - before.wal),
      databasePerDelivery: perDelivery(after.database - before.database),
      rss: after.rss,
    }
  } finally {
    await server.close()
  }
}

/** So many numbers are for deliveries that warm the server up, and so many for a round in all. */
const WARM_UP = 10_000_000
const ROUND = 100_000_000

/** Every acknowledged delivery must be in the ledger and in its tables, with all its rows. */
export async function requireStored(result: LoadResult, database: BenchDatabase): Promise<void> {
  const kinds: Workload[] = [...Object.values(workloads), ...mixture.map(([kind]) => kind)]
  for (const [name, numbers] of Object.entries(result.acked)) {
    const kind = kinds.find((kind) => kind.name === name) as Workload
    const { rows } = await database.client.query(
      `select count(*)::int as lost from (
         select number from unnest($1::text[]) as acked(number) except select number from (${kind.stored}) as stored
       ) as missing`,
      [numbers.map((number) => String(number).padStart(10, '0'))],
    )
    if (rows[0].lost > 0) throw new Error(`${rows[0].lost} acknowledged deliveries of ${name} are not stored`)
  }
  const acked = Object.values(result.acked).flat().length
  const { rows } = await database.client.query(
    `select count(*)::int as stored from deliveries where outcome = 'stored'`,
  )
  if (rows[0].stored < acked) throw new Error(`${acked} acknowledged, ${rows[0].stored} in the ledger`)
}

/** See Dockerfile. */
const AS_IN_THE_IMAGE = ['--v8-pool-size=1']

const profiling = process.env.PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${process.env.PROFILE}`] : []

function forked(file: string, environment: Record<string, string>): ChildProcess {
  return fork(join(import.meta.dirname, file.replace('.ts', import.meta.filename.slice(-3))), {
    execArgv: file.startsWith('servers') ? [...AS_IN_THE_IMAGE, ...profiling] : [],
    env: { PATH: process.env.PATH, ...environment },
    serialization: 'advanced',
  })
}

function answer<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (code: number | null) => reject(new Error(`ended with ${code}`))
    child.once('exit', fail)
    child.once('message', (message) => {
      child.off('exit', fail)
      resolve(message as T)
    })
  })
}

function ask<T>(child: ChildProcess, question: string): Promise<T> {
  const answered = answer<T>(child)
  child.send(question)
  return answered
}
