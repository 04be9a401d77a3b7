// npm run bench: measures every workload in every mode, and the database ceiling.
import { Command } from 'commander'
import { measureCitus } from './citus.ts'
import { measureConsole } from './console.ts'
import { copyCeiling } from './copy.ts'
import { type BenchDatabase, startPostgres } from './database.ts'
import { measureErased } from './erased.ts'
import { measureGrowth } from './growth.ts'
import { machine } from './machine.ts'
import { type Measurement, type Mode, measure, type WorkloadName } from './measure.ts'
import { writePage, writeSection } from './page.ts'
import { growthText, page, type Results } from './report.ts'
import { type Disturbance, measureUndisturbed } from './undisturbed.ts'
import { measureUpgrade } from './upgrade.ts'
import { measureWorkers } from './workers.ts'
import { workloads } from './workloads.ts'

const options = new Command('bench')
  .description('Measures Nightpost and writes docs/benchmarks.md.')
  .option('--quick', 'fewer connections and shorter runs, in under three minutes; writes no file')
  .option('--only <workload>', 'measure one workload; writes no file')
  .option('--connections <list>', 'numbers of connections, comma-separated')
  .option('--modes <list>', 'some of noop, nightpost, transaction, comma-separated')
  .option('--seconds <n>', 'length of each measurement')
  .option('--rounds <n>', 'measurements of each mode, by turns; the median counts')
  .option('--no-growth', 'leave out the measurements on full tables and the soak')
  .option('--growth-only', 'only the measurements on full tables and the soak')
  .option('--ledger <entries>', 'entries of the full ledger', '20000000')
  .option('--erased <ids>', 'only the mixture with and without so many erased ids; writes no file')
  .option('--workers <list>', 'only the rate with so many workers, comma-separated; writes no file')
  .option('--console', 'only the mixture with and without a live page of the console; writes no file')
  .option(
    '--citus <shards>',
    'only the rate on the Citus of TEST_CITUS_URL beside plain Postgres; writes no file',
  )
  .option(
    '--upgrade <entries>',
    'only an update of a ledger of version 0.1.0 while deliveries arrive; writes no file',
  )
  .option('--owners <n>', 'with --upgrade: owners of that ledger', '5000')
  .option('--days <n>', 'with --upgrade: days over which its entries arrived', '20')
  .option('--rows', 'with --upgrade: the tables have the rows of its deliveries')
  .option('--per-second <n>', 'with --upgrade: deliveries that arrive meanwhile', '1000')
  .option('--body-retention <days>', 'with --upgrade: BODY_RETENTION_DAYS')
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
    ledger: string
    erased?: string
    workers?: string
    console?: boolean
    citus?: string
    upgrade?: string
    owners: string
    days: string
    rows?: boolean
    perSecond: string
    bodyRetention?: string
  }>()

/** Only one comparison, which writes no file. */
const isSpecial =
  options.erased !== undefined ||
  options.workers !== undefined ||
  options.console === true ||
  options.upgrade !== undefined

const seconds = Number(options.seconds ?? (options.quick ? 2 : 3))
const rounds = Number(options.rounds ?? (options.quick ? 1 : 3))
// A quick run has no time to repeat a disturbed measurement.
const maxAttempts = options.quick ? 1 : undefined
const modes = (options.modes?.split(',') ?? ['noop', 'nightpost', 'transaction']) as Mode[]

if (options.citus) {
  const workload = options.only === 'mixture' ? 'mixture' : 'biomarker'
  const connections = Number(options.connections ?? 256)
  await measureCitus({ workload, connections, seconds, rounds, shards: Number(options.citus) })
  process.exit()
}

