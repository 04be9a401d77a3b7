import pg from 'pg'
import { migrate } from '../src/db/migrate/migrate.ts'
import { createOnCitus, distributeAt, dropOnCitus, nodesOf } from '../test/setup/citus.ts'
import type { BenchDatabase } from './database.ts'
import { load } from './load.ts'
import { requireStored } from './require-stored.ts'
import { postgresCpu } from './sizes.ts'
import { startMode } from './start-mode.ts'

type Workload = 'biomarker' | 'mixture'

interface Options {
  readonly workload: Workload
  readonly connections: number
  readonly seconds: number
  readonly rounds: number
  readonly shards: number
}

/** What one run found. CPU is in microseconds for each delivery. */
interface Run {
  readonly rate: number
  readonly p50: number
  readonly p99: number
  readonly groupSize: number
  readonly serviceCpu: number
  /** Of the server that the service is connected to: on Citus the coordinator. */
  readonly serverCpu: number
  readonly nodesCpu: number
}

/**
 * Measures the same load on two databases of one cluster by turns: one whose tables are on the coordinator alone, as on plain
 * Postgres, and one that is distributed. All servers, the service and the load share the machine.
 */
export async function measureCitus({ rounds, ...options }: Options): Promise<void> {
  const ratios: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const plain = await measureOnce({ ...options, isDistributed: false }, `bench_plain_${round}`)
    process.stdout.write(`plain: ${line(plain)}\n`)
    const citus = await measureOnce({ ...options, isDistributed: true }, `bench_citus_${round}`)
    process.stdout.write(`Citus: ${line(citus)}\n`)
    ratios.push(citus.rate / plain.rate)
  }
  process.stdout.write(
    `Citus of plain: ${ratios.map((ratio) => `${Math.round(ratio * 100)} %`).join(', ')}\n`,
  )
}

function line({ rate, p50, p99, groupSize, serviceCpu, serverCpu, nodesCpu }: Run): string {
  const all = [serviceCpu, serverCpu, nodesCpu]
  const each = all.map((cpu) => Math.round(cpu)).join(' + ')
  const group = all.map((cpu) => ((cpu * groupSize) / 1000).toFixed(2)).join(' + ')
  return (
    `${Math.round(rate)}/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, group ${groupSize.toFixed(1)}; CPU of service, ` +
    `server and nodes: ${each} µs a delivery, ${group} ms a group`
  )
}

async function measureOnce(
  {
    workload,
    connections,
    seconds,
    shards,
    isDistributed,
  }: Omit<Options, 'rounds'> & { isDistributed: boolean },
  name: string,
): Promise<Run> {
  const url = await createOnCitus(name, shards)
  await migrate(url)
  if (isDistributed) await distributeAt(url)
  const client = await connect(url)
  const nodes = await Promise.all((await nodesOf(url)).map(connect))
  const server = await startMode('nightpost', url, { MAINTENANCE: 'off' })
  const cpu = async () => ({
    server: await postgresCpu(client),
    nodes: (await Promise.all(nodes.map(postgresCpu))).reduce((sum, seconds) => sum + seconds, 0),
  })
  try {
    const request = { port: server.port, workload }
    await load({ ...request, connections: Math.min(connections, 32), seconds: 2, firstNumber: 0 })
    const before = { ...(await cpu()), report: await server.report() }
    const result = await load({ ...request, connections, seconds, firstNumber: 10_000_000 })
    const after = { ...(await cpu()), report: await server.report() }
    if (Object.keys(result.failures).length > 0)
      throw new Error(`unexpected answers ${JSON.stringify(result.failures)}`)
    await requireStored(result, { client } as BenchDatabase)
    const each = (seconds: number) => (seconds * 1e6) / result.requests
    return {
      rate: result.requests / result.seconds,
      p50: result.p50,
      p99: result.p99,
      groupSize:
        (after.report.deliveries - before.report.deliveries) / (after.report.groups - before.report.groups),
      serviceCpu: each(after.report.cpu - before.report.cpu),
      serverCpu: each(after.server - before.server),
      nodesCpu: each(after.nodes - before.nodes),
    }
  } finally {
    await server.close()
    for (const each of [client, ...nodes]) await each.end()
    await dropOnCitus(name)
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}
