// npm run bench:views: the views with a million nights stored, in a throw-away Postgres.
import { cpus, loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import type pg from 'pg'
import { startPostgres } from './database.ts'
import { machine } from './machine.ts'
import { DAYS, fillNights } from './nights.ts'
import { writeSection } from './page.ts'

const options = new Command('bench:views')
  .description('Measures the views and writes their section of docs/benchmarks.md.')
  .option('--users <n>', `each has ${DAYS} nights; fewer than 2740 write nothing`, '2740')
  .option('--runs <n>', 'of each query, each for another user', '200')
  .option(
    '--wait <seconds>',
    'at most so long for a machine that is otherwise idle, once the data are loaded',
    '0',
  )
  .parse()
  .opts<{ users: string; runs: string; wait: string }>()
const users = Number(options.users)
const runs = Number(options.runs)

interface Question {
  name: string
  /** $1 is the owner, $2 a session of it. */
  query: string
  /** Milliseconds, of the server's median. */
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
    name: "a user's year of intervals, added up by stage",
    query: `select stage_name, sum(duration_seconds) from sleep_stage_intervals
      where user_id = $1 and series = 'sleep' group by stage_name`,
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
    name: 'every user: mean deep sleep by week, of all nights',
    query: `select date_trunc('week', sleep_date), avg(deep_minutes) from sleep_nights group by 1`,
    runs: 2,
  },
]

const server = await startPostgres()
try {
  const { client, size } = await server.createDatabase()
  const started = performance.now()
  await fillNights(client, users)
  const loaded = (performance.now() - started) / 1000
  const { database } = await size()
  process.stdout.write(`loaded in ${Math.round(loaded)} s\n`)
  await idleMachine(Number(options.wait))
  const lines = []
  for (const question of questions) lines.push(await measure(client, question))
  const text = [
    '## The views, with a million nights stored',
    '',
    'Written by `npm run bench:views`: simulated nights, copied within a throw-away Postgres (`bench/nights.ts`). Each',
    'query runs once for each of many users drawn at random, from a client over TCP: planning and reading the rows',
    'included; nothing is prepared. *Server* is what Postgres itself says that planning and execution took, as a median;',
    'the limit is for the sum of the two. On a busy machine the client waits for its turn as well: mind the load average.',
    '',
    `${machine(server.version).replace(/, fsync.*/, '')}, its defaults (shared_buffers 128 MB); load average ${loadavg()[0]?.toFixed(1)}`,
    '',
    `${(users * DAYS).toLocaleString('en')} nights of ${users.toLocaleString('en')} users with two series each,`,
    `${(users * 186).toLocaleString('en')} windows of nights in progress, and as many biomarkers and scores as nights:`,
    `${(database / 2 ** 30).toFixed(1)} GiB with indexes, loaded in ${Math.round(loaded)} s.`,
    '',
    '| query | rows | fastest ms | p50 ms | p95 ms | server: planning + execution ms | limit ms |',
    '|---|--:|--:|--:|--:|--:|--:|',
    ...lines,
    '',
    'How the predicate on the user reaches the index, of the hypnogram and of the year of nights:',
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
      `explain (analyze, summary, timing off) ${query}`,
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
  if (limit && median > limit) process.exitCode = 1
  const server = `${ms(quantile(planning, 0.5))} + ${ms(quantile(execution, 0.5))}`
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

/** The nodes that read tables, and by what. */
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
