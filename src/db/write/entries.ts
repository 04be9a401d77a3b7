import type { Delivery } from '../../ingest/delivery.ts'

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
    // The digest has a fixed length and a vendor's name no space, so different keys have different texts.
    const key = `${arrival.digest}${vendor} ${verdict.owner}`
    const entry = entries.get(key)
    if (!entry) entries.set(key, { delivery, members: [delivery] })
    else {
      entry.members.push(delivery)
      const before = entry.delivery.verdict
      const isBetter =
        verdict.outcome === 'stored' && (before.outcome !== 'stored' || before.event !== verdict.event)
      if (isBetter) entry.delivery = { ...delivery, arrival: entry.delivery.arrival }
    }
  }
  return [...entries.values()]
}

/** The rows of the ledger for a group. */
export function ledgerRows(entries: readonly Entry[]): object[] {
  return entries.map(({ delivery, members }) => {
    const { arrival, verdict } = delivery
    return {
      owner: verdict.owner,
      vendor: delivery.vendor,
      body_digest: arrival.digest,
      delivery_id: arrival.id,
      event: verdict.event,
      user_id: verdict.userId,
      authenticated_by: delivery.authenticatedBy,
      outcome: verdict.outcome,
      problem: verdict.problem && JSON.stringify(verdict.problem),
      headers: JSON.stringify(delivery.headers),
      received_at: arrival.receivedAt,
      last_received_at: (members.at(-1) ?? delivery).arrival.receivedAt,
      times_received: members.length,
      normaliser_version: delivery.normaliserVersion,
      body: arrival.body,
    }
  })
}
