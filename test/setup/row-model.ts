import type { ExpectedRow, GeneratedDelivery } from './generated-deliveries.ts'

/** When a body was first received, and the id of that delivery. */
export interface FirstArrival {
  readonly id: string
  readonly receivedAt: string
}

/**
 * The rows that must be stored in the end, a line for each: table, key, value, delivery. `firstArrival` returns the
 * first arrival of a delivery's body, or null if the body was never accepted. The newest row for a key is stored: by
 * the vendor's order, where it has one a row that was sent before one that was pulled, then by time of arrival, then by
 * delivery id. Parts are stored with the row that they belong to.
 */
export function expectedRows(
  deliveries: readonly GeneratedDelivery[],
  firstArrival: (delivery: GeneratedDelivery) => FirstArrival | null,
): string[] {
  const newest = new Map<
    string,
    { row: ExpectedRow; order: readonly (number | string)[]; deliveryId: string }
  >()
  for (const delivery of deliveries) {
    const arrival = firstArrival(delivery)
    if (!arrival) continue
    for (const row of delivery.rows.filter(({ partOf }) => !partOf)) {
      const rank = row.order.length > 0 ? [delivery.isPulled ? 0 : 1] : []
      const order = [...row.order, ...rank, arrival.receivedAt, arrival.id]
      const current = newest.get(`${row.table} ${row.key}`)
      if (!current || compare(current.order, order) < 0) {
        newest.set(`${row.table} ${row.key}`, { row, order, deliveryId: arrival.id })
      }
    }
  }
  const deliveryIds = new Map([...newest.values()].map(({ row, deliveryId }) => [row, deliveryId]))
  // A set, because repeated deliveries share their rows.
  const parts = new Set(
    deliveries.flatMap(({ rows }) => rows).filter(({ partOf }) => partOf && deliveryIds.has(partOf)),
  )
  const line = ({ table, key, value }: ExpectedRow, deliveryId: string) =>
    `${table} ${key} ${value} ${deliveryId}`
  return [
    ...[...deliveryIds].map(([row, deliveryId]) => line(row, deliveryId)),
    ...[...parts].map((part) => line(part, deliveryIds.get(part.partOf as ExpectedRow) as string)),
  ].sort()
}

export const byArrival = (a: GeneratedDelivery, b: GeneratedDelivery) =>
  compare([a.receivedAt, a.id], [b.receivedAt, b.id])

/** Compares two lists of equal length, element by element. */
function compare(left: readonly (number | string)[], right: readonly (number | string)[]): number {
  for (const [at, a] of left.entries()) {
    const b = right[at] as number | string
    if (a !== b) return a < b ? -1 : 1
  }
  return 0
}
