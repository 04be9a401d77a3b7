import { hash } from 'node:crypto'
import { keyOfHash } from '../contract/secrets.ts'
import type { Headers, Vendor } from '../contract/vendor.ts'
import { lookAgainFrom } from '../db/upkeep/late.ts'
import { adaptingStore } from '../db/write/adapting-writer.ts'
import { proveContent } from '../ingest/content.ts'
import type { Delivery, Store } from '../ingest/delivery.ts'
import { keptHeaders } from '../ingest/delivery.ts'
import { unpackAndJudge } from '../ingest/judge.ts'
import { commitOrUnavailable, targetsOf } from './commit.ts'
import { conditions, type Filter } from './ledger-reader.ts'
import type { ReplayContext } from './options.ts'

/** A delivery as it stands in the quarantine. */
interface Quarantined {
  readonly delivery_id: string
  readonly vendor: string
  readonly headers: Record<string, string>
  readonly hashed_headers: Record<string, string>
  readonly body: Buffer
  readonly received_at: string
}

/** Deliveries of one query. It is small, because anybody may send bodies up to the limit into the quarantine. */
const PAGE = 20

/** Stores the deliveries that today's credentials prove, with their old time of arrival. The others stay in the quarantine. */
export async function replayUnverified(context: ReplayContext): Promise<void> {
  const { client, pool, vendors, filter, dryRun, signal, report, progress } = context
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
    const proven = page.map((row) => prove(context, row)).filter((delivery) => delivery !== null)
    for (let left = page.length - proven.length; left > 0; left -= 1) report.add('unverified', 'unproven')

    const selected = proven.filter(({ verdict }) => isSelected(filter, verdict))
    const receipts = await Promise.all(selected.map((delivery) => commitOrUnavailable(store, delivery)))
    for (const receipt of receipts) report.add('unverified', receipt)
    const safe = selected.filter((_, at) => receipts[at] !== 'unavailable').map(({ arrival }) => arrival.id)
    if (!dryRun) {
      await lookAgainFrom(client, selected.filter(({ verdict }) => verdict.owner === '').map(idOf))
      await client.query('delete from unverified_deliveries where delivery_id = any($1::uuid[])', [safe])
    }

    done += page.length
    last = page.at(-1)?.delivery_id ?? last
  }
}

const idOf = ({ arrival }: Delivery) => arrival.id

/** The delivery, if today's credentials prove its sender; otherwise null. */
function prove({ vendors, config }: ReplayContext, row: Quarantined): Delivery | null {
  const vendor = vendors.find(({ name }) => name === row.vendor)
  const authenticator = vendor?.authenticator(config.credentials)
  if (!vendor || !authenticator) return null
  const headers: Headers = { ...row.headers, ...keysOf(vendor, config.credentials, row.hashed_headers) }
  const authenticatedBy = proveContent(vendor, authenticator, headers, row.body, config.BODY_LIMIT_BYTES)
  if (authenticatedBy === null) return null
  const { delivery_id: id, received_at: receivedAt, body } = row
  return {
    arrival: { id, receivedAt, body, digest: hash('sha256', body, 'hex') },
    verdict: unpackAndJudge(vendor, authenticatedBy, headers, body, config.BODY_LIMIT_BYTES),
    vendor: vendor.name,
    authenticatedBy,
    headers: keptHeaders(vendor, headers),
    normaliserVersion: vendor.normaliserVersion,
    isLate: true,
  }
}

/** The key of each hashed header, if it is configured today; otherwise a key that is never valid. */
function keysOf(
  vendor: Vendor,
  credentials: (name: string) => readonly string[],
  hashed: Readonly<Record<string, string>>,
): Record<string, string> {
  const configured = Object.keys(vendor.credentials).flatMap((name) => credentials(name))
  const entries = Object.entries(hashed).map(([name, hash]) => [name, keyOfHash(hash, configured) ?? UNKNOWN])
  return Object.fromEntries(entries)
}

/** It is never a configured key: lists of keys are split at newlines. */
const UNKNOWN = '\n'

function isSelected({ event, user }: Filter, verdict: Delivery['verdict']): boolean {
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
