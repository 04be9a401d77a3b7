import type pg from 'pg'
import { inChunks } from '../archive/chunks.ts'
import { readFile, verifyFile } from '../archive/files.ts'
import type { ArchivedDelivery } from '../archive/format.ts'
import { readArchive } from '../archive/manifest.ts'
import { present } from '../db/sql/ledger-statements.ts'
import { rowParameters } from '../db/sql/values.ts'
import { lookAgainFrom } from '../db/upkeep/late.ts'
import { query } from '../db/write/plan.ts'
import type { Delivery, Store } from '../ingest/delivery.ts'
import { commitOrUnavailable } from './commit.ts'
import { insertingStore, rejudged, rewriteChunk, rewritingStore } from './judging.ts'
import { conditions, type Filter, type LedgerDelivery } from './ledger-reader.ts'
import type { ReplayContext } from './options.ts'
import { ledgerRow } from './rewriter.ts'

/**
 * Replays an archive. A delivery that the ledger has gets today's verdict, as in any replay. One whose entry is gone is
 * stored again with its old id and time of arrival. Each file is read to its end before anything of it is written. Throws
 * `DamagedArchive` if it is not what the manifest says.
 */
export async function replayArchive(
  context: ReplayContext,
  directory: string,
  afterChunk: (chunk: readonly ArchivedDelivery[]) => Promise<void> = async () => {},
): Promise<void> {
  const { client, filter, signal, progress } = context
  const files = await readArchive(directory)
  const total = files.reduce((sum, { deliveries }) => sum + deliveries, 0)
  const stores = { rewriting: rewritingStore(context), inserting: insertingStore(context) }
  let done = 0
  progress(done, total, 'archived deliveries')
  for (const file of files) {
    if (signal.aborted) return
    await verifyFile(directory, file)
    for await (const chunk of inChunks(readFile(directory, file), ({ body }) => body.length)) {
      if (signal.aborted) return
      const selected = await select(client, chunk, filter)
      await replayChunk(context, stores, selected)
      await afterChunk(selected)
      done += chunk.length
      progress(done, total, 'archived deliveries')
    }
  }
}

/** The deliveries of a chunk that match a filter, as Postgres finds it. */
async function select(
  client: pg.ClientBase,
  chunk: readonly ArchivedDelivery[],
  filter: Filter,
): Promise<ArchivedDelivery[]> {
  const { where, values } = conditions(filter)
  if (values.length === 0) return [...chunk]
  const { rows } = await client.query(
    `select delivery_id from jsonb_to_recordset($${values.length + 1}) as r(${COLUMNS}) where ${where}`,
    [...values, JSON.stringify(chunk.map(({ body, headers, ...columns }) => columns))],
  )
  const ids = new Set(rows.map((row) => row.delivery_id))
  return chunk.filter(({ delivery_id }) => ids.has(delivery_id))
}

/** The columns that a filter may name. */
const COLUMNS = `delivery_id uuid, outcome text, vendor text, event text, user_id text, owner text, problem jsonb,
  received_at timestamptz`

interface Stores {
  readonly rewriting: Store
  readonly inserting: Store
}

async function replayChunk(context: ReplayContext, stores: Stores, chunk: readonly ArchivedDelivery[]) {
  const { all, dryRun, report } = context
  const entries = await entriesOf(context.client, chunk)
  // With `all` every delivery that the ledger has is rewritten afterwards. The headers and the owner of an entry may be
  // newer than those in the archive.
  if (!all)
    await rewriteChunk(
      context,
      stores.rewriting,
      chunk.flatMap((archived) => {
        const entry = entries.get(archived.delivery_id)
        return entry ? [{ ...entry, arrival: arrivalOf(archived) }] : []
      }),
    )
  const gone = chunk.flatMap((archived) => {
    if (entries.has(archived.delivery_id)) return []
    const delivery = rejudged(context, recordedOf(archived))
    return delivery ? [{ ...delivery, isLate: true, before: archived.outcome }] : []
  })
  const again = await arrivedAgain(context.client, gone)
  const receipts = await Promise.all(
    gone.map(({ before, ...delivery }) => {
      const deliveryId = again.get(delivery.arrival.id)
      // The ledger has the same bytes from a later arrival. To store them again would count an arrival at every replay.
      if (deliveryId) return { outcome: 'duplicate' as const, deliveryId, problem: delivery.verdict.problem }
      return commitOrUnavailable(stores.inserting, delivery)
    }),
  )
  const ownerless = gone.filter(({ verdict }) => verdict.owner === '')
  if (!dryRun)
    await lookAgainFrom(
      context.client,
      ownerless.map(({ arrival }) => arrival.id),
    )
  for (const [at, receipt] of receipts.entries()) {
    const isReportedLater = all && !dryRun && receipt !== 'unavailable'
    if (!isReportedLater) report.add((gone[at] as (typeof gone)[number]).before, receipt)
  }
}

const arrivalOf = ({ delivery_id, received_at, body, body_digest }: ArchivedDelivery) => ({
  id: delivery_id,
  receivedAt: received_at,
  body,
  digest: body_digest,
})

const recordedOf = (archived: ArchivedDelivery): LedgerDelivery => ({
  arrival: arrivalOf(archived),
  vendor: archived.vendor,
  owner: archived.owner,
  outcome: archived.outcome,
  authenticatedBy: archived.authenticated_by,
  source: archived.source,
  headers: archived.headers,
})

/** What the ledger says of archived deliveries, by their ids. */
async function entriesOf(client: pg.ClientBase, chunk: readonly ArchivedDelivery[]) {
  const { rows } = await client.query(
    `select delivery_id, vendor, owner, outcome, authenticated_by, source, headers from deliveries
     where delivery_id = any($1::uuid[])`,
    [chunk.map(({ delivery_id }) => delivery_id)],
  )
  return new Map<string, Omit<LedgerDelivery, 'arrival'>>(
    rows.map(({ delivery_id, vendor, owner, outcome, authenticated_by, source, headers }) => [
      delivery_id,
      { vendor, owner, outcome, authenticatedBy: authenticated_by, source, headers },
    ]),
  )
}

/** The ids under which the ledger has the same bytes of the same owner, by the ids of the deliveries. */
async function arrivedAgain(
  client: pg.ClientBase,
  deliveries: readonly Delivery[],
): Promise<ReadonlyMap<string, string>> {
  if (deliveries.length === 0) return new Map()
  const rows = await query<{ delivery_id: string; held_as: string | null }>(
    client as never,
    present,
    rowParameters(present.parameters, deliveries.map(ledgerRow)),
  )
  return new Map(rows.flatMap(({ delivery_id, held_as }) => (held_as ? [[delivery_id, held_as]] : [])))
}
