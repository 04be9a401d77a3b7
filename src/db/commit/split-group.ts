import type { TimeLimits } from '../connect/transaction.ts'
import { type Failure, failureOf, sqlState } from './failure.ts'
import type { PendingDelivery } from './queue.ts'

/** How `splitGroup` writes. */
export interface SplitWriter {
  /** Writes a part of the group as one transaction and answers its deliveries. Throws if the transaction fails. */
  write(part: PendingDelivery[], limits?: TimeLimits): Promise<void>
  /** Answers a delivery that fails by itself. Never throws. */
  writeAsFailed(pending: PendingDelivery, error: unknown, limits?: TimeLimits): Promise<void>
}

/** The deliveries that have no answer when the search ends, and the error that ended it. */
export interface SplitResult {
  readonly unwritten: PendingDelivery[]
  readonly error: unknown
}

/** Parts that a failed part is split into. More than two, because each failure may wait for a lock. */
const PARTS = 8

/** Failures in a row, without a success between them, that show that the server is the reason. */
const FAILURES_OF_SERVER = 2 * PARTS

interface Budget {
  readonly limits: TimeLimits
  /** Milliseconds for the whole search. */
  readonly total: number
}

/**
 * The group has waited for the lock once already, as long as `lock_timeout` allows. During the search a writer must not
 * wait as long for every part.
 */
const LOCKED: Budget = { limits: { lockTimeout: 25 }, total: 1600 }

/** A statement that takes too long is rarer, and takes longer to tell from one that does not. */
const SLOW: Budget = { limits: { lockTimeout: 25, statementTimeout: 500 }, total: 3000 }

/**
 * Splits a group whose transaction failed until the deliveries are found that fail by themselves, and commits the
 * others. All parts of one size are tried before smaller ones, so that most neighbours are committed early. The search
 * ends early if nothing succeeds, if the connection is lost, or if locks or slow statements use up its time.
 * `firstError` is the error of the whole group.
 */
export async function splitGroup(
  group: PendingDelivery[],
  firstError: unknown,
  { write, writeAsFailed }: SplitWriter,
): Promise<SplitResult> {
  let error = firstError
  let budget = budgetFor(firstError)
  let end = performance.now() + (budget?.total ?? Number.POSITIVE_INFINITY)
  let failures = 0
  const parts = byEvent(group).flatMap((ofEvent) => split(ofEvent, Math.ceil(group.length / PARTS)))
  for (let part = parts.shift(); part; part = parts.shift()) {
    const waiting = part.filter(({ isExpired }) => !isExpired)
    if (waiting.length === 0) continue
    const result = () => ({ unwritten: [...waiting, ...parts.flat()], error })
    if (performance.now() > end || isServerFailure(failureOf(error), failures)) return result()
    try {
      await write(waiting, budget?.limits)
      failures = 0
    } catch (failed) {
      error = failed
      failures += 1
      if (failureOf(failed) === 'connection') return result()
      if (!budget) {
        budget = budgetFor(failed)
        if (budget) end = performance.now() + budget.total
      }
      const [only] = waiting
      if (only && waiting.length === 1) await writeAsFailed(only, failed, budget?.limits)
      else parts.push(...split(waiting))
    }
  }
  return { unwritten: [], error }
}

function budgetFor(error: unknown): Budget | undefined {
  if (failureOf(error) !== 'locked') return undefined
  return sqlState(error) === '57014' ? SLOW : LOCKED
}

/** Bad data and faults of Nightpost's own code are found quickly, and each belongs to one delivery. */
function isServerFailure(failure: Failure, failures: number): boolean {
  return failures >= FAILURES_OF_SERVER && failure !== 'data' && failure !== 'fault'
}

/** A locked table stops the deliveries of one event, so no part contains deliveries of two. */
function byEvent(group: PendingDelivery[]): PendingDelivery[][] {
  const events = new Map<string | null, PendingDelivery[]>()
  for (const pending of group) {
    const { event } = pending.delivery.verdict
    const others = events.get(event)
    if (others) others.push(pending)
    else events.set(event, [pending])
  }
  return [...events.values()]
}

function split(part: PendingDelivery[], size = Math.ceil(part.length / PARTS)): PendingDelivery[][] {
  return Array.from({ length: Math.ceil(part.length / size) }, (_, at) =>
    part.slice(at * size, (at + 1) * size),
  )
}
