import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { sqlState } from '../commit/failure.ts'
import { APPLICATION } from './application.ts'

/** For how long a connection keeps its server process, and with it what was set there. */
export type Pooling =
  /** As long as it lasts: there is no pooler, or one in session mode. */
  | { readonly mode: 'session' }
  /** For one transaction. Newer poolers carry prepared statements along. */
  | { readonly mode: 'transaction'; readonly keepsStatements: boolean }

/** How often is asked: other clients of a pooler may hide for a while what it does. */
const ROUNDS = 20
/** The same where both connections name their server process as Postgres itself does: nothing seems to be in between. */
const ROUNDS_WITHOUT = 3
/** Milliseconds after which a connection counts as one that waits for a server process. */
const PATIENCE = 250
const ANSWER_WITHIN = 5_000

/**
 * Finds out how the way to the database pools, by what two open connections see of their server processes.
 * Throws where a pooler shares them statement by statement: it has no transactions. `wanted` other than `auto`
 * is believed.
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
    connectionTimeoutMillis: ANSWER_WITHIN,
    query_timeout: ANSWER_WITHIN,
  })
  client.on('error', () => {})
  return client
}

/**
 * Whether a server process serves two connections that are both open, or a connection gets another one, or has
 * to wait for one. `a` asks twice in a row and then beside a transaction of `b`, so that neither a pooler that gives
 * the last one used nor one that takes turns looks like a private connection. In doubt the answer is yes: what
 * works on a shared process works on a private one.
 */
async function isShared(a: pg.Client, b: pg.Client): Promise<boolean> {
  const first = await processApart(a)
  const rounds = named(a) === first && named(b) === (await processApart(b)) ? ROUNDS_WITHOUT : ROUNDS
  for (let round = 0; round < rounds; round += 1) {
    if ((await processApart(a)) !== first) return true
    await sleep(Math.random() * 2)
    await begin(b)
    const [one, two] = [await processOf(b), await processOf(b)]
    if (one !== two) throw new StatementPooling()
    const { pid, waited } = await beside(b, () => processApart(a))
    if (one === first || pid !== first || waited) return true
  }
  return false
}

/** The process that the server named when it took the connection; a pooler makes something up. */
const named = (client: pg.Client) => (client as pg.Client & { processID: number }).processID

/**
 * What `ask` finds while `b` has a transaction open. Whoever has to wait is let go on: several that find out at
 * once would wait for each other's transactions.
 */
async function beside(b: pg.Client, ask: () => Promise<number>): Promise<{ pid: number; waited: boolean }> {
  const asked = ask()
  const waited = await Promise.race([asked.then(() => false), sleep(PATIENCE, true, { ref: false })])
  await b.query('commit')
  return { pid: await asked, waited }
}

class StatementPooling extends Error {
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

/** Short defaults of the database are no reason to find nothing out; the session's settings are left alone. */
const BEGIN = 'begin; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0'

async function processOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query(PROCESS)
  return rows[0].pid
}

/** The same in a transaction of its own. */
async function processApart(client: pg.Client): Promise<number> {
  await begin(client)
  const pid = await processOf(client)
  await client.query('commit')
  return pid
}

/** Of a named statement that a server process doesn't have, or has already from another client. */
const UNKNOWN_STATEMENT = '26000'
const STATEMENT_EXISTS = '42P05'

/** Whether a prepared statement reaches another server process, and names of two connections stay apart. */
async function keepsStatements(a: pg.Client, b: pg.Client): Promise<boolean> {
  // Nobody else's: a process that has it from another probe would look as if the pooler had brought it.
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
      const { pid } = await beside(b, () => asked(a))
      if (isMixedUp) return false
      if (other === first || pid !== first) return true
    }
    return false
  } catch (error) {
    if (![UNKNOWN_STATEMENT, STATEMENT_EXISTS].includes(sqlState(error) ?? '')) throw error
    return false
  }
}
