import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { lostDeliveries, openAnswerFile, unexpectedAnswers } from './answers.ts'
import { audit } from './audit.ts'
import { bodyFaults, leftPartitions } from './body-faults.ts'
import type { MaintainAnswer, MaintainRequest } from './maintain-process.ts'
import { DAY, type MovedDays, movedTime } from './moved-clock.ts'
import { connect } from './postgres.ts'
import type { Answer } from './sender.ts'

const HOUR = 3_600_000

export interface UpkeepOptions {
  /** The service, whose clock is a `MovedClock` of these days. */
  readonly port: number
  readonly days: MovedDays
  /** A direct connection to its database. */
  readonly url: string
  /** Directory of the compiled service. */
  readonly build: string
  /** Directory for the sender's file. */
  readonly directory: string
  readonly connections: number
  /** Milliseconds that each connection waits between two requests. */
  readonly pause: number
  /** How many processes that run `maintain` get a SIGKILL. */
  readonly kills: number
  /** A pseudo-random number from 0 to 1, excluding 1. */
  readonly random: () => number
  /** Milliseconds of load without `maintain` at the beginning, for comparison. */
  readonly alone: number
  /** Kills Postgres and starts it again; called beside every `postgresEvery`th kill. */
  readonly killPostgres?: () => Promise<void>
  readonly postgresEvery?: number
  readonly onKill?: (text: string) => void
}

/** Seconds from the request to its acknowledgement. */
export interface Waits {
  readonly count: number
  readonly perSecond: number
  readonly median: number
  readonly p99: number
  readonly longest: number
}

export interface UpkeepResult {
  readonly kills: number
  readonly acked: number
  /** Bodies that were packed, and partitions that were dropped, by runs that were not killed. */
  readonly completedRuns: number
  readonly packs: number
  /** Runs that ended because a lock was not free within a second. */
  readonly lockTimeouts: number
  readonly waitsAlone: Waits
  /** While `maintain` ran and Postgres was not killed. */
  readonly waitsBeside: Waits
  /** Seconds for which a session of the service waited for a lock that `maintain` held; 0 if none was seen waiting. */
  readonly longestLockWait: number
  readonly violations: readonly string[]
}

/**
 * Runs `maintain` in processes of its own beside the load, and kills each at a random moment of its work. At the end lets it
 * finish, and checks that the bytes of every acknowledged delivery are there exactly once.
 */
export async function runUpkeep(options: UpkeepOptions): Promise<UpkeepResult> {
  const { port, days, url, directory, connections, pause, kills, random } = options
  const file = join(directory, 'answers.jsonl')
  const sender = fork(join(import.meta.dirname, 'sender.ts'), { execArgv: ['--import', 'tsx'] })
  const senderExit = once(sender, 'exit')
  const answers = openAnswerFile(file)
  const violations: string[] = []
  const result = { completedRuns: 0, packs: 0, lockTimeouts: 0 }
  const beside: Period[] = []
  const disturbed: Period[] = []

  const newest = new Map<number, number>()
  /** No delivery that arrived before this moment is still being written: its connection has sent another since. */
  const settled = () => {
    for (const { connection, sent } of answers.readNew()) newest.set(connection, sent)
    return newest.size < connections ? 0 : Math.min(...newest.values())
  }
  const closedDay = () => Math.floor((movedTime(days, settled()) - HOUR) / DAY)

  const locks = new LockWatch(url)
  let process: MaintainProcess | undefined
  let finishedDay = Number.NEGATIVE_INFINITY
  let typicalRun = 500
  /** Lets `maintain` run at the moved time of the present. Returns false if the process was killed meanwhile. */
  async function run(now: number, killAfter?: number): Promise<boolean> {
    process ??= new MaintainProcess()
    const since = Date.now()
    const answer = await process.run({ url, build: options.build, now }, killAfter)
    beside.push([since, Date.now()])
    if (answer === 'killed') {
      process = undefined
      return false
    }
    if ('error' in answer) {
      if (answer.code === LOCK_TIMEOUT) result.lockTimeouts += 1
      else if (disturbed.length === 0) violations.push(`maintain failed: ${answer.error}`)
      await sleep(50)
    } else if (answer.done) {
      result.completedRuns += 1
      result.packs += answer.done.bodiesPacked
      typicalRun = (typicalRun + Date.now() - since) / 2
      finishedDay = Math.floor((now - HOUR) / DAY)
    } else await sleep(20)
    return true
  }

  try {
    sender.send({ ports: [port], file, connections, pause })
    while (settled() === 0) await sleep(20)
    const alone: Period = [Date.now(), Date.now() + options.alone]
    await sleep(options.alone)
    for (let killed = 0; killed < kills; killed += 1) {
      // A whole run between two kills, which takes up what the killed one left. Otherwise none might reach the last steps.
      const before = result.completedRuns
      while (result.completedRuns === before) await run(movedTime(days, settled()))
      for (;;) {
        while (closedDay() <= finishedDay) await sleep(10)
        if (!(await run(movedTime(days, settled()), random() * 1.2 * typicalRun))) break
      }
      if (options.killPostgres && (killed + 1) % (options.postgresEvery ?? 10) === 0) {
        const since = Date.now()
        await options.killPostgres()
        disturbed.push([since, Date.now() + 3_000])
      }
      options.onKill?.(
        `${killed + 1} kills, ${answers.all.length} answers, day ${closedDay() - Math.floor(days.origin / DAY)}`,
      )
    }
    sender.send('stop')
    await senderExit
    const end = movedTime(days, Date.now()) + 3 * DAY
    while (finishedDay < Math.floor((end - HOUR) / DAY)) await run(end)
    answers.readNew()

    const client = await connect(url)
    violations.push(
      ...unexpectedAnswers(answers.all),
      ...(await lostDeliveries(client, answers.all)),
      ...(await bodyFaults(client)),
      ...(await leftPartitions(client, end - DAY)),
      ...(await audit(client)),
    )
    await client.end()
    const acked = answers.all.filter(({ status }) => status === 200)
    const undisturbed = acked.filter((answer) => !overlaps(answer, disturbed))
    return {
      kills,
      acked: acked.length,
      ...result,
      waitsAlone: waits(undisturbed, [alone]),
      waitsBeside: waits(undisturbed, beside),
      longestLockWait: locks.longest,
      violations,
    }
  } finally {
    if (sender.exitCode === null) sender.kill()
    process?.kill()
    await locks.stop()
    answers.close()
  }
}

