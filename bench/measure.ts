import type { BenchDatabase } from './database.ts'
import { load } from './load.ts'
import type { LoadOptions } from './load-generator.ts'
import { requireStored } from './require-stored.ts'
import { packAll, postgresCpu, type Sizes, sizesOf, perDelivery as sizesPerDelivery } from './sizes.ts'
import { type Mode, startMode } from './start-mode.ts'

export type { Mode } from './start-mode.ts'
export type WorkloadName = LoadOptions['workload']

export interface Measurement {
  /** Acknowledged deliveries per second. */
  readonly requestsPerSecond: number
  /** Number of requests answered 503 because the queue was full. */
  readonly refused: number
  /** Latencies in milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Mean number of deliveries in a group; null if the mode has no groups. */
  readonly groupSize: number | null
  /** Bytes of write-ahead log and of the database per delivery; null for the mode that stores nothing. */
  readonly walPerDelivery: number | null
  readonly databasePerDelivery: number | null
  /** Bytes on disk per delivery by kind, when the bodies are hot and after `maintain`; null for the other modes. */
  readonly hot: Sizes | null
  readonly packed: Sizes | null
  /** Microseconds of CPU time per delivery: of the service's process, and of all processes of Postgres. */
  readonly serviceCpu: number
  readonly postgresCpu: number
  /** Resident memory in bytes, after the load. */
  readonly rss: number
}

/** What runs beside the load: settings of the service that it needs, and a function that starts it and returns one that ends it. */
export interface Beside {
  readonly settings: Readonly<Record<string, string>>
  start(): Promise<() => void>
}

/** Delivery numbers for the warm-up, and for a whole round. */
const WARM_UP_NUMBERS = 10_000_000
const ROUND_NUMBERS = 100_000_000

/**
 * Measures one mode under one load, on a database that may hold rows already, and checks that every acknowledged
 * delivery is stored. Rounds on the same database must have different numbers, so that their deliveries differ.
 */
export async function measure(
  mode: Mode,
  workload: WorkloadName,
  connections: number,
  seconds: number,
  database: BenchDatabase,
  round = 0,
  owners?: number,
  beside?: Beside,
): Promise<Measurement> {
  const server = await startMode(mode, database.url, beside?.settings)
  let end = () => {}
  const { port } = server
  try {
    const warmUpStart = round * ROUND_NUMBERS
    const start = warmUpStart + WARM_UP_NUMBERS
    const warmUpConnections = Math.min(connections, 32)
    await load({
      port,
      workload,
      connections: warmUpConnections,
      seconds: 1,
      firstNumber: warmUpStart,
      owners,
    })
    if (beside) end = await beside.start()
    const { client } = database
    const sizesBefore = mode === 'nightpost' ? await sizesOf(client) : null
    const cpuBefore = await postgresCpu(client)
    const before = { ...(await database.size()), ...(await server.report()) }
    const result = await load({ port, workload, connections, seconds, firstNumber: start, owners })
    const after = { ...(await database.size()), ...(await server.report()) }
    const cpuAfter = await postgresCpu(client)
    const sizesAfter = mode === 'nightpost' ? await sizesOf(client) : null
    const { 503: refused = 0, ...failures } = result.failures
    if (Object.keys(failures).length > 0) {
      throw new Error(`${mode}, ${workload}: unexpected answers ${JSON.stringify(failures)}`)
    }
    const acked = result.requests - refused
    if (mode !== 'noop') await requireStored(result, database)
    const hot = sizesBefore && sizesAfter && sizesPerDelivery(sizesAfter, sizesBefore, acked)
    // The warm-up is packed as well, so all deliveries count.
    if (mode === 'nightpost' && round === 0) await packAll(client)
    const packed = hot && {
      ...hot,
      hotBodies: 0,
      packedBodies: (await sizesOf(client)).packedBodies / (await countOf(client)),
    }
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
      hot,
      packed,
      serviceCpu: ((after.cpu - before.cpu) * 1e6) / acked,
      postgresCpu: ((cpuAfter - cpuBefore) * 1e6) / acked,
      rss: after.rss,
    }
  } finally {
    end()
    await server.close()
  }
}

async function countOf(client: BenchDatabase['client']): Promise<number> {
  const { rows } = await client.query('select count(*)::float8 as count from deliveries')
  return rows[0].count
}
