import { csvLines } from '../../export/csv.ts'
import { drawRow, fits, fittingTable, naturalWidths, rule } from '../table.ts'
import { jsonValue } from './json.ts'
import type { Column, Row } from './statement.ts'

/** Turns a result into text, piece by piece, so that a long one is never held as a whole. */
export interface Format {
  begin(columns: readonly Column[]): string
  rows(rows: readonly Row[]): string
  end(command: string | null): string
}

/** CSV as RFC 4180 has it: a header, lines that end with CR LF. NULL is empty, and an empty text is `""`. */
export function csvFormat(): Format {
  return {
    begin: (columns) => (columns.length > 0 ? csvLines([columns.map(({ name }) => name)]) : ''),
    rows: csvLines,
    end: () => '',
  }
}

/** One JSON object a line for each row. Throws if two columns have one name. */
export function jsonFormat(): Format {
  let columns: ReadonlyArray<Column & { key: string }> = []
  const objectOf = (row: Row) =>
    `{${columns.map(({ key, dataTypeID }, at) => `${key}:${jsonValue(row[at] ?? null, dataTypeID)}`).join(',')}}\n`
  return {
    begin: (given) => {
      const names = given.map(({ name }) => name)
      const twice = names.find((name, at) => names.indexOf(name) !== at)
      if (twice !== undefined) {
        throw new Error(`Two columns are named "${twice}". Give each its own name with AS, or use --csv.`)
      }
      columns = given.map((column) => ({ ...column, key: JSON.stringify(column.name) }))
      return ''
    },
    rows: (rows) => rows.map(objectOf).join(''),
    end: () => '',
  }
}

/**
 * A table for people, and the number of rows. If it would be wider than `width`, each row becomes a table of its own with one
 * line per column. The first rows decide about that. Columns get wider with later rows while the table fits; then values are
 * wrapped.
 */
export function textFormat(width: number): Format {
  let head: string[] = []
  /** null if each row is a table of its own. */
  let widths: number[] | null | undefined
  let count = 0

  const lines = (rows: string[][]): string[] => {
    if (widths === undefined) {
      const natural = naturalWidths([head, ...rows])
      widths = fits(natural, width) ? natural : null
      if (widths !== null) {
        const top = [rule('┌┬┐', widths), drawRow(head, widths), rule('├┼┤', widths)]
        return [...top, ...tableRows(rows, widths)]
      }
    }
    if (widths === null) return rows.map((row) => record(head, row, width))
    const wider = naturalWidths([widths.map((one) => ' '.repeat(one)), ...rows])
    const grows = wider.some((one, at) => one > (widths?.[at] ?? 0)) && fits(wider, width)
    if (grows) widths = wider
    return [...(grows ? [rule('├┼┤', widths)] : []), ...tableRows(rows, widths)]
  }

  return {
    begin: (columns) => {
      head = columns.map(({ name }) => printable(name))
      return ''
    },
    rows: (rows) => {
      count += rows.length
      return `${lines(rows.map((row) => row.map(shownValue))).join('\n')}\n`
    },
    end: (command) => {
      if (head.length === 0) return command === null || command === 'COPY' ? '' : `${command}\n`
      const drawn = count === 0 ? lines([]) : []
      const bottom = widths ? [rule('└┴┘', widths)] : []
      return [...drawn, ...bottom, `${count} ${count === 1 ? 'row' : 'rows'}\n`].join('\n')
    },
  }
}

const tableRows = (rows: readonly string[][], widths: readonly number[]) =>
  rows.map((row) => drawRow(row, widths))

const record = (head: readonly string[], row: readonly string[], width: number) =>
  fittingTable(
    null,
    head.map((name, at) => [name, row[at] ?? '']),
    width,
  )

const shownValue = (value: string | null) => (value === null ? '∅' : printable(value))

/** Control characters, which a terminal would obey, are written as escapes. Line ends stay. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to escape
  return text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, (character) =>
    character === '\t' ? '  ' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
