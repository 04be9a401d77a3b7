import type { Parameter } from './parameters.ts'

/** The rows of one delivery for one target, and the `delivery_id` and `received_at` that each of them gets. */
export interface Batch {
  readonly rows: readonly object[]
  readonly id: string
  readonly receivedAt: string
  /** `received_at` is then also their `pulled_at`. */
  readonly isPulled?: boolean
}

/** Returns a statement's parameters for rows: usually one array literal per column. */
export function rowParameters(parameters: readonly Parameter[], rows: readonly object[]): unknown[] {
  return parameters.map((parameter) => valuesOf(parameter, rows))
}

/** Returns the same for batches, with the `delivery_id`, `received_at` and `pulled_at` of each row's delivery. */
export function batchParameters(parameters: readonly Parameter[], batches: readonly Batch[]): unknown[] {
  const rows: object[] = []
  const ids: string[] = []
  const arrivals: string[] = []
  const pulls: Array<string | null> = []
  for (const batch of batches) {
    for (const row of batch.rows) {
      rows.push(row)
      ids.push(batch.id)
      arrivals.push(batch.receivedAt)
      pulls.push(batch.isPulled ? batch.receivedAt : null)
    }
  }
  return parameters.map((parameter) => {
    if (parameter.name === 'delivery_id') return columnLiteral(ids, parameter.type)
    if (parameter.name === 'received_at') return columnLiteral(arrivals, parameter.type)
    if (parameter.name === 'pulled_at') return columnLiteral(pulls, parameter.type)
    return valuesOf(parameter, rows)
  })
}

/** A `bytea` is a buffer or hexadecimal text. A `smallint[]` is an array. */
type Long = Buffer | string | readonly number[] | null

function valuesOf({ name, type, part }: Parameter, rows: readonly object[]): unknown {
  const column = <T>(name: string) => rows.map((row) => (row as Record<string, T>)[name] ?? null)
  if (!part) return columnLiteral(column<Cell>(name), type)
  const values = column<Long>(part.of)
  if (part.is === 'length') return columnLiteral(values.map(lengthOf), type)
  if (part.is === 'at') return columnLiteral(starts(values), type)
  if (type === 'bytea')
    return typeof values[0] === 'string'
      ? Buffer.from(values.join(''), 'hex')
      : Buffer.concat(values.filter((value) => value !== null) as Buffer[])
  return smallints(values as Array<readonly number[] | null>)
}

const lengthOf = (value: Long) => (typeof value === 'string' ? value.length / 2 : (value?.length ?? null))

/** Returns the position at which each value begins in their concatenation. The first position is 1. */
function starts(values: readonly Long[]): number[] {
  let next = 1
  return values.map((value) => {
    const start = next
    next += lengthOf(value) ?? 0
    return start
  })
}

/** Divides rows into slices of at most `rows` rows and about `bytes` bytes of parameters, in the same order. A slice has at least one row. */
export function slices(batches: readonly Batch[], limit: { rows: number; bytes: number }): Batch[][] {
  const all: Batch[][] = []
  let room = { rows: 0, bytes: 0 }
  for (const { rows, ...delivery } of batches) {
    let from = 0
    for (const [at, row] of rows.entries()) {
      const bytes = bytesOfRow(row)
      if (room.rows === 0 || room.bytes < bytes) {
        if (at > from) all.at(-1)?.push({ rows: rows.slice(from, at), ...delivery })
        all.push([])
        room = { ...limit }
        from = at
      }
      room.rows -= 1
      room.bytes -= bytes
    }
    if (rows.length > from) all.at(-1)?.push({ rows: from === 0 ? rows : rows.slice(from), ...delivery })
  }
  return all
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

/** The value of an array element. An array is sent as the text of its literal. */
export type Cell = string | number | boolean | null | { toJSON(): string } | readonly Cell[]

/**
 * Returns a Postgres array literal, which is one parameter for a whole column of a group, of any type. JSON and array literals
 * quote strings alike, except for escapes such as `\n`: then each element is quoted by itself.
 */
export function arrayLiteral(cells: readonly Cell[]): string {
  const json = JSON.stringify(cells.some(Array.isArray) ? cells.map(nested) : cells)
  const isJson = !json.includes('\\') || !escapeOfJson.test(json)
  return isJson ? `{${json.slice(1, -1)}}` : `{${cells.map(quoted).join()}}`
}

const escapeOfJson = /\\[^"\\]/

function nested(cell: Cell): Cell {
  return Array.isArray(cell) ? arrayLiteral(cell) : cell
}

function quoted(cell: Cell): string {
  const plain: unknown = JSON.parse(JSON.stringify(nested(cell)))
  return plain === null ? 'null' : `"${String(plain).replaceAll(/["\\]/g, '\\$&')}"`
}

/**
 * Types whose text needs no quotes. Their values come from Nightpost, from Postgres, or from a body after `isInstant`: they are
 * text and never empty. A vendor's ids are `text`, which is not in the set.
 */
const UNQUOTED = new Set(['uuid', 'timestamp with time zone', 'date'])

/** Returns the array literal of one column of rows, in the fastest way that the type and the values allow. */
export function columnLiteral(cells: readonly Cell[], type: string): string {
  const [first = null] = cells
  if (cells.length > 1 && cells.every((cell) => cell === first)) {
    const one = quoted(first)
    return `{${`${one},`.repeat(cells.length - 1)}${one}}`
  }
  return UNQUOTED.has(type) ? `{${cells.map((cell) => cell ?? 'null').join()}}` : arrayLiteral(cells)
}

const SMALLINT_OID = 21
const HEADER_BYTES = 20
const ELEMENT_BYTES = 6

/** Returns the concatenated arrays as one `smallint[]` in Postgres' binary format, which it reads much faster than text. */
export function smallints(arrays: ReadonlyArray<readonly number[] | null>): Buffer {
  const length = arrays.reduce((sum, array) => sum + (array?.length ?? 0), 0)
  const bytes = Buffer.alloc(HEADER_BYTES + length * ELEMENT_BYTES)
  bytes.writeInt32BE(1, 0) // dimensions
  bytes.writeInt32BE(0, 4) // no NULL inside
  bytes.writeInt32BE(SMALLINT_OID, 8)
  bytes.writeInt32BE(length, 12)
  bytes.writeInt32BE(1, 16) // the first index
  let at = HEADER_BYTES
  for (const array of arrays) {
    for (const value of array ?? []) {
      bytes[at + 3] = 2 // the element's length; the three bytes before it are 0
      bytes[at + 4] = value >> 8
      bytes[at + 5] = value
      at += ELEMENT_BYTES
    }
  }
  return bytes
}
