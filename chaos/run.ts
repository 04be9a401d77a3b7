// npm run chaos: injects faults into a service under load, and checks every promise after each.
import { resolve } from 'node:path'
import Table from 'cli-table3'
import { Command, InvalidArgumentError } from 'commander'
import { faultPlan, pseudoRandom } from './fault-plan.ts'
import { type Fault, faults } from './faults.ts'
import type { Round } from './run-faults.ts'
import { runOnEmbeddedPostgres, runOnExternalPostgres, runUpkeepOnExternalPostgres } from './systems.ts'
import type { UpkeepResult, Waits } from './upkeep.ts'

const integer = (text: string) => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

const { kills, seed, connections, pause, slow, upkeep } = new Command('chaos')
  .description(
    'Injects faults into a service under load, and checks after each that no acknowledged delivery is lost.',
  )
  .option(
    '--kills <n>',
    'number of processes that get a SIGKILL, a third of them on the embedded Postgres',
    integer,
    60,
  )
  .option('--seed <n>', 'seed of the order and the timing of the faults', integer, Date.now() % 1_000_000)
  .option('--connections <n>', 'connections of the sender', integer, 16)
  .option('--pause <ms>', 'pause of each connection between two requests', integer, 60)
  .option('--slow', 'only the faults that last 50 s: Postgres silent, a table locked')
  .option(
    '--upkeep',
    'only the kills of processes that run maintain. For 1,000 deliveries a second: --connections 32 --pause 20',
  )
  .parse()
  .opts<{ kills: number; seed: number; connections: number; pause: number; slow?: true; upkeep?: true }>()

const random = pseudoRandom(seed)
process.stdout.write(`seed ${seed}\n`)
const options = {
  connections,
  pause,
  random,
  program: resolve(import.meta.dirname, '../dist/main.js'),
  onRound: print,
} as const
const onEmbedded = slow || upkeep ? 0 : Math.round(kills / 3)
const onExternal = slow || upkeep ? 0 : kills - onEmbedded

/** After Ctrl-C, the run stops after the current fault, so that no process and no file is left behind. */
let isInterrupted = false
process.on('SIGINT', () => {
  isInterrupted = true
})
function* untilInterrupted(plan: Iterable<Fault>): Generator<Fault> {
  for (const fault of plan) {
    if (isInterrupted) return
    yield fault
  }
}

const results = {
  'embedded Postgres':
    slow || upkeep
      ? []
      : await runOnEmbeddedPostgres({
          ...options,
          plan: untilInterrupted(faultPlan(faults.embedded, onEmbedded, random)),
        }),
  'external Postgres': upkeep
    ? []
    : await runOnExternalPostgres({
        ...options,
        plan: untilInterrupted([...faultPlan(faults.external, onExternal, random), ...faults.slow]),
      }),
}
const ofUpkeep =
  slow || isInterrupted
    ? null
    : await runUpkeepOnExternalPostgres({
        ...{ connections, pause, random, kills: upkeep ? kills : Math.ceil(kills / 6) },
        build: resolve(import.meta.dirname, '../dist'),
        onKill: (text) => process.stdout.write(`maintain: ${text}\n`),
      })

function print({ fault, recovery, slowest, violations }: Round): void {
  const times = `recovered after ${recovery.toFixed(2)} s, slowest answer ${slowest.toFixed(2)} s`
  process.stdout.write(`${violations.length === 0 ? 'ok  ' : 'FAIL'} ${fault}: ${times}\n`)
  for (const violation of violations) process.stdout.write(`     ${violation}\n`)
}

const head = [
  '',
  'rounds',
  'kills',
  'acked',
  '503',
  'no answer',
  'slowest recovery',
  'slowest answer',
  'violations',
]
const table = new Table({ head, style: { head: [], border: [] }, colAligns: ['left'] })
for (const [system, rounds] of Object.entries(results)) {
  table.push([{ content: system, colSpan: head.length }])
  for (const name of new Set(rounds.map(({ fault }) => fault))) {
    table.push(
      row(
        name,
        rounds.filter(({ fault }) => fault === name),
      ),
    )
  }
}
const all = Object.values(results).flat()
if (all.length > 0) {
  table.push(row('all', all))
  process.stdout.write(`\n${table}\n`)
}
if (ofUpkeep) printUpkeep(ofUpkeep)
const violations = [...all, ...(ofUpkeep ? [ofUpkeep] : [])].flatMap((each) => each.violations)
process.exitCode = violations.length > 0 ? 1 : 0

function printUpkeep(result: UpkeepResult): void {
  const { kills, acked, completedRuns, packs, lockTimeouts, waitsAlone, waitsBeside } = result
  const line = (name: string, { count, perSecond, median, p99, longest }: Waits) =>
    [
      name,
      count,
      perSecond.toFixed(0),
      ...[median, p99, longest].map((s) => `${(1000 * s).toFixed(0)} ms`),
    ].map(String)
  const waits = new Table({
    head: ['acknowledged', 'deliveries', 'per second', 'median', 'p99', 'longest'],
    ...{ style: { head: [], border: [] } },
  })
  waits.push(line('without maintain', waitsAlone), line('beside maintain', waitsBeside))
  process.stdout.write(
    `\nmaintain: ${kills} kills, ${acked} acknowledged, ${completedRuns} runs completed with ${packs} bodies packed, ` +
      `${lockTimeouts} lock timeouts, ${result.violations.length} violations\n` +
      `longest wait of the service for a lock of maintain: ${(1000 * result.longestLockWait).toFixed(0)} ms\n${waits}\n`,
  )
  for (const violation of result.violations.slice(0, 20)) process.stdout.write(`     ${violation}\n`)
}

function row(name: string, rounds: readonly Round[]): string[] {
  const sum = (value: (round: Round) => number) => rounds.reduce((total, round) => total + value(round), 0)
  const most = (value: (round: Round) => number) => `${Math.max(...rounds.map(value)).toFixed(2)} s`
  return [
    name,
    ...[rounds.length, sum(({ kills }) => kills), sum(({ acked }) => acked)].map(String),
    ...[sum(({ refused }) => refused), sum(({ unanswered }) => unanswered)].map(String),
    ...[most(({ recovery }) => recovery), most(({ slowest }) => slowest)],
    String(sum(({ violations }) => violations.length)),
  ]
}
