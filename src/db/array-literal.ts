/** A value that one array element can carry; arrays travel as the text of their own literal. */
type Cell = string | number | null | { toJSON(): string } | readonly Cell[]

/**
 * A Postgres array literal: one parameter for a whole column of a group, whatever its type.
 * JSON's quoting of strings is an array literal's too, save for escapes such as `\n`.
 */
export function arrayLiteral(cells: readonly Cell[]): string {
  const json = JSON.stringify(cells.some(Array.isArray) ? cells.map(nested) : cells)
  const body = escapeOfJson.test(json) ? cells.map(quoted).join() : json.slice(1, -1)
  return `{${body}}`
}

const escapeOfJson = /\\[^"\\]/

function nested(cell: Cell): Cell {
  return Array.isArray(cell) ? arrayLiteral(cell) : cell
}

function quoted(cell: Cell): string {
  const plain: unknown = JSON.parse(JSON.stringify(nested(cell)))
  return plain === null ? 'null' : `"${String(plain).replaceAll(/["\\]/g, '\\$&')}"`
}

/** The literal of one column of rows. */
export function columnLiteral(rows: readonly object[], name: string): string {
  return arrayLiteral(rows.map((row) => (row as Record<string, Cell>)[name] ?? null))
}

const SMALLINT_OID = 21
const HEADER_BYTES = 20
const ELEMENT_BYTES = 6

/** Arrays end to end as one `smallint[]` in Postgres' binary format, which it reads much faster than text. */
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
