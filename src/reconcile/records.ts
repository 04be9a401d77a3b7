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
import { compareRecords } from './compare.ts'
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
  { owner }: Person,
  records: readonly PulledRecord[],
): Promise<void> {
  const { vendor, pool, reading, report, isDryRun } = storing
  const deliveries = records.map((record) => deliveryOf(storing, record))
  const judged = deliveries.filter((delivery) => isOf(delivery, owner, report))
  const known = await reading.outcomes(
    owner,
    judged.filter(({ verdict }) => verdict.outcome !== 'stored').map(({ arrival }) => arrival.digest),
  )
  const stored = judged.filter(({ verdict }) => verdict.outcome === 'stored')
  const differences = await compareRecords(
    pool,
    vendor.pull.compared,
    owner,
    stored.map(({ arrival: { id, receivedAt }, verdict: { rows } }) => ({ id, receivedAt, rows })),
  )
  const wanted = [
    // What can't be used is kept once, as of any delivery.
    ...judged.filter(({ verdict, arrival }) => verdict.outcome !== 'stored' && !known.has(arrival.digest)),
    ...stored.filter((delivery, at) => {
      const difference = differences[at] as (typeof differences)[number]
      if (difference === 'same') report.note('same')
      else report.find(owner, delivery.verdict.event ?? '', difference)
      return difference === 'missing' || difference === 'differing'
    }),
  ]
  if (isDryRun) return
  await Promise.all(wanted.map((delivery) => commit(storing, delivery)))
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

async function commit(storing: Storing, delivery: Delivery): Promise<void> {
  const { report } = storing
  const event = delivery.verdict.event ?? 'unknown'
  let next = delivery
  for (let copy = 0; copy < MOST_COPIES; copy += 1) {
    const receipt = await commitPatiently(storing, next)
    if (receipt === null) return report.fail('a delivery was not committed')
    if (receipt.outcome !== 'duplicate') return report.commit(event, receipt.outcome)
    next = withAnotherEnd(next)
  }
  report.fail('a delivery was stored before, and its row is another')
}

/** The same record in other bytes: repeated bytes never count as new. White space changes no JSON. */
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
