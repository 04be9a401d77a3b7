import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { answersIn, lost, strange } from './answers.ts'
import { audit } from './audit.ts'
import { connected, type Fault, type World } from './faults.ts'
import type { Answer } from './poster.ts'

/** What is promised: seconds until it works again after a fault, and until any request is answered. */
const RECOVERY_LIMIT = 10
const ANSWER_LIMIT = 30

export interface Round {
  readonly fault: string
  readonly kills: number
  /** Deliveries acknowledged, refused with 503 and left without an answer, from this fault to the next. */
  readonly acked: number
  readonly refused: number
  readonly broken: number
  /** Seconds from the end of the fault to the first delivery that was sent after it and acknowledged. */
  readonly recovery: number
  /** Seconds that the slowest request took. */
  readonly slowest: number
  /** What broke a promise, one line each. */
  readonly violations: readonly string[]
}

export interface StageOptions {
  readonly directory: string
  readonly connections: number
  readonly pause: number
  readonly onRound?: (round: Round) => void
}

/** Strikes one fault after the other while deliveries keep coming, and checks every promise after each. */
export async function stage(
  world: World,
  plan: Iterable<Fault>,
  { directory, connections, pause, onRound }: StageOptions,
): Promise<Round[]> {
  const file = join(directory, 'answers.jsonl')
  const poster = fork(join(import.meta.dirname, 'poster.ts'), { execArgv: ['--import', 'tsx'] })
  const posterEnds = once(poster, 'exit')
  const answers = answersIn(file)
  const rounds: Round[] = []
  const end = (round: Round) => {
    rounds.push(round)
    onRound?.(round)
  }

  /** Seconds until a delivery sent after `since` was acknowledged; at most twice the limit. */
  async function untilAcked(since: number): Promise<number> {
    let recovered: Answer | undefined
    while (!recovered && Date.now() < since + 2 * RECOVERY_LIMIT * 1000) {
      await sleep(20)
      recovered = answers.read().find(({ sent, status }) => sent >= since && status === 200)
    }
    return ((recovered?.answered ?? Date.now()) - since) / 1000
  }

  async function check(since: number): Promise<Omit<Round, 'fault' | 'kills' | 'recovery'>> {
    answers.read()
    const fresh = answers.all.slice(since)
    const client = await connected(world.postgres.url())
    const violations = [...strange(fresh), ...(await lost(client, answers.all)), ...(await audit(client))]
    await client.end()
    const slowest = Math.max(0, ...fresh.map(({ sent, answered }) => answered - sent)) / 1000
    if (slowest > ANSWER_LIMIT) violations.push(`a request was answered after ${slowest} s`)
    const count = (which: (answer: Answer) => boolean) => fresh.filter(which).length
    return {
      acked: count(({ status }) => status === 200),
      refused: count(({ status }) => status === 503),
      broken: count(({ status }) => typeof status === 'string'),
      ...{ slowest, violations },
    }
  }

  try {
    poster.send({ ports: [world.service.port], file, connections, pause })
    await untilAcked(Date.now())
    for (const { name, kills, strike } of plan) {
      await sleep(100 + world.random() * 600)
      answers.read()
      const since = answers.all.length
      await strike(world)
      const recovery = await untilAcked(Date.now())
      const found = await check(since)
      const late = recovery > RECOVERY_LIMIT ? [`it took ${recovery} s to recover`] : []
      end({ fault: name, kills, recovery, ...found, violations: [...late, ...found.violations] })
    }
    const since = answers.all.length
    poster.send('stop')
    const isDone = await Promise.race([posterEnds, sleep(2 * ANSWER_LIMIT * 1000, null, { ref: false })])
    const found = await check(since)
    const stuck = isDone ? [] : ['some deliveries were never acknowledged']
    const violations = [...stuck, ...found.violations]
    end({ fault: '(all that failed, sent again)', kills: 0, recovery: 0, ...found, violations })
  } finally {
    if (poster.exitCode === null) poster.kill()
    answers.close()
  }
  return rounds
}
