import type { Delivery } from '../../ingest/delivery.ts'

/** What a delivery takes: rows, one in the ledger included, and bytes on their way to Postgres. */
export interface Size {
  readonly rows: number
  readonly bytes: number
}

/** Below this it is not worth a look: even if all of the body stood in each row, it would be no more. */
const SMALL = 64 * 2 ** 10

/** Text of the body's own level stands in each of its rows, so the rows can be many times as large as the body. */
export function sizeOf({ arrival, verdict }: Delivery): Size {
  const rows = verdict.rows.reduce((sum, into) => sum + into.rows.length, 1)
  const body = arrival.body.length
  if (rows * body <= SMALL) return { rows, bytes: body }
  return { rows, bytes: body + verdict.rows.reduce((sum, into) => sum + bytesOfRows(into.rows), 0) }
}

export function bytesOfRows(rows: readonly object[]): number {
  return rows.reduce<number>((sum, row) => sum + bytesOfRow(row), 0)
}

/** About what a row is as parameters. */
export function bytesOfRow(row: object): number {
  let bytes = 0
  for (const key in row) bytes += bytesOf((row as Record<string, unknown>)[key])
  return bytes
}

/** Of what is no text, and between two values of an array literal. */
const OTHER = 8
const QUOTES = 3

function bytesOf(value: unknown): number {
  if (typeof value === 'string') return value.length + QUOTES
  if (!Array.isArray(value)) return OTHER
  return typeof value[0] === 'string'
    ? value.reduce((sum, one) => sum + bytesOf(one), 0)
    : OTHER * value.length
}
