import type { TimeLimits } from '../connect/transaction.ts'
import { type Failure, failureOf, sqlState } from './failure.ts'
import type { Waiting } from './queue.ts'

export interface Ways {
  /** Writes a part of the group as one transaction and answers each of its deliveries; throws where that fails. */
  write(part: Waiting[], limits?: TimeLimits): Promise<void>
  /** Answers a delivery that failed by itself. */
  refuse(waiting: Waiting, error: unknown, limits?: TimeLimits): Promise<void>
}

/** What was not written when the detour ended, and why. */
export interface Left {
  readonly deliveries: Waiting[]
  readonly error: unknown
}

/** A part that failed is cut into so many: more than two, because each failure may wait for a lock. */
const PARTS = 8

/** Failures in a row, without a success between them, after which the reason is the server's state. */
const FUTILE = 2 * PARTS

/**
 * Milliseconds. Who comes here has waited for the lock already as long as a transaction does; a writer must not
 * stand still for every further one. A statement that took too long is a rarer matter, and needs more time to be told
 * from one that does not.
 */
const LOCKED = { limits: { lockTimeout: 25 }, within: 1600 }
const SLOW = { limits: { lockTimeout: 25, statementTimeout: 500 }, within: 3000 }

/**
 * Goes round what makes a group fail: the group is cut into parts, those that fail into smaller ones, until the
 * deliveries are found that fail by themselves. All parts of one size are tried before smaller ones are, so that most
 * neighbours are committed early. It ends before all is tried where nothing succeeds, where the connection is gone, and where locks
 * or slow statements have taken their time.
 */
export async function goRound(group: Waiting[], first: unknown, { write, refuse }: Ways): Promise<Left> {
  let error = first
  let haste = hasteFor(first)
  let until = performance.now() + (haste?.within ?? Number.POSITIVE_INFINITY)
  let failures = 0
  const parts = byKind(group).flatMap((kind) => cut(kind, Math.ceil(group.length / PARTS)))
  for (let part = parts.shift(); part; part = parts.shift()) {
    const waiting = part.filter(({ isLate }) => !isLate)
    if (waiting.length === 0) continue
    const rest = () => ({ deliveries: [...waiting, ...parts.flat()], error })
    if (performance.now() > until || isStateOfServer(failureOf(error), failures)) return rest()
    try {
      await write(waiting, haste?.limits)
      failures = 0
    } catch (failed) {
      error = failed
      failures += 1
      if (failureOf(failed) === 'connection') return rest()
      if (!haste) {
        haste = hasteFor(failed)
        if (haste) until = performance.now() + haste.within
      }
      const [only] = waiting
      if (only && waiting.length === 1) await refuse(only, failed, haste?.limits)
      else parts.push(...cut(waiting))
    }
  }
  return { deliveries: [], error }
}

function hasteFor(error: unknown) {
  if (failureOf(error) !== 'locked') return undefined
  return sqlState(error) === '57014' ? SLOW : LOCKED
}

/** Bad data and faults of our own are found quickly, and each is a delivery's own. */
function isStateOfServer(failure: Failure, failures: number): boolean {
  return failures >= FUTILE && failure !== 'data' && failure !== 'fault'
}

/** A locked table is in the way of one kind of deliveries: no part should hold others too. */
function byKind(group: Waiting[]): Waiting[][] {
  const kinds = new Map<string | null, Waiting[]>()
  for (const waiting of group) {
    const { event } = waiting.delivery.verdict
    const others = kinds.get(event)
    if (others) others.push(waiting)
    else kinds.set(event, [waiting])
  }
  return [...kinds.values()]
}

function cut(part: Waiting[], size = Math.ceil(part.length / PARTS)): Waiting[][] {
  return Array.from({ length: Math.ceil(part.length / size) }, (_, at) =>
    part.slice(at * size, (at + 1) * size),
  )
}
