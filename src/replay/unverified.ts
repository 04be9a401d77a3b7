import { hash } from 'node:crypto'
import { keyOfHash } from '../contract/secrets.ts'
import type { Headers, Vendor } from '../contract/vendor.ts'
import { adaptingStore } from '../db/write/adapting-writer.ts'
import { proveContent } from '../ingest/content.ts'
import type { Delivery, Store } from '../ingest/delivery.ts'
import { keptHeaders } from '../ingest/headers.ts'
import { judge } from '../ingest/judge.ts'
import { conditions, type Filter } from './ledger-reader.ts'
import type { Replay } from './options.ts'
import { committed, targetsOf } from './store.ts'

/** A delivery as the quarantine holds it. */
interface Quarantined {
  readonly delivery_id: string
  readonly vendor: string
  readonly headers: Record<string, string>
  readonly hashed_headers: Record<string, string>
  readonly body: Buffer
  readonly received_at: string
}

/** Few at a time: strangers choose how large their bodies are. */
const PAGE = 20

/** Stores what the configured credentials prove by now, as of its arrival; leaves the rest where it is. */
export async function replayUnverified(work: Replay): Promise<void> {
  const { client, pool, vendors, filter, dryRun, signal, summary, progress } = work
  const store = dryRun ? judgedOnly : adaptingStore(pool, targetsOf(vendors))
  const { vendor, since, until, deliveries } = filter
  const { where, values } = conditions(given({ vendor, since, until, deliveries }))
  const read = async (columns: string, rest: string, more: unknown[] = []) => {
    const text = `select ${columns} from unverified_deliveries where ${where} ${rest}`
    return (await client.query(text, [...values, ...more])).rows
  }
  const [{ total }] = await read('count(*)::int as total', '')
  const columns = 'delivery_id, vendor, headers, hashed_headers, body, received_at::text'
  const next = `and delivery_id > $${values.length + 1} order by delivery_id limit ${PAGE}`

  let done = 0
  let last = '00000000-0000-0000-0000-000000000000'
  while (!signal.aborted) {
    progress(done, Math.max(done, total), 'unverified deliveries')
    const page: Quarantined[] = await read(columns, next, [last])
    if (page.length === 0) return
    const proven = page.map((row) => prove(work, row)).filter((delivery) => delivery !== null)
    for (let left = page.length - proven.length; left > 0; left -= 1) summary.add('unverified', 'unproven')

    const wanted = proven.filter(({ verdict }) => isWanted(filter, verdict))
    const receipts = await Promise.all(wanted.map((delivery) => committed(store, delivery)))
    for (const receipt of receipts) summary.add('unverified', receipt)
    const safe = wanted.filter((_, at) => receipts[at] !== 'unavailable').map(({ arrival }) => arrival.id)
    if (!dryRun)
      await client.query('delete from unverified_deliveries where delivery_id = any($1::uuid[])', [safe])

    done += page.length
    last = page.at(-1)?.delivery_id ?? last
  }
}

/** The delivery, where its signature holds now or its key is configured now. */
function prove({ vendors, config }: Replay, row: Quarantined): Delivery | null {
  const vendor = vendors.find(({ name }) => name === row.vendor)
  const authenticator = vendor?.authenticator(config.credentials)
  if (!vendor || !authenticator) return null
  const headers: Headers = { ...row.headers, ...keys(vendor, config.credentials, row.hashed_headers) }
  const authenticatedBy = proveContent(vendor, authenticator, headers, row.body, config.BODY_LIMIT_BYTES)
  if (authenticatedBy === null) return null
  const { delivery_id: id, received_at: receivedAt, body } = row
  return {
    arrival: { id, receivedAt, body, digest: hash('sha256', body, 'hex') },
    verdict: judge(vendor, authenticatedBy, headers, body, config.BODY_LIMIT_BYTES),
    vendor: vendor.name,
    authenticatedBy,
    headers: keptHeaders(vendor, headers),
    normaliserVersion: vendor.normaliserVersion,
  }
}

/** The headers whose key is one of those configured now; a key that is unknown stays wrong. */
function keys(
  vendor: Vendor,
  credentials: (name: string) => readonly string[],
  hashed: Readonly<Record<string, string>>,
): Record<string, string> {
  const configured = Object.keys(vendor.credentials).flatMap((name) => credentials(name))
  const entries = Object.entries(hashed).map(([name, hash]) => [name, keyOfHash(hash, configured) ?? UNKNOWN])
  return Object.fromEntries(entries)
}

/** No configured key can be this: a list is cut at each. */
const UNKNOWN = '\n'

function isWanted({ event, user }: Filter, verdict: Delivery['verdict']): boolean {
  return (
    (event === undefined || event === verdict.event) &&
    (user === undefined || user === verdict.userId || user === verdict.owner)
  )
}

const judgedOnly: Store = {
  commit: async ({ arrival, verdict }) => ({
    outcome: verdict.outcome,
    deliveryId: arrival.id,
    problem: verdict.problem,
  }),
}

function given(filter: { [K in keyof Filter]?: Filter[K] | undefined }): Filter {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))
}
