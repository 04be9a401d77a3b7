import type { Column } from './columns.ts'
import { csvLines } from './csv.ts'
import type { Encoder } from './encoder.ts'
import type { Row } from './read.ts'
import { csvValue, jsonValue } from './values.ts'

/** CSV (RFC 4180) with a header. */
export function csvEncoder(columns: readonly Column[]): Encoder {
  return {
    begin: () => csvLines([columns.map(({ name }) => name)]),
    rows: (rows) =>
      csvLines(rows.map((row) => columns.map((column, at) => csvValue(row[at] ?? null, column)))),
    end: () => '',
  }
}

/** One JSON object per line and row. */
export function ndjsonEncoder(columns: readonly Column[]): Encoder {
  const objectOf = jsonObjects(columns)
  return {
    begin: () => '',
    rows: (rows) => rows.map((row) => `${objectOf(row)}\n`).join(''),
    end: () => '',
  }
}

/** The value of one column per line. */
export function ndjsonValues(column: Column): Encoder {
  return {
    begin: () => '',
    rows: (rows) => rows.map(([value = null]) => `${jsonValue(value, column)}\n`).join(''),
    end: () => '',
  }
}

/** One JSON document: a list with an object per row. */
export function jsonEncoder(columns: readonly Column[]): Encoder {
  const objectOf = jsonObjects(columns)
  let separator = '\n'
  return {
    begin: () => '[',
    rows: (rows) => {
      if (rows.length === 0) return ''
      const text = `${separator}${rows.map(objectOf).join(',\n')}`
      separator = ',\n'
      return text
    },
    end: () => '\n]\n',
  }
}

function jsonObjects(columns: readonly Column[]): (row: Row) => string {
  const keyed = columns.map((column) => ({ ...column, key: `${JSON.stringify(column.name)}:` }))
  return (row) =>
    `{${keyed.map((column, at) => `${column.key}${jsonValue(row[at] ?? null, column)}`).join(',')}}`
}
