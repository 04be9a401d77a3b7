import type pg from 'pg'
import type { Problem } from '../../contract/problem.ts'

/** An entry of the ledger, without its body. */
export interface Delivery {
  readonly deliveryId: string
  readonly vendor: string
  readonly event: string | null
  readonly owner: string
  readonly userId: string | null
  readonly authenticatedBy: string
  readonly outcome: string
  readonly problem: Problem | null
  readonly source: string
  readonly headers: Readonly<Record<string, string>>
  readonly receivedAt: Date
  readonly lastReceivedAt: Date
  readonly timesReceived: number
  readonly bytes: number | null
  readonly normaliserVersion: number
}

export async function readDelivery(client: pg.ClientBase, id: string): Promise<Delivery | null> {
  const { rows } = await client.query(
    `select delivery_id as "deliveryId", vendor, event, owner, user_id as "userId", authenticated_by as "authenticatedBy",
       outcome, problem, source, headers, received_at as "receivedAt", last_received_at as "lastReceivedAt",
       times_received as "timesReceived", coalesce(body_size, octet_length(body)) as bytes,
       normaliser_version as "normaliserVersion"
     from deliveries where delivery_id = $1`,
    [id],
  )
  return rows[0] ?? null
}

/** The exact bytes; null if they are no longer kept. */
export async function readBody(
  client: pg.ClientBase,
  { owner, deliveryId }: Delivery,
): Promise<Buffer | null> {
  const { rows } = await client.query(
    'select body from delivery_bodies where owner = $1 and delivery_id = $2',
    [owner, deliveryId],
  )
  return rows[0]?.body ?? null
}
