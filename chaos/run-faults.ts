import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { lostDeliveries, openAnswerFile, unexpectedAnswers } from './answers.ts'
import { audit } from './audit.ts'
import type { Fault } from './faults.ts'
import { connect } from './postgres.ts'
import type { Answer } from './sender.ts'
import type { System } from './system.ts'

/** Seconds until Nightpost must acknowledge deliveries again after a fault. */
const RECOVERY_LIMIT = 10
/** Seconds until any request must be answered. */
const ANSWER_LIMIT = 30
/** Milliseconds, at most, of undisturbed load before and after a fault. */
const MAX_PAUSE_MS = 700

/** The load from one check to the next, with one fault. */
export interface Round {
  readonly fault: string
  readonly kills: number
  /** Numbers of requests acknowledged, answered 503, and left without an answer. */
  readonly acked: number
  readonly refused: number
  readonly unanswered: number
  /** Seconds from the end of the fault until a request that was sent after it was acknowledged. */
  readonly recovery: number
  /** Seconds that the slowest request took. */
  readonly slowest: number
  /** Descriptions of the promises that were broken. */
  readonly violations: readonly string[]
}

export interface RunOptions {
  readonly directory: string
  readonly connections: number
  /** Milliseconds that each connection waits between two requests. */
  readonly pause: number
  /** Seconds. Beside other tests, a service may take longer to start. */
  readonly recoveryLimit?: number
  readonly onRound?: (round: Round) => void
}

/** Injects the faults one after the other under load, and checks every promise after each. */
export async function runFaults(
  system: System,
  plan: Iterable<Fault>,
  { directory, connections, pause, recoveryLimit = RECOVERY_LIMIT, onRound }: RunOptions,
): Promise<Round[]> {
  const file = join(directory, 'answers.jsonl')
  const sender = fork(join(import.meta.dirname, 'sender.ts'), { execArgv: ['--import', 'tsx'] })
  const senderExit = once(sender, 'exit')
  const answers = openAnswerFile(file)
  const rounds: Round[] = []
  const addRound = (round: Round) => {
    rounds.push(round)
    onRound?.(round)
  }

  /** Seconds until a request that was sent after `since` was acknowledged; at most twice the limit. */
  async function recoveryTime(since: number): Promise<number> {
    let acknowledged: Answer | undefined
    while (!acknowledged && Date.now() < since + 2 * recoveryLimit * 1000) {
      await sleep(20)
      acknowledged = answers.readNew().find(({ sent, status }) => sent >= since && status === 200)
    }
    return ((acknowledged?.answered ?? Date.now()) - since) / 1000
  }

  let checkedAnswers = 0
  /** Checks the answers since the last check, and the whole database. */
  async function check(): Promise<Omit<Round, 'fault' | 'kills' | 'recovery'>> {
    answers.readNew()
    const unchecked = answers.all.slice(checkedAnswers)
    checkedAnswers = answers.all.length
    const client = await connect(system.postgres.url())
    const violations = [
      ...unexpectedAnswers(unchecked),
      ...(await lostDeliveries(client, answers.all)),
      ...(await audit(client)),
    ]
    await client.end()
    const slowest = Math.max(0, ...unchecked.map(({ sent, answered }) => answered - sent)) / 1000
    if (slowest > ANSWER_LIMIT) violations.push(`a request was answered after ${slowest} s`)
    const count = (matches: (answer: Answer) => boolean) => unchecked.filter(matches).length
    return {
      acked: count(({ status }) => status === 200),
      refused: count(({ status }) => status === 503),
      unanswered: count(({ status }) => typeof status === 'string'),
      ...{ slowest, violations },
    }
  }

  try {
    sender.send({ ports: [system.service.port], file, connections, pause })
    await recoveryTime(Date.now())
    for (const { name, kills, inject } of plan) {
      await sleep(MAX_PAUSE_MS * system.random())
      await inject(system)
      const recovery = await recoveryTime(Date.now())
      await sleep(MAX_PAUSE_MS * system.random())
      const checked = await check()
      const late = recovery > recoveryLimit ? [`it took ${recovery} s to recover`] : []
      addRound({ fault: name, kills, recovery, ...checked, violations: [...late, ...checked.violations] })
    }
    sender.send('stop')
    const isDone = await Promise.race([senderExit, sleep(2 * ANSWER_LIMIT * 1000, null, { ref: false })])
    const checked = await check()
    const unacknowledged = isDone ? [] : ['some deliveries were never acknowledged']
    const violations = [...unacknowledged, ...checked.violations]
    addRound({ fault: '(retries after the last fault)', kills: 0, recovery: 0, ...checked, violations })
  } finally {
    if (sender.exitCode === null) sender.kill()
    answers.close()
  }
  return rounds
}
