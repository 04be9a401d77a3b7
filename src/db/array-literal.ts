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
