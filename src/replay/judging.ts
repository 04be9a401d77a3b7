import { GroupCommit } from '../db/commit/group-commit.ts'
import { defaultLimits } from '../db/commit/limits.ts'
import { AdaptingWriter, adaptingStore } from '../db/write/adapting-writer.ts'
import type { Delivery, Store } from '../ingest/delivery.ts'
import { unpackAndJudge } from '../ingest/judge.ts'
import type { Target } from '../tables/target.ts'
import { commitOrUnavailable, targetsOf } from './commit.ts'
import { DryRunWriter } from './dry-run-writer.ts'
import type { LedgerDelivery } from './ledger-reader.ts'
import type { ReplayContext } from './options.ts'
import { Rewriter } from './rewriter.ts'

/** No vendor waits for an answer, so a group may take long. The queue needs no bound: chunks of the ledger are bounded. */
const LIMITS = {
  ...defaultLimits,
  answerWithin: 10 * 60_000,
  waitingDeliveries: Number.POSITIVE_INFINITY,
  waitingBytes: Number.POSITIVE_INFINITY,
  waitingRows: Number.POSITIVE_INFINITY,
}

/** Writes new verdicts of deliveries that the ledger has. */
export function rewritingStore({ pool, vendors, all, dryRun }: ReplayContext): GroupCommit {
  const targets = targetsOf(vendors)
  const rewriter = (former: ReadonlySet<Target>) => new Rewriter(targets, { onlyDiffering: all, former })
  return new GroupCommit(
    pool,
    dryRun ? new DryRunWriter(targets) : new AdaptingWriter(targets, rewriter),
    LIMITS,
  )
}

/** Stores deliveries that the ledger does not have. */
export function insertingStore({ pool, vendors, dryRun }: ReplayContext): GroupCommit {
  const targets = targetsOf(vendors)
  return dryRun
    ? new GroupCommit(pool, new DryRunWriter(targets), LIMITS)
    : adaptingStore(pool, targets, LIMITS)
}

/** Bodies may be unpacked to this size at least: the environment of this command may have a lower limit than the service. */
const UNPACKED_BYTES = 64 * 2 ** 20

/**
 * Writes new verdicts, and records by id in `isStored` which deliveries are stored now. Returns false if the database
 * did not commit one of them.
 */
export async function rewriteChunk(
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
export function rejudged({ vendors, config }: ReplayContext, recorded: LedgerDelivery): Delivery | undefined {
  const vendor = vendors.find(({ name }) => name === recorded.vendor)
  if (!vendor?.schemes[recorded.authenticatedBy]) return undefined
  const { arrival, authenticatedBy, source, headers } = recorded
  const limit = Math.max(config.BODY_LIMIT_BYTES, UNPACKED_BYTES)
  const verdict = unpackAndJudge(vendor, authenticatedBy, headers, arrival.body, limit)
  const { normaliserVersion } = vendor
  return { arrival, verdict, vendor: vendor.name, authenticatedBy, source, headers, normaliserVersion }
}
