import stringWidth from 'string-width'

/** Characters that a border and the spaces beside it take in each column. */
const BORDER = 3

/** No column gets narrower than this, even if the table is wider than the terminal. */
const NARROWEST = 6

/** Draws a table that is at most `width` characters wide: the widest columns are wrapped. */
export function fittingTable(
  head: readonly string[] | null,
  rows: ReadonlyArray<readonly string[]>,
  width: number,
): string {
  const widths = narrowed(naturalWidths(head ? [head, ...rows] : rows), width)
  const top = head ? [drawRow(head, widths), rule('├┼┤', widths)] : []
  const lines = [rule('┌┬┐', widths), ...top, ...rows.map((row) => drawRow(row, widths)), rule('└┴┘', widths)]
  return lines.join('\n')
}

/** Draws a row. Values that are longer than the width of their column are wrapped. */
export function drawRow(row: readonly string[], widths: readonly number[]): string {
  const cells = row.map((value, at) => wrap(value, widths[at] ?? NARROWEST))
  const height = cells.reduce((most, lines) => Math.max(most, lines.length), 1)
  const lines = Array.from({ length: height }, (_, line) => {
    const parts = cells.map((cell, at) => padded(cell[line] ?? '', widths[at] ?? NARROWEST))
    return `│ ${parts.join(' │ ')} │`
  })
  return lines.join('\n')
}

/** A horizontal line. `corners` are its left, inner and right characters. */
export function rule(corners: '┌┬┐' | '├┼┤' | '└┴┘', widths: readonly number[]): string {
  const [left, inner, right] = corners
  return `${left}${widths.map((width) => '─'.repeat(width + 2)).join(inner)}${right}`
}

/** The widths that the longest line of each column needs. */
export function naturalWidths(rows: ReadonlyArray<readonly string[]>): number[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [at, value] of row.entries()) widths[at] = Math.max(widths[at] ?? 1, longestLine(value))
  }
  return widths
}

/** Whether a table with these columns is at most `width` characters wide. */
export const fits = (widths: readonly number[], width: number) =>
  widths.reduce((sum, one) => sum + one + BORDER, 1) <= width

function narrowed(natural: readonly number[], width: number): number[] {
  const widths = [...natural]
  while (!fits(widths, width)) {
    const widest = Math.max(...widths)
    if (widest <= NARROWEST) break
    widths[widths.indexOf(widest)] = widest - 1
  }
  return widths
}

function longestLine(text: string): number {
  if (!text.includes('\n')) return columnsOf(text)
  return text.split('\n').reduce((most, line) => Math.max(most, columnsOf(line)), 0)
}

/** Columns of the terminal that a text takes. A Chinese character takes two, a combining accent none. */
const columnsOf = (text: string) => (/^[ -~]*$/.test(text) ? text.length : stringWidth(text))

const padded = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - columnsOf(text)))

/** The lines of a text. Those that are longer than `width` are broken at spaces, or within a word that is longer itself. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => (columnsOf(line) <= width ? [line] : wrappedLine(line, width)))
}

/** It looks at a part of the line at a time, because a value may have megabytes. */
function wrappedLine(line: string, width: number): string[] {
  const characters = [...line]
  const lines: string[] = []
  for (let start = 0; start < characters.length; ) {
    const end = endOfFitting(characters, start, width)
    const space = end < characters.length ? characters.slice(start, end + 1).lastIndexOf(' ') : -1
    const isAtSpace = space > 0
    lines.push(characters.slice(start, isAtSpace ? start + space : end).join(''))
    start = isAtSpace ? start + space + 1 : end
  }
  return lines
}

/** The end of the longest part from `start` that is at most `width` wide. It has one character at least. */
function endOfFitting(characters: readonly string[], start: number, width: number): number {
  const isFitting = (end: number) => columnsOf(characters.slice(start, end).join('')) <= width
  let end = Math.min(start + width, characters.length)
  while (end > start + 1 && !isFitting(end)) end -= 1
  // Accents take no column.
  while (end < characters.length && isFitting(end + 1)) end += 1
  return end
}
