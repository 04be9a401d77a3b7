/** The parts of Postgres' error that a person can act on. */
interface PostgresError extends Error {
  readonly code?: string | undefined
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  readonly where?: string | undefined
  /** The place in the statement, counted in characters from 1. */
  readonly position?: string | undefined
}

/**
 * Postgres' error as psql shows it: the message with its SQLSTATE, the line of the statement with a caret below the place,
 * detail and hint. Lines that are longer than `width` are cut around the caret.
 */
export function statementErrorText(error: PostgresError, statement: string, width: number): string {
  const { message, code, detail, hint, where, position } = error
  return [
    `ERROR:  ${message}${code ? ` (SQLSTATE ${code})` : ''}`,
    ...(position ? placeOf(statement, Number(position), width) : []),
    ...(detail ? [`DETAIL:  ${detail}`] : []),
    ...(hint ? [`HINT:  ${hint}`] : []),
    ...(where && !position ? [`CONTEXT:  ${where}`] : []),
  ].join('\n')
}

function placeOf(statement: string, position: number, width: number): string[] {
  const before = [...statement].slice(0, position - 1).join('')
  const number = before.split('\n').length
  const column = [...before.slice(before.lastIndexOf('\n') + 1)].length
  const line = [...(statement.split('\n')[number - 1] ?? '').replaceAll(/[\t\r]/g, ' ')]
  const label = `LINE ${number}: `
  const room = Math.max(width - label.length - 6, 20)
  const start =
    column <= room / 2 ? 0 : Math.max(0, Math.min(column - Math.floor(room / 2), line.length - room))
  const isCut = start + room < line.length
  const left = start > 0 ? '...' : ''
  const shown = `${left}${line.slice(start, start + room).join('')}${isCut ? '...' : ''}`
  return [`${label}${shown}`, `${' '.repeat(label.length + left.length + column - start)}^`]
}
