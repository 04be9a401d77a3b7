import type { Receipt } from '../../ingest/delivery.ts'
import type { Entry } from './entries.ts'
import type { DeliveryRows } from './plan.ts'

/** What the statement that counts duplicates returns for an entry: what the ledger had. */
export interface Counted {
  /** The id that this arrival was given. */
  readonly arrival_id: string
  readonly owner: string
  /** The id in the ledger: that of the first arrival. */
  readonly delivery_id: string
  readonly received_at: string
  readonly source: string
  readonly outcome_before: string
  readonly event_before: string | null
  /** The new verdict replaces the old one: the delivery was not stored, or was stored under the name of another event. */
  readonly is_judged_again: boolean
}

export function rowsOfEntry({ delivery: { arrival, verdict, source } }: Entry): DeliveryRows {
  return { rows: verdict.rows, id: arrival.id, receivedAt: arrival.receivedAt, isPulled: source === 'pull' }
}

/** Under the name of which event the ledger has stored some bytes, and whether no other name can replace it. */
export interface StoredAs {
  readonly event: string | null
  readonly isFinal: boolean
}

/** As what the ledger had the bytes of a counted arrival before; null if it did not have them stored. */
export function storedBefore(ledger: Counted): StoredAs | null {
  const wasStored = ledger.outcome_before === 'stored'
  return wasStored && !isRetry(ledger)
    ? { event: ledger.event_before, isFinal: !ledger.is_judged_again }
    : null
}

/** The ledger has this very arrival if it was committed by an attempt whose connection was lost. */
export const isRetry = ({ delivery_id, arrival_id }: Counted) => delivery_id === arrival_id

/** Adds the receipts of identical arrivals, as if they had been written one after the other. */
export function addReceipts(
  receipts: Map<string, Receipt>,
  { members }: Entry,
  deliveryId: string,
  before: StoredAs | null,
): void {
  let storedAs = before
  for (const { arrival, verdict } of members) {
    const isStored = verdict.outcome === 'stored'
    const isDuplicate =
      storedAs !== null && (storedAs.isFinal || !isStored || storedAs.event === verdict.event)
    const outcome = isDuplicate ? 'duplicate' : verdict.outcome
    receipts.set(arrival.id, { outcome, deliveryId, problem: verdict.problem })
    if (isStored && !isDuplicate) storedAs = { event: verdict.event, isFinal: false }
  }
}

export function addErased(receipts: Map<string, Receipt>, { members }: Entry): void {
  for (const { arrival } of members)
    receipts.set(arrival.id, { outcome: 'erased', deliveryId: arrival.id, problem: null })
}
