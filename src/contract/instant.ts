const iso8601 = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?)?$/

const DATE = 'YYYY-MM-DD'.length

const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * Whether `text` is an ISO 8601 date, or date and time, that exists in the calendar. Seconds, a fraction of up to nine
 * digits, and the offset (`Z`, `+09:00`, `+0900`, `+09`) may each be absent.
 */
export function isInstant(text: string): boolean {
  // The parts are at fixed offsets. Capture groups would allocate more than all other steps of a delivery.
  if (!iso8601.test(text)) return false
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  if (year === 0 || month === 0 || day === 0 || day > (DAYS_IN_MONTH[month - 1] ?? 0)) return false
  if (month === 2 && day === 29 && !isLeapYear(year)) return false
  if (text.length === DATE) return true
  if (twoDigits(text, 11) > 23 || twoDigits(text, 14) > 59) return false
  if (text[16] === ':' && twoDigits(text, 17) > 59) return false
  return Math.abs(offsetMinutes(text) ?? 0) <= MAX_OFFSET_MINUTES
}

// Postgres refuses larger offsets than ±15:59.
const MAX_OFFSET_MINUTES = 15 * 60 + 59

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO
}
const ZERO = '0'.charCodeAt(0)

/** The UTC offset of a valid instant in minutes; null if it has none. */
function offsetMinutes(text: string): number | null {
  if (text.endsWith('Z') || text.endsWith('z')) return 0
  const sign = Math.max(text.lastIndexOf('+'), text.lastIndexOf('-'))
  if (sign < DATE) return null
  const hours = twoDigits(text, sign + 1)
  const minutes = text.length > sign + 3 ? twoDigits(text, text.length - 2) : 0
  const offset = hours * 60 + minutes
  return text[sign] === '-' ? -offset : offset
}

// Postgres rounds to microseconds: 23:59:59.9999999, which .NET sends as the end of a day, would become the next day.
const beyondMicroseconds = /(\.\d{6})\d+/
const LONGEST_WITH_MICROSECONDS = '2025-01-22T23:59:59.999999'.length

/**
 * Turns a valid instant into text that Postgres reads as the same `timestamptz` in any session time zone. An instant
 * without an offset is UTC. Digits beyond microseconds are cut off.
 */
export function instant(text: string | null | undefined): string | null {
  if (text === null || text === undefined) return null
  if (text.length === DATE) return `${text}T00:00Z`
  const cut = text.length > LONGEST_WITH_MICROSECONDS ? text.replace(beyondMicroseconds, '$1') : text
  return offsetMinutes(text) === null ? `${cut}Z` : cut
}

/** Milliseconds of Unix time of a valid instant, with further digits cut off; null if `text` is null. */
export function unixTime(text: string | null | undefined): number | null {
  const utc = instant(text)
  if (utc === null) return null
  // `Date.parse` reads other separators and offsets by rules of its own, or not at all.
  const iso = utc.toUpperCase().replace(' ', 'T')
  return Date.parse(iso.replace(/([+-]\d\d)(\d\d)?$/, (_, hours, minutes = '00') => `${hours}:${minutes}`))
}

/** The UTC offset of a valid instant in minutes; null if it has none. */
export function utcOffsetMinutes(text: string | null | undefined): number | null {
  return text ? offsetMinutes(text) : null
}

/** The calendar date as written, `YYYY-MM-DD`: the user's own day if the text has the user's offset. */
export function localDate(text: string | null | undefined): string | null {
  return text ? text.slice(0, 10) : null
}
