import { GroupCommit } from '../db/commit/group-commit.ts'
import { defaultLimits } from '../db/commit/limits.ts'
import { databaseOf } from '../db/connect/database.ts'
import { connect, createPool, pooled } from '../db/connect/pool.ts'
import { isCurrent } from '../db/migrate/migrate.ts'
import { AdaptingWriter } from '../db/write/adapting-writer.ts'
import { targetsWithFormerKey } from '../db/write/former-key.ts'
import { plansFor } from '../db/write/plan.ts'
import type { Delivery, Store } from '../ingest/delivery.ts'
import { judge } from '../ingest/judge.ts'
import type { Target } from '../tables/target.ts'
import { countKept, type Filter, type Kept, readKept } from './ledger-reader.ts'
import type { Replay, ReplayOptions } from './options.ts'
import { compare, heldBy, owners, rebuild } from './rebuild.ts'
import { Rehearsal } from './rehearsal.ts'
import { Rewriter } from './rewriter.ts'
import { difference } from './rows.ts'
import { committed, targetsOf } from './store.ts'
import { Summary } from './summary.ts'
import { replayUnverified } from './unverified.ts'

/** Judges kept deliveries again with today's normalisers, and writes what comes of it. */
export async function replay(options: ReplayOptions): Promise<Summary> {
  // It reads between the transactions that it writes, for as long as it takes: by the direct connection, if any.
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
  const summary = new Summary()
  const work = { ...options, client, pool, summary }
  try {
    const { all, filter, signal } = options
    // The quarantine is not a part of the ledger.
    const outcomes = filter.outcomes?.filter((outcome) => outcome !== 'unverified')
    if (all) await rebuildAll(work)
    else if (!outcomes) await replayLedger(work, filter)
    else if (outcomes.length > 0) await replayLedger(work, { ...filter, outcomes })
    if (filter.outcomes?.includes('unverified') && !signal.aborted) await replayUnverified(work)
    return summary
  } finally {
    await pool.end()
    await client.end()
  }
}

async function replayLedger(work: Replay, filter: Filter): Promise<void> {
  const store = rewriting(work)
  const total = await countKept(work.client, filter)
  let done = 0
  work.progress(done, total, 'deliveries')
  for await (const chunk of readKept(work.client, filter)) {
    if (work.signal.aborted) return
    await rewrite(work, store, chunk)
    done += chunk.length
    work.progress(done, Math.max(done, total), 'deliveries')
  }
}

/** Gives every delivery of every owner today's verdict, and makes the owner's rows anew from those. */
async function rebuildAll(work: Replay): Promise<void> {
  const { client, vendors, filter, dryRun, signal, summary, progress } = work
  // Rows that the new key tells apart can't stand beside each other under the former one.
  if ((await targetsWithFormerKey(client, targetsOf(vendors))).size > 0) {
    throw new Error(
      'An upgrade is still changing a key: run nightpost migrate, or wait for the service to do it.',
    )
  }
  const store = rewriting(work)
  const everyone = await owners(client, filter.vendor)
  summary.changedRows = 0
  for (const [at, owner] of everyone.entries()) {
    progress(at, everyone.length, 'owners')
    if (signal.aborted) return
    const vendor = vendors.find(({ name }) => name === owner.vendor)
    if (!vendor) continue
    const plans = plansFor(vendor.targets, { onlyDiffering: true })
    const before = (await heldBy(client, owner, plans)).fingerprints()
    const isStored = new Map<string, boolean>()
    let isWhole = true
    for await (const chunk of readKept(client, owner)) {
      isWhole = (await rewrite(work, store, chunk, isStored)) && isWhole
    }
    // What the database did not take would be missing among the new rows: so the old ones stay.
    if (!isWhole) continue
    const rowsOf = (kept: Kept) => {
      // What arrived since was judged by the service.
      const hasRows = isStored.get(kept.arrival.id) ?? kept.outcome === 'stored'
      return hasRows ? (rejudged(work, kept)?.verdict.rows ?? []) : []
    }
    const comparison = await compare(client, owner, plans, rowsOf)
    summary.changedRows += difference(before, comparison.wanted.fingerprints())
    if (!dryRun) await rebuild(client, owner, plans, rowsOf, comparison)
  }
  progress(everyone.length, everyone.length, 'owners')
}

/** Nobody waits for an answer here: what takes long may. What is read at a time is bounded already. */
const LIMITS = {
  ...defaultLimits,
  answerWithin: 10 * 60_000,
  waitingDeliveries: Number.POSITIVE_INFINITY,
  waitingBytes: Number.POSITIVE_INFINITY,
  waitingRows: Number.POSITIVE_INFINITY,
}

function rewriting({ pool, vendors, all, dryRun }: Replay): GroupCommit {
  const targets = targetsOf(vendors)
  const rewriter = (former: ReadonlySet<Target>) => new Rewriter(targets, { onlyDiffering: all, former })
  return new GroupCommit(
    pool,
    dryRun ? new Rehearsal(targets) : new AdaptingWriter(targets, rewriter),
    LIMITS,
  )
}

/** What was unpacked once can be unpacked here, though this command may be given another environment. */
const UNPACKED_BYTES = 64 * 2 ** 20

/** Writes new verdicts, and notes by id which deliveries are stored now; false where the database did not take one. */
async function rewrite(
  work: Replay,
  store: Store,
  chunk: readonly Kept[],
  isStored?: Map<string, boolean>,
): Promise<boolean> {
  const known = chunk.flatMap((kept) => {
    const delivery = rejudged(work, kept)
    return delivery ? [{ kept, delivery }] : []
  })
  const receipts = await Promise.all(known.map(({ delivery }) => committed(store, delivery)))
  for (const [at, receipt] of receipts.entries()) {
    const { outcome, arrival } = (known[at] as (typeof known)[number]).kept
    work.summary.add(outcome, receipt)
    if (receipt !== 'unavailable') isStored?.set(arrival.id, receipt.outcome === 'stored')
  }
  return !receipts.includes('unavailable')
}

/** The delivery as today's code judges it; undefined where its vendor is no longer known. */
function rejudged({ vendors, config }: Replay, kept: Kept): Delivery | undefined {
  const vendor = vendors.find(({ name }) => name === kept.vendor)
  if (!vendor?.schemes[kept.authenticatedBy]) return undefined
  const { arrival, authenticatedBy, headers } = kept
  const limit = Math.max(config.BODY_LIMIT_BYTES, UNPACKED_BYTES)
  const verdict = judge(vendor, authenticatedBy, headers, arrival.body, limit)
  const { normaliserVersion } = vendor
  return { arrival, verdict, vendor: vendor.name, authenticatedBy, headers, normaliserVersion }
}
