import pg from 'pg'

/** What a failed write says about the group that failed. */
export type Failure =
  /** The reason lies in a delivery: its neighbours can still be written. */
  | 'data'
  /** Another transaction was in the way: the same group may well succeed now. */
  | 'conflict'
  /** One of the deliveries waits for a row that another transaction holds, or takes too long: its neighbours can be written. */
  | 'locked'
  /** The connection is gone; whether the commit happened is unknown. Every write is idempotent. */
  | 'connection'
  /** Nightpost's own code failed, on what some delivery holds. */
  | 'fault'
  /**
   * Anything else: mostly the server can't write now (full disk, no connections left, not migrated), but a delivery
   * may be the reason too, for example where a trigger refuses its rows.
   */
  | 'server'

const DATA = [
  '21', // cardinality violation
  '22', // data exception: out of range, invalid text
  '23', // integrity constraint violation
  '54', // program limit exceeded: an index entry too large, nesting too deep
]

const CONFLICT = [
  '40001', // serialization failure
  '40P01', // deadlock detected
]

const LOCKED = [
  '55P03', // lock not available, within lock_timeout
  '57014', // query cancelled by statement_timeout: one delivery may have taken all the time
]

const CONNECTION = [
  '08', // connection exception
  '57P01', // admin shutdown
  '57P02', // crash shutdown
  '57P03', // cannot connect now
  '57P05', // idle session timeout
  '25006', // read-only transaction: the server was demoted, another one may be primary now
]

export function failureOf(error: unknown): Failure {
  const code = sqlState(error)
  if (code === undefined) return isFault(error) ? 'fault' : 'connection'
  const isIn = (codes: string[]) => codes.some((prefix) => code.startsWith(prefix))
  if (isIn(CONFLICT)) return 'conflict'
  if (isIn(LOCKED)) return 'locked'
  if (isIn(CONNECTION)) return 'connection'
  return isIn(DATA) ? 'data' : 'server'
}

const FAULTS = [TypeError, RangeError, ReferenceError, SyntaxError]

function isFault(error: unknown): boolean {
  return FAULTS.some((kind) => error instanceof kind)
}

/** The five characters by which Postgres names an error; undefined where the error isn't from the server. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}
