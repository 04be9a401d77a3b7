const iso8601 =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$/

const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * Whether `text` is an ISO 8601 date or date and time that exists: seconds, up to nine fractional
 * digits, and the offset (`Z`, `+09:00`, `+0900`, `+09`) may each be absent.
 */
export function isInstant(text: string): boolean {
  const match = iso8601.exec(text)
  if (!match) return false
  const year = Number(match[1])
  const month = Number(match[2])
  const day = Number(match[3])
  if (year === 0 || month === 0 || day === 0 || day > (DAYS_IN_MONTH[month - 1] ?? 0)) return false
  if (month === 2 && day === 29 && !isLeapYear(year)) return false
  if (Number(match[4] ?? 0) > 23 || Number(match[5] ?? 0) > 59 || Number(match[6] ?? 0) > 59) return false
  return Math.abs(offsetMinutes(match[7]) ?? 0) <= MAX_OFFSET_MINUTES
}

// Postgres refuses anything beyond ±15:59.
const MAX_OFFSET_MINUTES = 15 * 60 + 59

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

function offsetMinutes(offset: string | undefined): number | null {
  if (offset === undefined) return null
  if (offset === 'Z' || offset === 'z') return 0
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3).replace(':', ''))
  return offset.startsWith('-') ? -minutes : minutes
}

// Cut, because Postgres rounds: 23:59:59.9999999, .NET's end of a day, would become the next day.
const beyondMicroseconds = /(\.\d{6})\d+/
const LONGEST_WITH_MICROSECONDS = '2025-01-22T23:59:59.999999'.length

/** Text that Postgres reads as the same instant in any session time zone: no offset means UTC. */
export function instant(text: string | null | undefined): string | null {
  if (text === null || text === undefined) return null
  const match = iso8601.exec(text)
  if (match?.[4] === undefined) return `${text}T00:00Z`
  const kept = text.length > LONGEST_WITH_MICROSECONDS ? text.replace(beyondMicroseconds, '$1') : text
  return match[7] === undefined ? `${kept}Z` : kept
}

/** UTC offset as sent, in minutes; null where none was sent. */
export function utcOffsetMinutes(text: string | null | undefined): number | null {
  return text ? offsetMinutes(iso8601.exec(text)?.[7]) : null
}

/** The calendar date as written, `YYYY-MM-DD`: the user's own day where the text carries their offset. */
export function localDate(text: string | null | undefined): string | null {
  return text ? text.slice(0, 10) : null
}
