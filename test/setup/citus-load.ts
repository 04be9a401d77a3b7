import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { lostDeliveries, unexpectedAnswers } from '../../chaos/answers.ts'
import { audit } from '../../chaos/audit.ts'
import { numberedRequest } from '../../chaos/numbered-request.ts'
import type { Answer } from '../../chaos/sender.ts'
import { guardRequest } from './log-guard.ts'

/** An answer, with the port of the node that has the owner's rows when the load begins. */
export interface Sent extends Answer {
  readonly node: number
  readonly retryAfter: string | null
}

export interface Load {
  readonly answers: Sent[]
  /** Resolves when so many deliveries are acknowledged for each node. */
  reached(count: number): Promise<void>
  /** Ends when every request that was begun is acknowledged, and after half a minute in any case. */
  stop(): Promise<void>
}

const OWNERS = Array.from({ length: 40 }, (_, n) => `owner-${n}`)

/** The port of the node with the rows of each owner. */
export async function nodesOfOwners(url: string): Promise<Map<string, number>> {
  const client = await connected(url)
  const { rows } = await client.query(
    `select o.owner, p.nodeport as port from unnest($1::text[]) as o(owner)
     join pg_dist_shard_placement as p on p.shardid = get_shard_id_for_distribution_column('deliveries', o.owner)`,
    [OWNERS],
  )
  await client.end()
  return new Map(rows.map(({ owner, port }) => [owner, port]))
}

/** The owner of a numbered request. */
const ownerOf = (n: number) => `owner-${Math.floor(n / 12) % 40}`

/** No two loads of a file send the same deliveries. */
let nextRecord = 0

/**
 * Sends from several connections for each node, so that one node holds up no request for another. Like a vendor, a connection
 * repeats what was not acknowledged.
 */
export function startLoad(port: number, nodeOf: ReadonlyMap<string, number>, connections = 4): Load {
  const answers: Sent[] = []
  let isStopped = false
  let end = Number.POSITIVE_INFINITY
  const begin = nextRecord
  let last = begin
  const sending = [...new Set(nodeOf.values())].flatMap((node) => {
    let n = begin * 12
    const next = () => {
      while (nodeOf.get(ownerOf(n)) !== node) n += 12 - (n % 12)
      last = Math.max(last, Math.floor(n / 12))
      return n++
    }
    return Array.from({ length: connections }, async (_, connection) => {
      while (!isStopped) {
        const number = next()
        for (;;) {
          const answer = { ...(await send(port, number)), node, connection }
          answers.push(answer)
          if (answer.status === 200 || Date.now() > end) break
          await sleep(100)
        }
        await sleep(10)
      }
    })
  })
  const nodes = [...new Set(nodeOf.values())]
  const ackedOf = (wanted: number) =>
    answers.filter(({ node, status }) => node === wanted && status === 200).length
  return {
    answers,
    async reached(count) {
      while (nodes.some((node) => ackedOf(node) < count)) await sleep(50)
    },
    async stop() {
      isStopped = true
      end = Date.now() + 30_000
      await Promise.all(sending)
      nextRecord = last + 1
    },
  }
}

/** Longer than the service takes to answer in any case. */
const TIMEOUT = 40_000

async function send(port: number, n: number): Promise<Omit<Sent, 'node' | 'connection'>> {
  const { path, headers, body } = numberedRequest(n)
  guardRequest(headers, Buffer.from(body))
  const sent = Date.now()
  const answer = (status: number | string, json: { outcome?: string; delivery_id?: string } = {}) => ({
    ...{ n, status, sent, answered: Date.now(), retryAfter: null },
    outcome: json.outcome ?? null,
    delivery_id: json.delivery_id ?? null,
  })
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      ...{ method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } },
      signal: AbortSignal.timeout(TIMEOUT),
    })
    const retryAfter = response.headers.get('retry-after')
    return { ...answer(response.status, (await response.json()) as object), retryAfter }
  } catch (error) {
    const { cause, name } = error as Error & { cause?: { code?: string } }
    return answer(cause?.code ?? name)
  }
}

/** Follows the change feed from its beginning, as a consumer would, through whatever happens. */
export function followFeed(url: string) {
  const seen = new Set<string>()
  let isStopped = false
  let failures = 0
  let cursor: string | null = null
  let client: pg.Client | undefined
  const page = async () => {
    client ??= await connected(url)
    const { rows } = await client.query('select cursor::text, delivery_id from nightpost_changes($1, 500)', [
      cursor,
    ])
    for (const { delivery_id } of rows) seen.add(delivery_id)
    cursor = rows.at(-1)?.cursor ?? cursor
    return rows.length
  }
  const following = (async () => {
    while (!isStopped) {
      const count = await page().catch(async () => {
        failures += 1
        await client?.end().catch(() => {})
        client = undefined
        return 0
      })
      if (count === 0) await sleep(200)
    }
  })()
  return {
    /** Reads to the end. Returns the stored deliveries that were never told, and how often the feed failed. */
    async stop() {
      isStopped = true
      await following
      while ((await page()) > 0);
      const { rows } = await (client as pg.Client).query(
        `select delivery_id from deliveries where outcome = 'stored'`,
      )
      await client?.end()
      return { failures, untold: rows.map(({ delivery_id }) => delivery_id).filter((id) => !seen.has(id)) }
    },
  }
}

/** Describes whatever the answers promised and the database does not hold. */
export async function brokenPromises(url: string, answers: readonly Sent[]): Promise<string[]> {
  const client = await connected(url)
  try {
    const acked = new Set(answers.flatMap(({ n, status }) => (status === 200 ? [n] : [])))
    const broken = [
      ...unexpectedAnswers(answers),
      ...(await lostDeliveries(client, answers)),
      ...(await audit(client)),
    ]
    for (const { n, status, retryAfter } of answers) {
      if (!acked.has(n)) broken.push(`delivery ${n} was never acknowledged`)
      if (status === 503 && retryAfter === null)
        broken.push(`delivery ${n} was answered 503 without Retry-After`)
    }
    const { rows } = await client.query(
      'select body_digest from deliveries group by body_digest having count(*) > 1',
    )
    return [...broken, ...rows.map(() => 'a delivery is in the ledger twice')]
  } finally {
    await client.end()
  }
}

/** What happened to the deliveries for a node that were sent in a period. */
export function between(answers: readonly Sent[], node: number, from: number, to: number) {
  const some = answers.filter((each) => each.node === node && each.sent >= from && each.sent < to)
  const acked = some.filter(({ status }) => status === 200)
  return {
    acked: acked.length,
    perSecond: Math.round((1000 * acked.length) / (to - from)),
    refused: some.filter(({ status }) => status === 503).length,
    slowest: Math.max(0, ...some.map(({ sent, answered }) => answered - sent)),
  }
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  await client.connect()
  return client
}
