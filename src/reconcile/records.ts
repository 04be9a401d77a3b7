import { hash } from 'node:crypto'
import type pg from 'pg'
import { type Person, PULL, type Pull, type PulledRecord } from '../contract/pull.ts'
import type { Vendor } from '../contract/vendor.ts'
import type { Clock } from '../ingest/clock.ts'
import {
  type Delivery,
  idAt,
  keptHeaders,
  type Receipt,
  type Store,
  Unavailable,
} from '../ingest/delivery.ts'
import { judge } from '../ingest/judge.ts'
import { compareRecords, type Difference } from './compare.ts'
import type { Reading } from './reading.ts'
import type { ReconcileReport } from './report.ts'
import { sleep } from './retry.ts'

/** The header of a pulled delivery that names its run. */
export const RUN_HEADER = 'nightpost-run'

/** How often a delivery is committed that the database did not take, and the milliseconds between. */
const ATTEMPTS = 5
const PAUSE = 1_000

/** How often bytes are tried that the ledger has already: the vendor may return to what it said before. */
const MOST_COPIES = 5

/** What the records of a run are stored with. */
export interface Storing {
  readonly vendor: Vendor & { readonly pull: Pull }
  readonly runId: string
  readonly pool: pg.Pool
  readonly store: Store
  readonly clock: Clock
  readonly reading: Reading
  readonly report: ReconcileReport
  readonly isDryRun: boolean
  readonly signal: AbortSignal
}

/** Judges records of a person, compares them with the rows, and commits those that would change one. */
export async function storeRecords(
  storing: Storing,
  person: Person,
  records: readonly PulledRecord[],
): Promise<void> {
  const { reading, report, isDryRun } = storing
  const judged = records
    .map((record) => deliveryOf(storing, record))
    .filter((delivery) => isOf(delivery, person.owner, report))
  const unusable = judged.filter(({ verdict }) => verdict.outcome !== 'stored')
  const digests = unusable.map(({ arrival }) => arrival.digest)
  const known = digests.length > 0 ? await reading.outcomes(person.owner, digests) : new Map()
  const usable = judged.filter(({ verdict }) => verdict.outcome === 'stored')
  const wanted = await wantedOf(storing, person, usable, (delivery, difference) => {
    if (difference === 'same') report.note('same')
    else report.find(person.owner, delivery.verdict.event ?? '', difference)
  })
  if (isDryRun) return
  // What can't be used is kept once, as of any delivery.
  await commitAll(storing, person, [
    ...unusable.filter(({ arrival }) => !known.has(arrival.digest)),
    ...wanted,
  ])
}

/** The deliveries that would change a row. */
async function wantedOf(
  { pool, vendor }: Storing,
  { owner }: Person,
  deliveries: readonly Delivery[],
  onDifference: (delivery: Delivery, difference: Difference) => void = () => {},
): Promise<Delivery[]> {
  const differences = await compareRecords(
    pool,
    vendor.pull.compared,
    owner,
    deliveries.map(({ arrival: { id, receivedAt }, verdict: { rows } }) => ({ id, receivedAt, rows })),
  )
  return deliveries.filter((delivery, at) => {
    const difference = differences[at] as Difference
    onDifference(delivery, difference)
    return difference === 'missing' || difference === 'differing'
  })
}

/**
 * Commits deliveries. The ledger may have the bytes of some already: then another run has just stored them, or the vendor
 * returns to what it said before. Repeated bytes never count as new, so in the second case they get another end.
 */
async function commitAll(storing: Storing, person: Person, deliveries: readonly Delivery[]): Promise<void> {
  const { report } = storing
  let left = deliveries
  for (let copy = 0; left.length > 0; copy += 1) {
    const receipts = await Promise.all(left.map((delivery) => commitPatiently(storing, delivery)))
    for (const [at, receipt] of receipts.entries()) {
      const event = left[at]?.verdict.event ?? 'unknown'
      if (receipt === null) report.fail('a delivery was not committed')
      else if (receipt.outcome !== 'duplicate') report.commit(event, receipt.outcome)
    }
    const repeated = left.filter((_, at) => receipts[at]?.outcome === 'duplicate')
    const differing = repeated.length > 0 ? await wantedOf(storing, person, repeated) : []
    if (copy === MOST_COPIES) {
      for (const _ of differing) report.fail('a delivery was stored before, and its row is another')
      return
    }
    left = differing.map(withAnotherEnd)
  }
}

function deliveryOf({ vendor, runId, clock }: Storing, { body, headers, askedAt }: PulledRecord): Delivery {
  const bytes = Buffer.from(body)
  const arrival = {
    id: idAt(askedAt),
    receivedAt: clock.text(askedAt),
    body: bytes,
    digest: hash('sha256', bytes, 'hex'),
  }
  return {
    arrival,
    verdict: judge(vendor, PULL, headers, bytes),
    vendor: vendor.name,
    authenticatedBy: PULL,
    headers: { ...keptHeaders(vendor, headers), [RUN_HEADER]: runId },
    normaliserVersion: vendor.normaliserVersion,
    source: 'pull',
  }
}

/** Whether a record is about the person that was asked about. Otherwise the vendor's answer can't be trusted. */
function isOf({ verdict }: Delivery, owner: string, report: ReconcileReport): boolean {
  if (verdict.owner === owner) return true
  report.fail('a record names another owner than was asked about')
  return false
}

/** The same record in other bytes: white space changes no JSON. */
function withAnotherEnd(delivery: Delivery): Delivery {
  const body = Buffer.concat([delivery.arrival.body, Buffer.from('\n')])
  return { ...delivery, arrival: { ...delivery.arrival, body, digest: hash('sha256', body, 'hex') } }
}

async function commitPatiently({ store, signal }: Storing, delivery: Delivery): Promise<Receipt | null> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await store.commit(delivery)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      if (attempt === ATTEMPTS) return null
      await sleep(PAUSE * attempt, signal)
    }
  }
}
