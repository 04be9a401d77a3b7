import { type Delivery, idAt } from '../../ingest/delivery.ts'
import { timeOfId } from '../uuid-time.ts'

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
  /** The row of `body_groups`: the bodies end to end. Empty if every body is in its entry. */
  readonly groupId: string
  readonly bytes: Buffer
}

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
  return { rows, groupId: groupIdAt(oldest), bytes: Buffer.concat(bodies) }
}

/** A new id with the time of another one: a group belongs to the day of its first arrival. */
function groupIdAt(id: string | undefined): string {
  return idAt(1000 * (id === undefined ? Date.now() : timeOfId(id)))
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
  }
}
