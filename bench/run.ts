// npm run bench: every workload against four ways to take it, side by side in one run.
import { Command } from 'commander'
import { copyCeiling } from './copy.ts'
import { startServer } from './database.ts'
import { growth } from './growth.ts'
import { machine } from './machine.ts'
import { type Measurement, type Mode, measure, type WorkloadName } from './measure.ts'
import { writePage } from './page.ts'
import { page, type Results } from './report.ts'
import { workloads } from './workloads.ts'

const options = new Command('bench')
  .description('Measures Nightpost and writes docs/benchmarks.md.')
  .option('--quick', 'under three minutes: fewer connections, shorter runs; writes nothing')
  .option('--only <workload>', 'one workload')
  .option('--connections <list>', 'comma-separated')
  .option('--modes <list>', 'of noop, nightpost, transaction')
  .option('--seconds <n>', 'of each measurement')
  .option('--no-growth', 'leave out the run on full tables and the soak')
  .option('--growth-only', 'nothing but the run on full tables and the soak')
  .option('--soak <seconds>', 'length of the soak', '300')
  .parse()
  .opts<{
    quick?: boolean
    only?: WorkloadName
    connections?: string
    modes?: string
    seconds?: string
    growth: boolean
    growthOnly?: boolean
    soak: string
  }>()

const names = [...Object.keys(workloads), 'mixture'] as WorkloadName[]
const seconds = Number(options.seconds ?? (options.quick ? 2 : 8))
const modes = (options.modes?.split(',') ?? ['noop', 'nightpost', 'transaction']) as Mode[]

const connectionsFor = (name: WorkloadName) => {
  if (options.connections) return options.connections.split(',').map(Number)
  if (!options.quick) return [1, 32, 256]
  return name === 'biomarker' ? [1, 256] : [32]
}

const server = await startServer()
const results: Results = { machine: machine(server.version), measurements: [], ceilings: [], growth: null }
process.stdout.write(`${results.machine}\n\n`)
try {
  for (const name of selected()) {
    if (name === 'log10' && !options.only) continue
    for (const connections of connectionsFor(name)) {
      for (const mode of modes) {
        if (options.quick && mode === 'noop' && name !== 'biomarker') continue
        const measurement = await fresh((database) => measure(mode, name, connections, seconds, database))
        results.measurements.push({ workload: name, connections, mode, ...measurement })
        process.stdout.write(`${line(name, connections, mode, measurement)}\n`)
      }
    }
    if (name !== 'mixture') {
      const workload = workloads[name]
      const count = Math.max(100, Math.round((options.quick ? 20_000 : 60_000) / (workload.rows + 1)))
      const ceiling = await fresh((database) => copyCeiling(workload, count, database))
      results.ceilings.push({ workload: name, ...ceiling })
      process.stdout.write(`${name}, COPY: ${Math.round(ceiling.rowsPerSecond)} rows/s\n`)
    }
  }
  if (options.growth && !options.quick && !options.only) {
    results.growth = await growth(server, Number(options.soak))
  }
} finally {
  await server.stop()
}
const text = page(results)
process.stdout.write(`\n${text}`)
if (!options.quick && !options.only && !options.growthOnly) writePage(text)

function selected(): WorkloadName[] {
  if (options.growthOnly) return []
  return options.only ? [options.only] : names
}

async function fresh<T>(
  use: (database: Awaited<ReturnType<typeof server.create>>) => Promise<T>,
): Promise<T> {
  const database = await server.create()
  try {
    return await use(database)
  } finally {
    await database.drop()
  }
}

function line(name: string, connections: number, mode: Mode, m: Measurement): string {
  const number = (value: number | null) => (value === null ? '–' : value.toFixed(value < 10 ? 2 : 0))
  return [
    `${name} ${mode} @${connections}`.padEnd(34),
    `${number(m.requestsPerSecond)}/s`.padStart(9),
    `p50 ${number(m.p50)} ms, p99 ${number(m.p99)} ms, group ${number(m.groupSize)},`,
    `WAL ${number(m.walPerDelivery)} B, database ${number(m.databasePerDelivery)} B`,
  ].join(' ')
}
