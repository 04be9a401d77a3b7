import type { Growth } from './growth.ts'
import type { Measurement, Mode, WorkloadName } from './measure.ts'
import type { Disturbance } from './undisturbed.ts'
import { workloads } from './workloads.ts'

export interface Results {
  machine: string
  /** Number of runs of each mode; the median run by requests per second is reported. */
  rounds: number
  measurements: Array<Measurement & Disturbance & { workload: WorkloadName; connections: number; mode: Mode }>
  ceilings: Array<{ workload: WorkloadName; deliveriesPerSecond: number; rowsPerSecond: number }>
}

const whole = (value: number) => Math.round(value).toLocaleString('en')
const digits = (value: number | null) => (value === null ? '–' : value < 10 ? value.toFixed(2) : whole(value))
const ratio = (a: number | undefined, b: number | undefined) => (a && b ? (a / b).toFixed(2) : '–')
const title = (name: WorkloadName) => (name === 'mixture' ? 'mixture' : workloads[name].name)
const rowsOf = (name: WorkloadName) => (name === 'mixture' ? 3.6 : workloads[name].rows)

/** The text of docs/benchmarks.md, without the sections that other benchmarks write. */
export function page(results: Results): string {
  return [
    '# Benchmarks',
    '',
    'This page is written by `npm run bench`. The load generator, the service and Postgres share one machine, so compare',
    'the ratios rather than the rates.',
    '',
    results.machine,
    '',
    'There are three modes. *noop* is Nightpost with a store that commits nothing. *nightpost* is the service.',
    '*transaction* is a Fastify and Drizzle service with the same tables that opens a transaction for each request',
    '(`bench/servers/transaction.ts`).',
    '',
    `The modes took turns, ${results.rounds} times each. The table shows the run of each with the median number of requests per`,
    'second. After each run of *nightpost* and *transaction*, the bench looks up every acknowledged delivery in the database,',
    'and fails if one is missing.',
    ...disturbance(results),
    '',
    '| workload | connections | mode | requests/s | rows/s | p50 ms | p99 ms | mean group | WAL B/delivery | database B/delivery |',
    '|---|--:|---|--:|--:|--:|--:|--:|--:|--:|',
    ...results.measurements.map((m) =>
      [
        '',
        title(m.workload),
        m.connections,
        m.refused > 0 ? `${m.mode} (${m.refused} × 503: the queue was full)` : m.mode,
        whole(m.requestsPerSecond),
        whole(m.requestsPerSecond * rowsOf(m.workload)),
        digits(m.p50),
        digits(m.p99),
        digits(m.groupSize),
        digits(m.walPerDelivery),
        digits(m.databasePerDelivery),
        '',
      ]
        .join(' | ')
        .trim(),
    ),
    '',
    '## Ratios',
    '',
    '| workload | connections | requests/s: nightpost ÷ transaction | p50: nightpost ÷ transaction | p99: nightpost ÷ transaction | requests/s: nightpost ÷ noop |',
    '|---|--:|--:|--:|--:|--:|',
    ...ratios(results),
    '',
    '## Bytes and CPU per delivery',
    '',
    'Bytes on disk by kind. *Hot* bodies are one value for each group. *Packed* is the same after `nightpost maintain` of the',
    'next day. CPU is in microseconds, of the process of the service and of all processes of Postgres.',
    '',
    '| workload | connections | entry | its indexes | hot body | packed body | rows | all, hot | all, packed | WAL | service µs | Postgres µs |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...bytes(results),
    '',
    '## The database ceiling',
    '',
    'The same rows, including the ledger, are written by `COPY` into the same indexed tables: without HTTP, and without',
    'checking which rows exist already. The rows of the ledger are not counted.',
    '',
    '| workload | COPY rows/s | best nightpost rows/s | nightpost ÷ COPY |',
    '|---|--:|--:|--:|',
    ...results.ceilings.map(({ workload, rowsPerSecond }) => {
      const rates = results.measurements.filter((m) => m.workload === workload && m.mode === 'nightpost')
      const best = Math.max(0, ...rates.map((m) => m.requestsPerSecond)) * rowsOf(workload)
      return `| ${title(workload)} | ${whole(rowsPerSecond)} | ${whole(best)} | ${ratio(best, rowsPerSecond)} |`
    }),
    '',
  ].join('\n')
}

