import { sendHint } from '../db/change-hint.ts'
import { databaseOf } from '../db/connect/database.ts'
import { connect, createPool, pooled } from '../db/connect/pool.ts'
import { isCurrent } from '../db/migrate/migrate.ts'
import { targetsWithFormerKey } from '../db/write/former-key.ts'
import { plansFor } from '../db/write/plan.ts'
import { replayArchive } from './archived.ts'
import { targetsOf } from './commit.ts'
import { compare, type Source } from './compare.ts'
import { rejudged, rewriteChunk, rewritingStore } from './judging.ts'
import { countDeliveries, type Filter, type LedgerDelivery, readDeliveries } from './ledger-reader.ts'
import type { ReplayContext, ReplayOptions } from './options.ts'
import { currentRows, owners } from './owner-rows.ts'
import { rebuild } from './rebuild.ts'
import { ReplayReport } from './report.ts'
import { RestoredBodies } from './restored-bodies.ts'
import { difference } from './rows.ts'
import { replayUnverified } from './unverified.ts'

/**
 * Judges deliveries of the ledger, or of the quarantine, again with today's normalisers, and writes the new verdicts
 * and rows. Throws if the database does not answer or is not migrated.
 */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  // A replay reads between its own transactions, for a long time. A direct connection keeps its session for that.
  const where = databaseOf(options.config, options.databaseUrl)
  const url = where.directUrl
  const database = {
    ...where,
    url,
    pooling: await pooled({ url, pooling: url === where.url ? where.pooling : 'auto' }),
  }
  const client = await connect(database, { name: 'nightpost replay', use: 'write' })
  const pool = createPool(database, options.log)
  const report = new ReplayReport()
  const context = { ...options, client, pool, report, pooling: database.pooling }
  try {
    if (!(await isCurrent(client)))
      throw new Error('The database is not up to date: run nightpost migrate first.')
    const { all, filter, from, signal } = options
    // `unverified` names the quarantine, which is another table than the ledger.
    const outcomes = filter.outcomes?.filter((outcome) => outcome !== 'unverified')
    if (from !== undefined && all) await rebuildWithArchive(context, from)
    else if (from !== undefined) await replayArchive(context, from)
    else if (all) await rebuildAll(context)
    else if (!outcomes) await replayLedger(context, filter)
    else if (outcomes.length > 0) await replayLedger(context, { ...filter, outcomes })
    if (filter.outcomes?.includes('unverified') && !signal.aborted) await replayUnverified(context)
    return report
  } finally {
    if (!options.dryRun) await sendHint(client)
    await pool.end()
    await client.end()
  }
}

async function replayLedger(context: ReplayContext, filter: Filter): Promise<void> {
  const store = rewritingStore(context)
  const total = await countDeliveries(context.client, filter)
  let done = 0
  context.progress(done, total, 'deliveries')
  for await (const chunk of readDeliveries(context.client, filter)) {
    if (context.signal.aborted) return
    await rewriteChunk(context, store, chunk)
    done += chunk.length
    context.progress(done, Math.max(done, total), 'deliveries')
  }
}

/** Replays the archive, and then makes the rows of every owner from the ledger and the archive together. */
async function rebuildWithArchive(context: ReplayContext, directory: string): Promise<void> {
  const restored = await RestoredBodies.create(context)
  await replayArchive(context, directory, (chunk) => restored.add(chunk))
  if (!context.signal.aborted) await rebuildAll(context, restored.table)
}

/**
 * Gives every delivery of every owner today's verdict, and then makes the owner's rows from all of them. `moreBodies` is a
 * table of bodies that the ledger does not keep.
 */
async function rebuildAll(context: ReplayContext, moreBodies?: string): Promise<void> {
  const { client, vendors, filter, dryRun, signal, report, progress } = context
  // Rows that differ only by the new key violate the former one.
  if ((await targetsWithFormerKey(client, targetsOf(vendors))).size > 0) {
    throw new Error(
      'An upgrade is still changing a key: run nightpost migrate, or wait for the service to do it.',
    )
  }
  const store = rewritingStore(context)
  const read = (filter: Filter) => readDeliveries(client, filter, moreBodies)
  const everyone = await owners(client, filter.vendor)
  report.changedRows = 0
  for (const [at, owner] of everyone.entries()) {
    progress(at, everyone.length, 'owners')
    if (signal.aborted) return
    const vendor = vendors.find(({ name }) => name === owner.vendor)
    if (!vendor) continue
    const plans = plansFor(vendor.targets, { onlyDiffering: true })
    const before = (await currentRows(client, owner, plans)).fingerprints()
    const isStored = new Map<string, boolean>()
    let isWhole = true
    for await (const chunk of read(owner)) {
      isWhole = (await rewriteChunk(context, store, chunk, isStored)) && isWhole
    }
    // The rows of a delivery that was not committed would be deleted. So this owner keeps the old rows.
    if (!isWhole) continue
    const rowsOf = (recorded: LedgerDelivery) => {
      // A delivery that arrived after the rewrite was judged by the service.
      const hasRows = isStored.get(recorded.arrival.id) ?? recorded.outcome === 'stored'
      const delivery = rejudged(context, recorded)
      return delivery ? (hasRows ? delivery.verdict.rows : []) : null
    }
    const source: Source = { client, read, rowsOf }
    const comparison = await compare(source, owner, plans)
    report.changedRows += difference(before, comparison.expected.fingerprints())
    if (!dryRun) await rebuild(source, owner, plans, comparison)
  }
  progress(everyone.length, everyone.length, 'owners')
}
