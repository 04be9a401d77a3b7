import type { Delivery } from '../../ingest/delivery.ts'

/** The size of a delivery: its rows, including one in the ledger, and the bytes of the statements' parameters. */
export interface Size {
  readonly rows: number
  readonly bytes: number
}

/** Up to this many bytes the body's size is taken: the rows would be no larger even if each repeated the whole body. */
const SMALL = 64 * 2 ** 10

/** Each row repeats the text of the body's top level, so the rows can be many times as large as the body. */
export function sizeOf({ arrival, verdict }: Delivery): Size {
  const rows = verdict.rows.reduce((sum, into) => sum + into.rows.length, 1)
  const body = arrival.body.length
  if (rows * body <= SMALL) return { rows, bytes: body }
  return { rows, bytes: body + verdict.rows.reduce((sum, into) => sum + bytesOfRows(into.rows), 0) }
}

export function bytesOfRows(rows: readonly object[]): number {
  return rows.reduce<number>((sum, row) => sum + bytesOfRow(row), 0)
}

/** About the bytes of a row as parameters. */
export function bytesOfRow(row: object): number {
  let bytes = 0
  for (const key in row) bytes += bytesOf((row as Record<string, unknown>)[key])
  return bytes
}

/** Bytes of a value that is not text. */
const OTHER = 8

/** Quotes and comma around a text in an array literal. */
const QUOTES = 3

function bytesOf(value: unknown): number {
  if (typeof value === 'string') return value.length + QUOTES
  if (!Array.isArray(value)) return OTHER
  return typeof value[0] === 'string'
    ? value.reduce((sum, one) => sum + bytesOf(one), 0)
    : OTHER * value.length
}
