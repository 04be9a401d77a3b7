import type { Delivery } from '../ingest/delivery.ts'

/** Identical bytes that arrived more than once within a group: one ledger row. */
export interface Entry {
  readonly delivery: Delivery
  readonly copies: readonly Delivery[]
}

/** The group's deliveries by ledger key, in order of arrival. */
export function entriesOf(group: readonly Delivery[]): Entry[] {
  const entries = new Map<string, { delivery: Delivery; copies: Delivery[] }>()
  for (const delivery of group) {
    const key = JSON.stringify([delivery.owner, delivery.vendor, delivery.digest.toString('base64')])
    const entry = entries.get(key)
    if (entry) entry.copies.push(delivery)
    else entries.set(key, { delivery, copies: [] })
  }
  return [...entries.values()]
}

/** The parameters of the ledger's statements: its rows as JSON, and the bodies end to end. */
export function ledgerParameters(entries: readonly Entry[]): { rows: string; bodies: Buffer } {
  let bodyAt = 1
  const rows = entries.map((entry) => {
    const row = ledgerRow(entry, bodyAt)
    bodyAt += entry.delivery.body.length
    return row
  })
  return { rows: JSON.stringify(rows), bodies: Buffer.concat(entries.map(({ delivery }) => delivery.body)) }
}

function ledgerRow({ delivery, copies }: Entry, bodyAt: number) {
  return {
    owner: delivery.owner,
    vendor: delivery.vendor,
    body_digest: delivery.digest.toString('hex'),
    delivery_id: delivery.id,
    event: delivery.event,
    user_id: delivery.userId,
    authenticated_by: delivery.authenticatedBy,
    outcome: delivery.outcome,
    problem: delivery.problem && JSON.stringify(delivery.problem),
    headers: JSON.stringify(delivery.headers),
    received_at: delivery.receivedAt,
    last_received_at: (copies.at(-1) ?? delivery).receivedAt,
    times_received: 1 + copies.length,
    normaliser_version: delivery.normaliserVersion,
    body_at: bodyAt,
    body_length: delivery.body.length,
  }
}

/** JSON source of rows, each with its provenance: whose bytes made it, and when they first arrived. */
export function rowsJson(rows: readonly object[], provenance: { id: string; receivedAt: string }): string {
  const tail = `,"delivery_id":"${provenance.id}","received_at":"${provenance.receivedAt}"}`
  return rows.map((row) => JSON.stringify(row).slice(0, -1) + tail).join()
}
