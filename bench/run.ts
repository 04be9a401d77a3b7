// npm run bench: every workload against four ways to take it, side by side in one run.
import { Command } from 'commander'
import { copyCeiling } from './copy.ts'
import { startServer } from './database.ts'
import { growth } from './growth.ts'
import { machine } from './machine.ts'
import { type Measurement, type Mode, measure, type WorkloadName } from './measure.ts'
import { writePage, writeSection } from './page.ts'
import { growthText, page, type Results } from './report.ts'
import { type Disturbance, undisturbed } from './undisturbed.ts'
import { workloads } from './workloads.ts'

const options = new Command('bench')
  .description('Measures Nightpost and writes docs/benchmarks.md.')
  .option('--quick', 'under three minutes: fewer connections, shorter runs; writes nothing')
  .option('--only <workload>', 'one workload')
  .option('--connections <list>', 'comma-separated')
  .option('--modes <list>', 'of noop, nightpost, transaction')
  .option('--seconds <n>', 'of each measurement')
  .option('--rounds <n>', 'the modes take turns so often, and the median of each counts')
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
    rounds?: string
    growth: boolean
    growthOnly?: boolean
    soak: string
  }>()

const names = [...Object.keys(workloads), 'mixture'] as WorkloadName[]
const seconds = Number(options.seconds ?? (options.quick ? 2 : 3))
const rounds = Number(options.rounds ?? (options.quick ? 1 : 3))
// A quick run has no time for another.
const tries = options.quick ? 1 : undefined
const modes = (options.modes?.split(',') ?? ['noop', 'nightpost', 'transaction']) as Mode[]

const connectionsFor = (name: WorkloadName) => {
  if (options.connections) return options.connections.split(',').map(Number)
  if (!options.quick) return [1, 32, 256]
  return name === 'biomarker' ? [1, 256] : [32]
}

const server = await startServer()
const results: Results = {
  machine: machine(server.version),
  rounds,
  measurements: [],
  ceilings: [],
}
process.stdout.write(`${results.machine}\n\n`)
try {
  for (const name of selected()) {
    if (name === 'log10' && !options.only) continue
    for (const connections of connectionsFor(name)) {
      const wanted = modes.filter((mode) => !options.quick || mode !== 'noop' || name === 'biomarker')
      const taken = new Map(wanted.map((mode) => [mode, [] as Array<Measurement & Disturbance>]))
      for (let round = 0; round < rounds; round += 1) {
        for (const [mode, measurements] of taken) {
          const once = () => fresh((database) => measure(mode, name, connections, seconds, database))
          const measurement = await undisturbed(once, tries)
          measurements.push(measurement)
          process.stdout.write(`${line(name, connections, mode, measurement)}\n`)
        }
      }
      for (const [mode, measurements] of taken) {
        const one = median(measurements, ({ requestsPerSecond }) => requestsPerSecond)
        results.measurements.push({ workload: name, connections, mode, ...one })
      }
    }
    if (name !== 'mixture') {
      const workload = workloads[name]
      const count = Math.max(100, Math.round((options.quick ? 20_000 : 60_000) / (workload.rows + 1)))
      const copies = []
      for (let round = 0; round < rounds; round += 1) {
        copies.push(
          await undisturbed(() => fresh((database) => copyCeiling(workload, count, database)), tries),
        )
      }
      const ceiling = median(copies, ({ rowsPerSecond }) => rowsPerSecond)
      results.ceilings.push({ workload: name, ...ceiling })
      process.stdout.write(`${name}, COPY: ${Math.round(ceiling.rowsPerSecond)} rows/s\n`)
    }
  }
  if (!options.growthOnly) {
    const text = page(results)
    process.stdout.write(`\n${text}`)
    if (!options.quick && !options.only) writePage(text)
  }
  if (options.growth && !options.quick && !options.only) {
    const text = growthText(await growth(server, Number(options.soak)))
    process.stdout.write(`\n${text}`)
    writeSection('growth', text)
  }
} finally {
  await server.stop()
}

function selected(): WorkloadName[] {
  if (options.growthOnly) return []
  return options.only ? [options.only] : names
}

function median<T>(all: readonly T[], by: (one: T) => number): T {
  return [...all].sort((a, b) => by(a) - by(b))[Math.floor(all.length / 2)] as T
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

function line(name: string, connections: number, mode: Mode, m: Measurement & Disturbance): string {
  const number = (value: number | null) => (value === null ? '–' : value.toFixed(value < 10 ? 2 : 0))
  return [
    `${name} ${mode} @${connections}`.padEnd(34),
    `${number(m.requestsPerSecond)}/s`.padStart(9),
    `p50 ${number(m.p50)} ms, p99 ${number(m.p99)} ms, group ${number(m.groupSize)},`,
    `WAL ${number(m.walPerDelivery)} B, database ${number(m.databasePerDelivery)} B`,
    ...(m.stolen > 0.01 ? [`(${Math.round(m.stolen * 100)} % of the processors stolen)`] : []),
  ].join(' ')
}