/** Empty if no run lost CPU time to other virtual machines; runs that lost more than 3 % were repeated, see `undisturbed.ts`. */
function disturbance({ measurements }: Results): string[] {
  const most = Math.max(0, ...measurements.map(({ stolen }) => stolen))
  if (most === 0) return []
  return [
    '',
    `The machine is virtual. Other virtual machines took at most ${Math.ceil(most * 100)} % of the CPU time from a run in the table,`,
    'including its preparation and its checks.',
  ]
}

function bytes({ measurements }: Results): string[] {
  return measurements.flatMap((m) => {
    if (!m.hot || !m.packed) return []
    const { entries, entryIndexes, hotBodies, rows } = m.hot
    const rest = entries + entryIndexes + rows
    const cells = [
      title(m.workload),
      m.connections,
      ...[entries, entryIndexes, hotBodies, m.packed.packedBodies, rows].map(whole),
      whole(rest + hotBodies),
      whole(rest + m.packed.packedBodies),
      digits(m.walPerDelivery),
      whole(m.serviceCpu),
      whole(m.postgresCpu),
    ]
    return [`| ${cells.join(' | ')} |`]
  })
}

function ratios({ measurements }: Results): string[] {
  const find = (workload: WorkloadName, connections: number, mode: Mode) =>
    measurements.find((m) => m.workload === workload && m.connections === connections && m.mode === mode)
  return measurements
    .filter(({ mode }) => mode === 'nightpost')
    .map((ours) => {
      const theirs = find(ours.workload, ours.connections, 'transaction')
      const ceiling = find(ours.workload, ours.connections, 'noop')
      const cells = [
        title(ours.workload),
        ours.connections,
        ratio(ours.requestsPerSecond, theirs?.requestsPerSecond),
        ratio(ours.p50, theirs?.p50),
        ratio(ours.p99, theirs?.p99),
        ratio(ours.requestsPerSecond, ceiling?.requestsPerSecond),
      ]
      return `| ${cells.join(' | ')} |`
    })
}

/** The section of docs/benchmarks.md on growth. */
export function growthText(growth: Growth): string {
  const rates = (of: 'empty' | 'full') => growth.pairs.map((pair) => whole(pair[of])).join(', ')
  const wal = (of: 'empty' | 'full') => growth.wal.map((pair) => whole(pair[of])).join(', ')
  const ratios = growth.pairs.map(({ empty, full }) => full / empty).sort((a, b) => a - b)
  return [
    '## Growth',
    '',
    'The mixture was sent over 256 connections to two databases in turns:',
    '',
    `- to a database that was empty at the start: ${rates('empty')} requests/s;`,
    `- to a database with ${whole(growth.entries)} entries of ${whole(growth.owners)} owners, ${whole(growth.biomarkers)} biomarkers and`,
    `  ${whole(growth.samples)} samples: ${rates('full')} requests/s.`,
    '',
    `The deliveries were of all ${whole(growth.owners)} owners. A checkpoint came before each run. Bytes of write-ahead log per delivery:`,
    `empty ${wal('empty')}; full ${wal('full')}.`,
    '',
    `The median of the ratios (full ÷ empty) is ${digits(ratios[Math.floor(ratios.length / 2)] ?? null)}.`,
    '',
    `Then the mixture was sent over 64 connections for ${growth.soakSeconds} s, ${whole(growth.soakRequests)} deliveries in all. The`,
    `service's resident memory in MB, in even intervals: ${growth.memory.join(', ')}.`,
    '',
  ].join('\n')
}
