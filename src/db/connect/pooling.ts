import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { sqlState } from '../commit/failure.ts'
import { APPLICATION } from './application.ts'

/** How long a connection keeps its server process, and with it the settings of the session. */
export type Pooling =
  /** For its whole life: there is no pooler, or one in session mode. */
  | { readonly mode: 'session' }
  /** For one transaction. `keepsStatements`: the pooler prepares statements on whichever server process they reach. */
  | { readonly mode: 'transaction'; readonly keepsStatements: boolean }

/** Works in session mode too, because it expects nothing of the session. It costs two more round trips per statement. */
export const ANY_POOLING: Pooling = { mode: 'transaction', keepsStatements: false }

/** Rounds of detection. Other clients of a pooler may hide for a while that it shares server processes. */
const ROUNDS = 20
/** Rounds if both connections got the process id that the server reports: then there seems to be no pooler. */
const ROUNDS_WITHOUT_POOLER = 3
/** Milliseconds after which a connection counts as waiting for a server process. */
const WAITS_AFTER = 250
/** The same if there seems to be no pooler. Then it must wait in each round, because a busy machine may be slow in one. */
const WAITS_WITHOUT_POOLER_AFTER = 1_000
/** Milliseconds for each answer. */
const ANSWER_TIMEOUT = 5_000

/**
 * Detects the pooling mode: compares the server processes that two open connections reach. A `wanted` mode other than
 * `auto` is not checked. Throws `StatementPooling` if the pooler has no transactions, and pg's errors if a connection is
 * refused or lost.
 */
export async function poolingOf(url: string, wanted: 'auto' | Pooling['mode'] = 'auto'): Promise<Pooling> {
  if (wanted === 'session') return { mode: 'session' }
  const [a, b] = [probe(url), probe(url)]
  try {
    await a.connect()
    await b.connect()
    if (wanted === 'auto' && !(await isShared(a, b))) return { mode: 'session' }
    return { mode: 'transaction', keepsStatements: await keepsStatements(a, b) }
  } finally {
    await Promise.all([a.end(), b.end()].map((end) => end.catch(() => {})))
  }
}

function probe(url: string): pg.Client {
  const client = new pg.Client({
    connectionString: url,
    application_name: APPLICATION,
    connectionTimeoutMillis: ANSWER_TIMEOUT,
    query_timeout: ANSWER_TIMEOUT,
  })
  client.on('error', () => {})
  return client
}

/**
 * Returns true if a server process serves both open connections, or if a connection changes its process or waits for one.
 * `a` asks twice in a row, then during a transaction of `b`: so a pooler that reuses the last process and one that takes
 * turns are both detected. In doubt the result is true, because transaction mode works on a private process as well.
 */
async function isShared(a: pg.Client, b: pg.Client): Promise<boolean> {
  const first = await processInTransaction(a)
  const seemsDirect = startupProcess(a) === first && startupProcess(b) === (await processInTransaction(b))
  const rounds = seemsDirect ? ROUNDS_WITHOUT_POOLER : ROUNDS
  const waitsAfter = seemsDirect ? WAITS_WITHOUT_POOLER_AFTER : WAITS_AFTER
  let waits = 0
  for (let round = 0; round < rounds; round += 1) {
    if ((await processInTransaction(a)) !== first) return true
    await sleep(Math.random() * 2)
    await begin(b)
    const [one, two] = [await processOf(b), await processOf(b)]
    if (one !== two) throw new StatementPooling()
    const { pid, waited } = await duringTransaction(b, () => processInTransaction(a), waitsAfter)
    if (waited) waits += 1
    if (one === first || pid !== first || (waited && !seemsDirect)) return true
  }
  return waits === rounds
}

/** The process id of the connection's start-up message. A pooler invents one. */
const startupProcess = (client: pg.Client) => (client as pg.Client & { processID: number }).processID

/**
 * Returns the result of `ask` while `b` has a transaction open. If `ask` waits, `b` commits before the result arrives:
 * otherwise several detections at the same time would wait for each other's transactions.
 */
async function duringTransaction(
  b: pg.Client,
  ask: () => Promise<number>,
  waitsAfter = WAITS_AFTER,
): Promise<{ pid: number; waited: boolean }> {
  const asked = ask()
  const waited = await Promise.race([asked.then(() => false), sleep(waitsAfter, true, { ref: false })])
  await b.query('commit')
  return { pid: await asked, waited }
}

/** The pooler gives each statement any server process. Nightpost can not work with that. */
export class StatementPooling extends Error {
  constructor(options?: ErrorOptions) {
    super('The pooler is in statement mode; Nightpost needs session or transaction mode.', options)
  }
}

async function begin(client: pg.Client): Promise<void> {
  try {
    await client.query(BEGIN)
  } catch (cause) {
    if (/statement pooling/.test((cause as Error).message)) throw new StatementPooling({ cause })
    throw cause
  }
}

const PROCESS = 'select pg_backend_pid() as pid'

/** Without the database's default limits, which may be too short. The settings of the session stay as they are. */
const BEGIN = 'begin; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0'

async function processOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query(PROCESS)
  return rows[0].pid
}

/** Returns the process id in a transaction of its own. */
async function processInTransaction(client: pg.Client): Promise<number> {
  await begin(client)
  const pid = await processOf(client)
  await client.query('commit')
  return pid
}

/** A server process does not have the named statement, or has one of this name from another client. */
const UNKNOWN_STATEMENT = '26000'
const STATEMENT_EXISTS = '42P05'

/** Returns true if prepared statements follow a connection to other processes, and two connections may use one name. */
async function keepsStatements(a: pg.Client, b: pg.Client): Promise<boolean> {
  // A name of its own: if another detection had prepared it, the pooler would seem to have done so.
  const name = `nightpost ${randomUUID()}`
  let isMixedUp = false
  const asked = async (client: pg.Client) => {
    const text = `${PROCESS}, ${client === a} as first`
    const { rows } = await client.query({ name, text })
    isMixedUp ||= rows[0].first !== (client === a)
    return rows[0].pid
  }
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const first = await asked(a)
      await begin(b)
      const other = await asked(b)
      const { pid } = await duringTransaction(b, () => asked(a))
      if (isMixedUp) return false
      if (other === first || pid !== first) return true
    }
    return false
  } catch (error) {
    if (![UNKNOWN_STATEMENT, STATEMENT_EXISTS].includes(sqlState(error) ?? '')) throw error
    return false
  }
}