const postgres = await startPostgres()
const results: Results = {
  machine: machine(postgres.version),
  rounds,
  measurements: [],
  ceilings: [],
}
process.stdout.write(`${results.machine}\n\n`)
try {
  if (options.erased) process.stdout.write(await measureErased(postgres, Number(options.erased)))
  if (options.workers)
    await measureWorkers(postgres, options.workers.split(',').map(Number), { seconds, rounds })
  if (options.upgrade)
    await measureUpgrade(postgres, {
      entries: Number(options.upgrade),
      owners: Number(options.owners),
      days: Number(options.days),
      hasRows: options.rows === true,
      perSecond: Number(options.perSecond),
      bodyRetention: options.bodyRetention === undefined ? undefined : Number(options.bodyRetention),
    })
  if (options.console) process.stdout.write(await measureConsole(postgres))
  for (const name of selectedWorkloads()) {
    for (const connections of connectionsFor(name)) await measureModes(name, connections)
    if (name !== 'mixture') await measureCeiling(name)
  }
  if (!options.growthOnly && !isSpecial) {
    const text = page(results)
    process.stdout.write(`\n${text}`)
    if (!options.quick && !options.only) writePage(text)
  }
  if (options.growth && !options.quick && !options.only && !isSpecial) {
    const text = growthText(await measureGrowth(postgres, Number(options.soak), Number(options.ledger)))
    process.stdout.write(`\n${text}`)
    writeSection('growth', text)
  }
} finally {
  await postgres.stop()
}

function selectedWorkloads(): WorkloadName[] {
  if (options.growthOnly || isSpecial) return []
  if (options.only) return [options.only]
  // log10 is part of the mixture, and is measured alone only on request.
  const names = Object.keys(workloads) as Array<keyof typeof workloads>
  return [...names.filter((name) => name !== 'log10'), 'mixture']
}

function connectionsFor(name: WorkloadName): number[] {
  if (options.connections) return options.connections.split(',').map(Number)
  if (!options.quick) return [1, 32, 256]
  return name === 'biomarker' ? [1, 256] : [32]
}

/** Measures the modes by turns, so that a change of the machine's speed affects all of them, and keeps the medians. */
async function measureModes(name: WorkloadName, connections: number): Promise<void> {
  const isChosen = options.modes !== undefined
  const selected = modes.filter(
    (mode) => isChosen || !options.quick || mode !== 'noop' || name === 'biomarker',
  )
  const byMode = new Map(selected.map((mode) => [mode, [] as Array<Measurement & Disturbance>]))
  for (let round = 0; round < rounds; round += 1) {
    for (const [mode, measurements] of byMode) {
      const measureOnce = () =>
        onFreshDatabase((database) => measure(mode, name, connections, seconds, database))
      const measurement = await measureUndisturbed(measureOnce, maxAttempts)
      measurements.push(measurement)
      process.stdout.write(`${line(name, connections, mode, measurement)}\n`)
    }
  }
  for (const [mode, measurements] of byMode) {
    const middle = median(measurements, ({ requestsPerSecond }) => requestsPerSecond)
    results.measurements.push({ workload: name, connections, mode, ...middle })
  }
}

async function measureCeiling(name: keyof typeof workloads): Promise<void> {
  const workload = workloads[name]
  const count = Math.max(100, Math.round((options.quick ? 20_000 : 60_000) / (workload.rows + 1)))
  const measureOnce = () => onFreshDatabase((database) => copyCeiling(workload, count, database))
  const ceilings = []
  for (let round = 0; round < rounds; round += 1) {
    ceilings.push(await measureUndisturbed(measureOnce, maxAttempts))
  }
  const ceiling = median(ceilings, ({ rowsPerSecond }) => rowsPerSecond)
  results.ceilings.push({ workload: name, ...ceiling })
  process.stdout.write(`${name}, COPY: ${Math.round(ceiling.rowsPerSecond)} rows/s\n`)
}

function median<T>(all: readonly T[], figure: (item: T) => number): T {
  return [...all].sort((a, b) => figure(a) - figure(b))[Math.floor(all.length / 2)] as T
}

async function onFreshDatabase<T>(use: (database: BenchDatabase) => Promise<T>): Promise<T> {
  const database = await postgres.createDatabase()
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
    `WAL ${number(m.walPerDelivery)} B, database ${number(m.databasePerDelivery)} B,`,
    `CPU ${number(m.serviceCpu)} + ${number(m.postgresCpu)} µs`,
    ...(m.stolen > 0.01 ? [`(${Math.round(m.stolen * 100)} % of the processor time stolen)`] : []),
  ].join(' ')
}
