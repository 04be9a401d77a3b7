import { GroupCommit } from '../db/commit/group-commit.ts'
import { defaultLimits } from '../db/commit/limits.ts'
import { databaseOf } from '../db/connect/database.ts'
import { connect, createPool, pooled } from '../db/connect/pool.ts'
import { isCurrent } from '../db/migrate/migrate.ts'
import { AdaptingWriter } from '../db/write/adapting-writer.ts'
import { targetsWithFormerKey } from '../db/write/former-key.ts'
import { plansFor } from '../db/write/plan.ts'
import type { Delivery, Store } from '../ingest/delivery.ts'
import { unpackAndJudge } from '../ingest/judge.ts'
import type { Target } from '../tables/target.ts'
import { commitOrUnavailable, targetsOf } from './commit.ts'
import { compare } from './compare.ts'
import { DryRunWriter } from './dry-run-writer.ts'
import { countDeliveries, type Filter, type LedgerDelivery, readDeliveries } from './ledger-reader.ts'
import type { ReplayContext, ReplayOptions } from './options.ts'
import { currentRows, owners } from './owner-rows.ts'
import { rebuild } from './rebuild.ts'
import { ReplayReport } from './report.ts'
import { Rewriter } from './rewriter.ts'
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
  if (!(await isCurrent(client))) {
    await client.end()
    throw new Error('The database is not up to date: run nightpost migrate first.')
  }
  const pool = createPool(database, options.log)
  const report = new ReplayReport()
  const context = { ...options, client, pool, report }
  try {
    const { all, filter, signal } = options
    // `unverified` names the quarantine, which is another table than the ledger.
    const outcomes = filter.outcomes?.filter((outcome) => outcome !== 'unverified')
    if (all) await rebuildAll(context)
    else if (!outcomes) await replayLedger(context, filter)
    else if (outcomes.length > 0) await replayLedger(context, { ...filter, outcomes })
    if (filter.outcomes?.includes('unverified') && !signal.aborted) await replayUnverified(context)
    return report
  } finally {
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

/** Gives every delivery of every owner today's verdict, and then makes the owner's rows from all of them. */
async function rebuildAll(context: ReplayContext): Promise<void> {
  const { client, vendors, filter, dryRun, signal, report, progress } = context
  // Rows that differ only by the new key violate the former one.
  if ((await targetsWithFormerKey(client, targetsOf(vendors))).size > 0) {
    throw new Error(
      'An upgrade is still changing a key: run nightpost migrate, or wait for the service to do it.',
    )
  }
  const store = rewritingStore(context)
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
    for await (const chunk of readDeliveries(client, owner)) {
      isWhole = (await rewriteChunk(context, store, chunk, isStored)) && isWhole
    }
    // The rows of a delivery that was not committed would be deleted. So this owner keeps the old rows.
    if (!isWhole) continue
    const rowsOf = (recorded: LedgerDelivery) => {
      // A delivery that arrived after the rewrite was judged by the service.
      const hasRows = isStored.get(recorded.arrival.id) ?? recorded.outcome === 'stored'
      return hasRows ? (rejudged(context, recorded)?.verdict.rows ?? []) : []
    }
    const comparison = await compare(client, owner, plans, rowsOf)
    report.changedRows += difference(before, comparison.expected.fingerprints())
    if (!dryRun) await rebuild(client, owner, plans, rowsOf, comparison)
  }
  progress(everyone.length, everyone.length, 'owners')
}

/** No vendor waits for an answer, so a group may take long. The queue needs no bound: chunks of the ledger are bounded. */
const LIMITS = {
  ...defaultLimits,
  answerWithin: 10 * 60_000,
  waitingDeliveries: Number.POSITIVE_INFINITY,
  waitingBytes: Number.POSITIVE_INFINITY,
  waitingRows: Number.POSITIVE_INFINITY,
}

function rewritingStore({ pool, vendors, all, dryRun }: ReplayContext): GroupCommit {
  const targets = targetsOf(vendors)
  const rewriter = (former: ReadonlySet<Target>) => new Rewriter(targets, { onlyDiffering: all, former })
  return new GroupCommit(
    pool,
    dryRun ? new DryRunWriter(targets) : new AdaptingWriter(targets, rewriter),
    LIMITS,
  )
}

/** Bodies may be unpacked to this size at least: the environment of this command may have a lower limit than the service. */
const UNPACKED_BYTES = 64 * 2 ** 20

/**
 * Writes new verdicts, and records by id in `isStored` which deliveries are stored now. Returns false if the database
 * did not commit one of them.
 */
async function rewriteChunk(
  context: ReplayContext,
  store: Store,
  chunk: readonly LedgerDelivery[],
  isStored?: Map<string, boolean>,
): Promise<boolean> {
  const known = chunk.flatMap((recorded) => {
    const delivery = rejudged(context, recorded)
    return delivery ? [{ recorded, delivery }] : []
  })
  const receipts = await Promise.all(known.map(({ delivery }) => commitOrUnavailable(store, delivery)))
  for (const [at, receipt] of receipts.entries()) {
    const { outcome, arrival } = (known[at] as (typeof known)[number]).recorded
    context.report.add(outcome, receipt)
    if (receipt !== 'unavailable') isStored?.set(arrival.id, receipt.outcome === 'stored')
  }
  return !receipts.includes('unavailable')
}

/** The delivery as today's code judges it; undefined if its vendor or scheme no longer exists. */
function rejudged({ vendors, config }: ReplayContext, recorded: LedgerDelivery): Delivery | undefined {
  const vendor = vendors.find(({ name }) => name === recorded.vendor)
  if (!vendor?.schemes[recorded.authenticatedBy]) return undefined
  const { arrival, authenticatedBy, headers } = recorded
  const limit = Math.max(config.BODY_LIMIT_BYTES, UNPACKED_BYTES)
  const verdict = unpackAndJudge(vendor, authenticatedBy, headers, arrival.body, limit)
  const { normaliserVersion } = vendor
  return { arrival, verdict, vendor: vendor.name, authenticatedBy, headers, normaliserVersion }
}