const LOCK_TIMEOUT = '55P03'

/** Milliseconds of Unix time, from and to. */
type Period = readonly [number, number]

const overlaps = ({ sent, answered }: Answer, periods: readonly Period[]) =>
  periods.some(([from, to]) => sent < to && answered > from)

function waits(answers: readonly Answer[], periods: readonly Period[]): Waits {
  const sorted = answers
    .filter((answer) => overlaps(answer, periods))
    .map(({ sent, answered }) => (answered - sent) / 1000)
    .sort((a, b) => a - b)
  const seconds = periods.reduce((sum, [from, to]) => sum + (to - from) / 1000, 0)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return {
    count: sorted.length,
    perSecond: sorted.length / seconds,
    median: at(0.5),
    p99: at(0.99),
    longest: sorted.at(-1) ?? 0,
  }
}

/** Looks twenty times a second which sessions of the service wait for a lock of `maintain`. */
class LockWatch {
  /** Seconds of the longest wait that was seen. */
  longest = 0
  #isStopped = false
  readonly #watching: Promise<void>

  constructor(url: string) {
    this.#watching = this.#watch(url)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#watching
  }

  async #watch(url: string): Promise<void> {
    while (!this.#isStopped) {
      const client = await connect(url).catch(() => undefined)
      while (client && !this.#isStopped && (await this.#look(client).catch(() => false))) await sleep(50)
      await client?.end().catch(() => {})
      await sleep(50)
    }
  }

  async #look(client: pg.Client): Promise<true> {
    const { rows } = await client.query(
      `select extract(epoch from clock_timestamp() - l.waitstart)::float8 as waited from pg_locks as l
       where not l.granted and exists (
         select from pg_stat_activity as a
         where a.pid = any(pg_blocking_pids(l.pid)) and a.application_name = 'chaos maintain'
       ) and l.pid not in (select pid from pg_stat_activity where application_name = 'chaos maintain')`,
    )
    for (const { waited } of rows) this.longest = Math.max(this.longest, waited)
    return true
  }
}

class MaintainProcess {
  readonly #child: ChildProcess

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'maintain-process.ts'), { execArgv: ['--import', 'tsx'] })
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** Runs `maintain` once. Kills the process so many milliseconds after the work began. */
  async run(request: MaintainRequest, killAfter?: number): Promise<MaintainAnswer | 'killed'> {
    let timer: NodeJS.Timeout | undefined
    const answer = new Promise<MaintainAnswer | 'killed'>((resolve) => {
      this.#child.on('message', (message: MaintainAnswer | 'begins') => {
        if (message !== 'begins') resolve(message)
        else if (killAfter !== undefined) timer = setTimeout(() => this.kill(), killAfter)
      })
      this.#child.once('exit', () => resolve('killed'))
    })
    this.#child.send(request)
    const received = await answer
    clearTimeout(timer)
    this.#child.removeAllListeners()
    return this.#child.killed ? 'killed' : received
  }
}
