// npm run bench:views: measures the views with a million nights stored, in a temporary Postgres.
import { cpus, loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import type pg from 'pg'
import { startPostgres } from './database.ts'
import { machine } from './machine.ts'
import { changePersons, DAYS, fillDay, fillNights, storeNights } from './nights.ts'
import { writeSection } from './page.ts'

const options = new Command('bench:views')
  .description('Measures the views and writes their section of docs/benchmarks.md.')
  .option(
    '--users <n>',
    `number of users, each with ${DAYS} nights; with fewer than 2740 nothing is written`,
    '2740',
  )
  .option('--runs <n>', 'runs of each query, each for a user drawn at random', '200')
  .option(
    '--wait <seconds>',
    'longest time to wait until the machine is idle, after the data are loaded',
    '0',
  )
  .parse()
  .opts<{ users: string; runs: string; wait: string }>()
const users = Number(options.users)
const runs = Number(options.runs)

/** Persons who have one more day: a night, five scores and fourteen biomarkers. */
const PERSONS = 100_000
/** Of them, persons with data that changed since their days were stored. */
const CHANGED = 3_000

interface Question {
  name: string
  /** $1 is the owner, $2 one of the owner's sessions. */
  query: string
  /** Limit in milliseconds for planning and execution. The exit status is 1 if their medians exceed it. */
  limit?: number
  session?: string
  runs?: number
}

const questions: Question[] = [
  {
    name: "one night's hypnogram (`sleep_stage_intervals`)",
    query: `select * from sleep_stage_intervals where user_id = $1 and session_id = $2 and series = 'sleep'`,
    limit: 2,
  },
  {
    name: "one night's epochs (`sleep_epochs`)",
    query: `select * from sleep_epochs where user_id = $1 and session_id = $2 and series = 'sleep'`,
  },
  {
    name: 'a night in progress, stitched from 93 windows',
    query: `select * from sleep_stage_intervals where user_id = $1 and session_id = $2 and series = 'sleep'`,
    session: 'running',
  },
  {
    name: "a user's year of nights (`sleep_nights`)",
    query: 'select * from sleep_nights where user_id = $1',
    limit: 30,
  },
  {
    name: "a user's last week (`sleep_nights`)",
    query: `select * from sleep_nights where user_id = $1 and sleep_date > date '2024-12-24'`,
  },
  {
    name: "a user's year of intervals, summed by stage",
    query: `select stage_name, sum(duration_seconds) from sleep_stage_intervals
      where user_id = $1 and series = 'sleep' group by stage_name`,
    runs: 20,
  },
  {
    name: "the regularity of a user's year (`sleep_regularity_index`)",
    query: 'select sleep_regularity_index($1)',
    limit: 200,
    runs: 20,
  },
  {
    name: "a profile's year of steps (`daily_biomarkers`)",
    query: `select local_date, value_number from daily_biomarkers where profile_id = $1 and type = 'steps'`,
  },
  {
    name: "a profile's newest scores (`latest_scores`)",
    query: 'select * from latest_scores where profile_id = $1',
  },
  {
    name: "a person's year, both vendors (`user_days`)",
    query: 'select * from user_days where person_id = $1',
    limit: 60,
  },
  {
    name: 'all users: one day (`user_days`)',
    query: `select * from user_days where local_date = '2024-07-01'`,
    runs: 10,
  },
  {
    name: 'all users: mean deep sleep by week, over all nights',
    query: `select date_trunc('week', sleep_date), avg(deep_minutes) from sleep_nights group by 1`,
    runs: 2,
  },
]

const server = await startPostgres()
try {
  const { client, size } = await server.createDatabase()
  const started = performance.now()
  await fillNights(client, users)
  const stored = await storeNights(client)
  const loaded = (performance.now() - started) / 1000
  const { database } = await size()
  process.stdout.write(`loaded in ${Math.round(loaded)} s\n`)
  await idleMachine(Number(options.wait))
  const lines = []
  for (const question of questions) lines.push(await measure(client, question))
  const day = await fillDay(client, PERSONS)
  await storeNights(client)
  const ofDay = async (name: string, view: string, limit?: number, columns = '*') =>
    lines.push(
      await measure(client, {
        name,
        query: `select ${columns} from ${view} where local_date = '${day}'`,
        runs: 5,
        ...(limit && { limit }),
      }),
    )
  await ofDay(`${PERSONS.toLocaleString('en')} other persons: one day (\`user_days\`)`, 'user_days', 1_000)
  const sleep = 'person_id, bed_minutes, asleep_minutes, sleep_efficiency'
  await ofDay('the same, only four columns of the sleep', 'user_days', 1_000, sleep)
  await changePersons(client, CHANGED)
  await ofDay(`the same, ${CHANGED.toLocaleString('en')} of them changed since`, 'user_days', 1_000)
  await ofDay('the same, every day computed (`computed_days`)', 'computed_days')
  const text = [
    '## The views, with a million nights stored',
    '',
    'This section is written by `npm run bench:views`. The nights are simulated, and copied within a temporary Postgres',
    '(`bench/nights.ts`). Each query runs many times, each time for a user drawn at random, from a client over TCP. The',
    "client's times include planning and reading the rows; no statement is prepared. *Server* is the median time that",
    'Postgres reports for planning, and for execution with the rows written as text. The limit applies to the sum of these two.',
    'The client is Node.js, which makes an object of every row; with many rows that takes most of its time. On a busy machine it',
    'also waits for a processor: note the load average.',
    '',
    `${machine(server.version).replace(/, fsync.*/, '')}, default settings (shared_buffers 128 MB); load average ${loadavg()[0]?.toFixed(1)}`,
    '',
    `The database contains ${(users * DAYS).toLocaleString('en')} nights of ${users.toLocaleString('en')} users with two series each,`,
    `${(users * 186).toLocaleString('en')} windows of nights in progress, and as many biomarkers and as many scores as nights.`,
    `It takes ${(database / 2 ** 30).toFixed(1)} GiB with indexes and was loaded in ${Math.round(loaded)} s.`,
    '',
    `All days of these ${users.toLocaleString('en')} users were computed and stored in ${Math.round(stored.seconds)} s, and take ${Math.round(stored.bytes / stored.days)} B each with their indexes.`,
    `For the last four lines ${PERSONS.toLocaleString('en')} more persons have one night, five scores and fourteen biomarkers each.`,
    '',
    '| query | rows | fastest ms | p50 ms | p95 ms | server: planning + execution ms | limit ms |',
    '|---|--:|--:|--:|--:|--:|--:|',
    ...lines,
    '',
    'How the condition on the user reaches the index, for the hypnogram and for the year of nights:',
    '',
    '```text',
    ...(await plan(client, questions[0])),
    '',
    ...(await plan(client, questions[3])),
    '```',
    '',
  ].join('\n')
  process.stdout.write(text)
  if (users >= 2740) writeSection('views', text)
} finally {
  await server.stop()
}

async function idleMachine(seconds: number): Promise<void> {
  const deadline = performance.now() + seconds * 1000
  const isBusy = () => (loadavg()[0] ?? 0) > cpus().length / 2
  while (isBusy() && performance.now() < deadline) await sleep(1000)
}

async function measure(
  client: pg.Client,
  { name, query, limit, session, runs: own }: Question,
): Promise<string> {
  const times: number[] = []
  const planning: number[] = []
  const execution: number[] = []
  let rows = 0
  for (let run = 0; run < (own ?? runs); run += 1) {
    const values = parameters(query, session)
    const started = performance.now()
    const result = await client.query(query, values)
    times.push(performance.now() - started)
    rows = result.rows.length
    if (rows === 0) throw new Error(`no rows: ${name}`)
    const explained = await client.query(
      `explain (analyze, summary, timing off, serialize text) ${query}`,
      parameters(query, session),
    )
    const text = explained.rows.map((row) => row['QUERY PLAN']).join('\n')
    planning.push(Number(/Planning Time: ([\d.]+)/.exec(text)?.[1]))
    execution.push(Number(/Execution Time: ([\d.]+)/.exec(text)?.[1]))
  }
  const [fastest, median, slow] = [0, 0.5, 0.95].map((share) => quantile(times, share)) as [
    number,
    number,
    number,
  ]
  const [plan, run] = [quantile(planning, 0.5), quantile(execution, 0.5)]
  if (limit && plan + run > limit) process.exitCode = 1
  const server = `${ms(plan)} + ${ms(run)}`
  return `| ${name} | ${rows.toLocaleString('en')} | ${ms(fastest)} | ${ms(median)} | ${ms(slow)} | ${server} | ${limit ?? ''} |`
}

function quantile(values: number[], share: number): number {
  return values.sort((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? 0
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(2) : Math.round(value).toLocaleString('en')
}

function parameters(query: string, session?: string): string[] {
  const owner = `G-20250101000000-${String(1 + Math.floor(Math.random() * users)).padStart(20, '0')}`
  if (query.includes('$2')) return [owner, `${owner}/${session ?? 1 + Math.floor(Math.random() * DAYS)}`]
  return query.includes('$1') ? [owner] : []
}

/** The nodes of the query plan that read tables, with their index conditions. */
async function plan(client: pg.Client, question: Question | undefined): Promise<string[]> {
  const query = question?.query ?? ''
  const { rows } = await client.query(`explain (costs off) ${query}`, parameters(query))
  return [
    query,
    ...rows
      .map((row) => row['QUERY PLAN'] as string)
      .filter((line) => /Scan|Index Cond|Cache Key/.test(line)),
  ]
}
