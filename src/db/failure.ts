/** What a failed write says about the group that failed. */
export type Failure =
  /** The reason lies in a delivery: its neighbours can still be written. */
  | 'data'
  /** Another transaction was in the way: the same group may well succeed now. */
  | 'conflict'
  /** The connection is gone; whether the commit happened is unknown. Every write is idempotent. */
  | 'connection'
  /** The server can't write now: full disk, no connections left, read-only, not migrated. */
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
  '55P03', // lock not available
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
  if (code === undefined) return 'connection'
  const isIn = (codes: string[]) => codes.some((prefix) => code.startsWith(prefix))
  if (isIn(CONFLICT)) return 'conflict'
  if (isIn(CONNECTION)) return 'connection'
  return isIn(DATA) ? 'data' : 'server'
}

/** The five characters by which Postgres names an error; undefined where the error isn't from the server. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}
