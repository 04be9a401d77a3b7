import { randomUUID } from 'node:crypto'
import type { Delivery, Receipt } from '../../ingest/delivery.ts'
import type { TargetRows } from '../../tables/target.ts'
import type { DeliveryRows } from './plan.ts'

/** The arrivals of identical bytes in one group. They become one row of the ledger. */
export interface Entry {
  /**
   * The first arrival, with the best verdict of all: their headers differ, and may be wrong. If the bytes fit two
   * events, the event that was named last counts.
   */
  delivery: Delivery
  /** All arrivals, in their order. */
  readonly members: Delivery[]
}

/** The group's deliveries by the ledger's key, in order of arrival. */
export function entriesOf(group: readonly Delivery[]): Entry[] {
  const entries = new Map<string, Entry>()
  for (const delivery of group) {
    const { arrival, verdict, vendor } = delivery
    // The digest has a fixed length and a vendor's name no space, so different keys have different texts. Bytes that name no
    // owner are one entry for each user that sent them, because one of the users may be erased.
    const key = `${arrival.digest}${vendor} ${verdict.owner || `\0${verdict.subject}`}`
    const entry = entries.get(key)
    if (!entry) entries.set(key, { delivery, members: [delivery] })
    else {
      entry.members.push(delivery)
      const before = entry.delivery.verdict
      const isBetter =
        verdict.outcome === 'stored' && (before.outcome !== 'stored' || before.event !== verdict.event)
      if (isBetter) {
        const { arrival, source } = entry.delivery
        entry.delivery = { ...delivery, arrival, source }
      }
    }
  }
  return [...entries.values()]
}

/** A group as the ledger stores it. */
export interface LedgerGroup {
  /** The rows of `deliveries`. */
  readonly rows: readonly object[]
  /** The row of `body_groups`: the bodies end to end. There is none if every body is in its entry. */
  readonly groupId: string
  readonly bytes: Buffer
}

/** The id of the group that is not written because it has no bodies. */
const NO_GROUP = '00000000-0000-0000-0000-000000000000'

/**
 * Places the bodies of a group. Those of stored deliveries go end to end into one value, which costs less write-ahead log and
 * compresses well. The others go into their entries, because they are kept longer, and so do those that come late: `maintain`
 * looks for a body by its time of arrival.
 */
export function ledgerGroup(entries: readonly Entry[]): LedgerGroup {
  const bodies: Buffer[] = []
  let oldest: string | undefined
  let start = 1
  const rows = entries.map((entry) => {
    const { arrival, verdict, isLate } = entry.delivery
    const body_size = arrival.body.length
    const row = ledgerRow(entry)
    if (isLate || verdict.outcome !== 'stored')
      return { ...row, body: arrival.body, body_start: null, body_size }
    const placed = { ...row, body: null, body_start: start, body_size }
    bodies.push(arrival.body)
    start += body_size
    if (oldest === undefined || arrival.id < oldest) oldest = arrival.id
    return placed
  })
  const groupId = oldest === undefined ? NO_GROUP : idOfSameTime(oldest)
  return { rows, groupId, bytes: Buffer.concat(bodies) }
}

/** The rows of `deliveries` with every body in its entry, where there are no groups of bodies. */
export function ledgerRowsWithBodies(entries: readonly Entry[]): object[] {
  return entries.map((entry) => {
    const { body } = entry.delivery.arrival
    return { ...ledgerRow(entry), body, body_size: body.length }
  })
}

/** A new UUID version 7 of the millisecond of another one: a group belongs to the day of its first arrival. */
function idOfSameTime(id: string): string {
  const timeAndVersion = id.slice(0, 15)
  return timeAndVersion + randomUUID().slice(timeAndVersion.length)
}

/** The rows of the ledger for deliveries that it has already, without their bodies. */
export function ledgerRows(entries: readonly Entry[]): object[] {
  return entries.map(ledgerRow)
}

/** The row of the ledger for one entry, without its body. */
export function ledgerRow({ delivery, members }: Entry) {
  const { arrival, verdict } = delivery
  return {
    owner: verdict.owner,
    vendor: delivery.vendor,
    body_digest: arrival.digest,
    delivery_id: arrival.id,
    event: verdict.event,
    user_id: verdict.userId,
    subject: verdict.subject,
    authenticated_by: delivery.authenticatedBy,
    outcome: verdict.outcome,
    problem: verdict.problem && JSON.stringify(verdict.problem),
    source: delivery.source ?? 'push',
    headers: JSON.stringify(delivery.headers),
    received_at: arrival.receivedAt,
    last_received_at: (members.at(-1) ?? delivery).arrival.receivedAt,
    times_received: members.length,
    normaliser_version: delivery.normaliserVersion,
    ...daysOf(verdict.rows),
  }
}

/** The local days that the rows of a delivery belong to, as `deliveries.first_day` and `last_day` have them. */
interface Days {
  readonly first_day: string | null
  readonly last_day: string | null
}

const NONE: Days = { first_day: 'infinity', last_day: '-infinity' }
const ANY: Days = { first_day: null, last_day: null }

/** Texts of this form are ordered as the dates are. */
const DATE = /^\d{4}-\d\d-\d\d$/

/** Returns the first and the last day whose row in `user_days` the rows may change. */
export function daysOf(all: readonly TargetRows[]): Days {
  let first: string | undefined
  let last: string | undefined
  for (const { target, rows } of all) {
    if (!target.day) continue
    for (const row of rows) {
      const day = target.day.of(row)
      if (day === null) continue
      if (day === undefined || !DATE.test(day)) return ANY
      if (first === undefined || day < first) first = day
      if (last === undefined || day > last) last = day
    }
  }
  return first === undefined || last === undefined ? NONE : { first_day: first, last_day: last }
}

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
