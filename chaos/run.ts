// npm run chaos: kills, cuts and starves a service under load, and checks every promise after each blow.
import { resolve } from 'node:path'
import Table from 'cli-table3'
import { Command, InvalidArgumentError } from 'commander'
import { type Fault, faults } from './faults.ts'
import { randomFrom, turns } from './plan.ts'
import type { Round } from './stage.ts'
import { embedded, external } from './worlds.ts'

const number = (text: string) => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('A whole number is needed.')
  return Number(text)
}

const { kills, seed, connections, pause, slow } = new Command('chaos')
  .description('Breaks things while deliveries keep coming, and checks that nothing acknowledged is lost.')
  .option(
    '--kills <n>',
    'how many processes get a SIGKILL, a third of them with an embedded Postgres',
    number,
    60,
  )
  .option('--seed <n>', 'of the order and the moments of the faults', number, Date.now() % 1_000_000)
  .option('--connections <n>', 'of the sender', number, 16)
  .option('--pause <ms>', 'that each connection waits between two deliveries', number, 60)
  .option('--slow', 'only the faults that last: Postgres silent, a table locked')
  .parse()
  .opts<{ kills: number; seed: number; connections: number; pause: number; slow?: true }>()

const random = randomFrom(seed)
process.stdout.write(`seed ${seed}\n`)
const storm = {
  connections,
  pause,
  random,
  program: resolve(import.meta.dirname, '../dist/main.js'),
  onRound: print,
} as const
const onEmbedded = slow ? 0 : Math.round(kills / 3)
const onExternal = slow ? 0 : kills - onEmbedded

/** Ctrl-C ends the run in order after the fault in hand: no process and no file stays behind. */
let isInterrupted = false
process.on('SIGINT', () => {
  isInterrupted = true
})
function* uninterrupted(plan: Iterable<Fault>): Generator<Fault> {
  for (const fault of plan) {
    if (isInterrupted) return
    yield fault
  }
}

const results = {
  'embedded Postgres': slow
    ? []
    : await embedded({ ...storm, plan: uninterrupted(turns(faults.embedded, onEmbedded, random)) }),
  'external Postgres': await external({
    ...storm,
    plan: uninterrupted([...turns(faults.external, onExternal, random), ...faults.slow]),
  }),
}

function print({ fault, recovery, slowest, violations }: Round): void {
  const times = `back after ${recovery.toFixed(2)} s, slowest answer ${slowest.toFixed(2)} s`
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
for (const [where, rounds] of Object.entries(results)) {
  table.push([{ content: where, colSpan: head.length }])
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
table.push(row('all', all))
process.stdout.write(`\n${table}\n`)
process.exitCode = all.some(({ violations }) => violations.length > 0) ? 1 : 0

function row(name: string, rounds: readonly Round[]): string[] {
  const sum = (value: (round: Round) => number) => rounds.reduce((total, round) => total + value(round), 0)
  const most = (value: (round: Round) => number) => `${Math.max(...rounds.map(value)).toFixed(2)} s`
  return [
    name,
    ...[rounds.length, sum(({ kills }) => kills), sum(({ acked }) => acked)].map(String),
    ...[sum(({ refused }) => refused), sum(({ broken }) => broken)].map(String),
    ...[most(({ recovery }) => recovery), most(({ slowest }) => slowest)],
    String(sum(({ violations }) => violations.length)),
  ]
}
