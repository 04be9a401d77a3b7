// Simulates the plans of docs/scale.md and prints their table: npm run bench:scale
import { seededRandom } from '../../src/tools/simulate/seeded-random.ts'
import { type Cluster, type Costs, simulate } from './cluster.ts'

const MICROSECOND = 1e-6

/**
 * The mixture of `npm run bench`, CPU by group size: `--only mixture --modes nightpost --connections 1,8,32,256`. A line through
 * the costs of groups of 1, 3, 12 and 90 gives those of a delivery and of a group.
 */
const PLAIN: Costs = {
  serviceDelivery: 140 * MICROSECOND,
  serviceGroup: 600 * MICROSECOND,
  postgresDelivery: 150 * MICROSECOND,
  postgresGroup: 700 * MICROSECOND,
  coordinatorGroup: 0,
  transactionWait: 1.5e-3,
}

/**
 * Separate statements instead of one, planned by the coordinator and again by the node. Measured with groups of 4 and of 64 biomarkers, by
 * turns with plain Postgres, beside other work (docs/decisions.md): a line through both gives these costs of a group.
 */
const CITUS: Costs = {
  ...PLAIN,
  serviceGroup: 3_800 * MICROSECOND,
  coordinatorGroup: 5_500 * MICROSECOND,
  postgresGroup: 3_600 * MICROSECOND,
  transactionWait: 5e-3,
}

const one: Cluster = {
  nodes: 1,
  cores: 4,
  coordinatorCores: 0,
  processes: 1,
  lanes: 1,
  writers: 2,
  mostInGroup: 512,
}
const citus = (nodes: number, cores: number, coordinatorCores: number, processes: number): Cluster => ({
  ...{ nodes, cores, coordinatorCores, processes },
  lanes: 2 * nodes,
  writers: 4,
  mostInGroup: 512,
})

/** Bytes on disk of a delivery of the mixture after packing, with its rows and indexes; and of write-ahead log. */
const DISK_BYTES = 2_170
const WAL_BYTES = 2_970
const SECONDS_OF_MONTH = 30 * 86_400

const plans: ReadonlyArray<
  readonly [name: string, cluster: Cluster, costs: Costs, rates: readonly number[]]
> = [
  ['1 process, Postgres with 4 cores', one, PLAIN, [500, 2_000, 4_000]],
  ['2 processes, Postgres with 8 cores', { ...one, cores: 8, processes: 2 }, PLAIN, [4_000, 8_000]],
  ['6 processes, Postgres with 16 cores', { ...one, cores: 16, processes: 6 }, PLAIN, [8_000, 20_000]],
  [
    '10 processes, Citus: coordinator with 16 cores, 2 nodes with 8',
    citus(2, 8, 16, 10),
    CITUS,
    [8_000, 20_000],
  ],
  [
    '10 processes, Citus: coordinator with 16 cores, 4 nodes with 8',
    citus(4, 8, 16, 10),
    CITUS,
    [8_000, 20_000],
  ],
  [
    '20 processes, Citus: coordinator with 32 cores, 8 nodes with 8',
    citus(8, 8, 32, 20),
    CITUS,
    [8_000, 20_000, 30_000],
  ],
]

const SECONDS = 30
const percent = (share: number) => `${Math.round(share * 100)} %`
const milliseconds = (seconds: number) => (seconds >= 10 ? '–' : `${Math.round(seconds * 1_000)}`)
const number = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 1 })

const lines = [
  '| plan | deliveries/s | service busy | coordinator busy | nodes busy | mean group | p50 ms | p99 ms | disk of a month, TB | log MB/s |',
  '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
]
for (const [name, cluster, costs, rates] of plans) {
  for (const rate of rates) {
    const { next } = seededRandom('scale', name, rate)
    const found = simulate(cluster, costs, rate, SECONDS, next)
    const isTooSmall = found.waiting > rate
    lines.push(
      `| ${[
        name,
        number(rate),
        percent(Math.min(1, found.serviceBusy)),
        costs.coordinatorGroup > 0 ? percent(Math.min(1, found.coordinatorBusy)) : '–',
        percent(Math.min(1, found.postgresBusy)),
        number(found.meanGroup),
        isTooSmall ? 'too small' : milliseconds(found.p50),
        isTooSmall ? 'too small' : milliseconds(found.p99),
        number((rate * SECONDS_OF_MONTH * DISK_BYTES) / 1e12),
        number((rate * WAL_BYTES) / 1e6),
      ].join(' | ')} |`,
    )
  }
}
process.stdout.write(`${lines.join('\n')}\n`)
