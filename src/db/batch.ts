import { arrayLiteral, columnLiteral } from './array-literal.ts'

/** The rows that one delivery has for one target, and the provenance that each of them gets. */
export interface Batch {
  readonly rows: readonly object[]
  readonly id: string
  readonly receivedAt: string
}

/** A statement's parameters: one array literal per column. */
export function rowParameters(columns: readonly string[], rows: readonly object[]): string[] {
  return columns.map((name) => columnLiteral(rows, name))
}

export function batchParameters(columns: readonly string[], batches: readonly Batch[]): string[] {
  const rows = batches.length === 1 ? (batches[0] as Batch).rows : batches.flatMap((batch) => batch.rows)
  return columns.map((name) => {
    if (name === 'delivery_id') return repeated(batches, ({ id }) => id)
    if (name === 'received_at') return repeated(batches, ({ receivedAt }) => receivedAt)
    return columnLiteral(rows, name)
  })
}

function repeated(batches: readonly Batch[], value: (batch: Batch) => string): string {
  return arrayLiteral(batches.flatMap((batch) => batch.rows.map(() => value(batch))))
}

/** The same rows in the same order, at most `limit` in each slice. */
export function slices(batches: readonly Batch[], limit: number): Batch[][] {
  const all: Batch[][] = []
  let room = 0
  for (const batch of batches) {
    for (let at = 0; at < batch.rows.length; ) {
      if (room === 0) {
        all.push([])
        room = limit
      }
      const rows = at === 0 && batch.rows.length <= room ? batch.rows : batch.rows.slice(at, at + room)
      all.at(-1)?.push({ rows, id: batch.id, receivedAt: batch.receivedAt })
      at += rows.length
      room -= rows.length
    }
  }
  return all
}
