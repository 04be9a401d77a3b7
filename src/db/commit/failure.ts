import pg from 'pg'

/** What a failed write says about the group that failed. */
export type Failure =
  /** A delivery is the reason. The others of its group can be written. */
  | 'data'
  /** The transaction was in conflict with another one. The same group may succeed if it is tried again. */
  | 'conflict'
  /** A delivery waits for a row that another transaction has locked, or takes too long. The others can be written. */
  | 'locked'
  /** The connection is lost, and whether the transaction was committed is unknown. Every write is idempotent. */
  | 'connection'
  /** Nightpost's own code failed on the content of a delivery. */
  | 'fault'
  /**
   * Anything else. Usually the server can't write at this moment: the disk is full, no connections are left, the
   * schema is not migrated. A delivery can be the reason too, for example if a trigger refuses its rows.
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

/** Connection failure, if a server reports it that is itself connected: Citus' coordinator has lost a node. */
export const LOST_NODE = '08006'

/**
 * Citus ends the transaction of a deadlock between nodes by a cancel. It changes the code to 40P01 on the way to the server's log,
 * where Nightpost lets no failed statement be written.
 */
const isCancelled = (error: unknown): boolean =>
  sqlState(error) === '57014' && (error as Error).message === 'canceling statement due to user request'

export function failureOf(error: unknown): Failure {
  const code = sqlState(error)
  if (code === undefined) return isFault(error) ? 'fault' : 'connection'
  const isIn = (codes: string[]) => codes.some((prefix) => code.startsWith(prefix))
  if (isIn(CONFLICT) || isCancelled(error)) return 'conflict'
  if (isIn(LOCKED)) return 'locked'
  if (isIn(CONNECTION)) return 'connection'
  return isIn(DATA) ? 'data' : 'server'
}

/** Whether a node, or the way to it, may be the reason. A node that does not answer ends in the timeout of a statement. */
export const isLost = (error: unknown): boolean =>
  failureOf(error) === 'connection' || (sqlState(error) === '57014' && !isCancelled(error))

const FAULTS = [TypeError, RangeError, ReferenceError, SyntaxError]

function isFault(error: unknown): boolean {
  return FAULTS.some((kind) => error instanceof kind)
}

/** The SQLSTATE of an error, five characters; undefined if the error is not from Postgres. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}
