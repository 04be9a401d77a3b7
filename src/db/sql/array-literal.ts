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
