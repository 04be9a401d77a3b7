import pg from 'pg'
import { sqlState } from './failure.ts'

/** For how long a connection keeps its server process, and with it what was set there. */
export type Pooling =
  /** As long as it lasts: there is no pooler, or one in session mode. */
  | { readonly mode: 'session' }
  /** For one transaction. Newer poolers carry prepared statements along. */
  | { readonly mode: 'transaction'; readonly keepsStatements: boolean }

/** How often is asked: other clients of a pooler may hide once what it does. */
const ROUNDS = 5
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
    application_name: 'nightpost',
    connectionTimeoutMillis: ANSWER_WITHIN,
    query_timeout: ANSWER_WITHIN,
  })
  client.on('error', () => {})
  return client
}

/**
 * Whether a server process serves two connections that are both open, or a connection gets another one. `a`
 * asks twice in a row and then beside a transaction of `b`, so that neither a pooler that gives the last one
 * used nor one that takes turns looks like a private connection.
 */
async function isShared(a: pg.Client, b: pg.Client): Promise<boolean> {
  const first = await processApart(a)
  for (let round = 0; round < ROUNDS; round += 1) {
    if ((await processApart(a)) !== first) return true
    await begin(b)
    const [one, two] = [await processOf(b), await processOf(b)]
    if (one !== two) throw new StatementPooling()
    const other = one === first ? first : await processApart(a)
    await b.query('commit')
    if (one === first || other !== first) return true
  }
  return false
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
  // Postgres would take the same text for the same statement.
  const named = async (client: pg.Client, text: string) =>
    (await client.query({ name: 'nightpost probe', text })).rows[0].pid
  const mine = () => named(a, PROCESS)
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const first = await mine()
      await begin(b)
      const other = await named(b, `${PROCESS}, true as other`)
      const isProven = other === first || (await mine()) !== first
      await b.query('commit')
      if (isProven) return true
    }
    return false
  } catch (error) {
    if (![UNKNOWN_STATEMENT, STATEMENT_EXISTS].includes(sqlState(error) ?? '')) throw error
    return false
  }
}
