const MINUTE_MS = 60_000
/** Zones change their offset only at a multiple of this. */
const QUARTER_MS = 15 * MINUTE_MS
const formats = new Map<string, Intl.DateTimeFormat>()
/** By zone, the known offsets by quarter of an hour. Asking `Intl` takes most of the time of a simulation. */
const offsets = new Map<string, Map<number, number>>()

/** The UTC offset of a time zone at an instant, in minutes. Throws a `RangeError` if there is no such zone. */
export function offsetMinutes(instant: number, timeZone: string): number {
  const known = offsets.get(timeZone) ?? new Map<number, number>()
  const quarter = Math.floor(instant / QUARTER_MS)
  const offset = known.get(quarter) ?? offsetAt(instant, timeZone)
  if (known.size === 0) offsets.set(timeZone, known)
  known.set(quarter, offset)
  return offset
}

function offsetAt(instant: number, timeZone: string): number {
  let format = formats.get(timeZone)
  if (!format) {
    format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
    formats.set(timeZone, format)
  }
  const name = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const [, sign, hours = '0', minutes = '0'] = /GMT([+-])(\d\d):(\d\d)/.exec(name) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}

/** The instant of a local wall-clock time, `hours` after midnight of `date`; `hours` may be negative or above 24. */
export function instantOf(date: string, hours: number, timeZone: string): number {
  const wall = Date.parse(`${date}T00:00:00Z`) + Math.round(hours * 60) * MINUTE_MS
  const guess = wall - offsetMinutes(wall, timeZone) * MINUTE_MS
  return wall - offsetMinutes(guess, timeZone) * MINUTE_MS
}

/** An instant as ISO 8601 local time with UTC offset, in whole seconds: 2025-03-09T07:10:00-04:00. */
export function localTimestamp(instant: number, timeZone: string): string {
  const offset = offsetMinutes(instant, timeZone)
  const local = new Date(instant + offset * MINUTE_MS).toISOString().slice(0, 19)
  const twoDigits = (value: number) => String(value).padStart(2, '0')
  const distance = Math.abs(offset)
  return `${local}${offset < 0 ? '-' : '+'}${twoDigits(Math.floor(distance / 60))}:${twoDigits(distance % 60)}`
}

/** An instant as ISO 8601 in UTC, in whole seconds: 2025-03-09T11:10:00Z. */
export function utcTimestamp(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 19)}Z`
}

/** The calendar date `days` later. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 24 * 60 * MINUTE_MS).toISOString().slice(0, 10)
}

/** From 0, Sunday, to 6. */
export function weekday(date: string): number {
  return new Date(`${date}T00:00:00Z`).getUTCDay()
}
