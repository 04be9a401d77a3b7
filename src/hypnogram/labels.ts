import type { Days, Hypnogram } from './hypnogram.ts'

/** Minutes as text: `7 h 05 min`. */
export function duration(minutes: number): string {
  const whole = Math.round(minutes)
  return whole < 60
    ? `${whole} min`
    : `${Math.floor(whole / 60)} h ${String(whole % 60).padStart(2, '0')} min`
}

/** The title of a drawing: the date of waking; until SESSION_COMPLETE is stored, the session's id if `ids`. */
export function heading({ night, sessionId, sleep }: Hypnogram, ids = true): string {
  if (!night)
    return `Session${ids ? ` ${sessionId}` : ''}${ids ? ',' : ''} ${sleep.length > 0 ? 'in progress' : 'without stages'}`
  if (!night.date) return 'Night that has not ended'
  return night.isNap ? `Nap on ${night.date}` : `Night ending ${night.date}`
}

/** The subtitle of a drawing: local bed time and end, with their time zone and a change of the clocks. */
export function timeRange({ night }: Hypnogram): string {
  if (!night?.bedTime) return 'start not known yet'
  const zone = night.timeZoneKnown ? night.timeZone : 'UTC: time zone unknown'
  const change = night.clockChange ? `, ${clockChange(night.clockChange.minutes)}` : ''
  return `${night.bedTime} – ${night.endTime ?? '…'} (${zone})${change}`
}

/** `clocks go back 1 h` */
export function clockChange(minutes: number): string {
  const distance = Math.abs(minutes)
  const text = distance % 60 === 0 ? `${distance / 60} h` : `${distance} min`
  return `clocks go ${minutes < 0 ? 'back' : 'forward'} ${text}`
}

// To make a format takes longer than to draw a night.
const [weekday, day, month] = (
  [{ weekday: 'short' }, { day: 'numeric' }, { month: 'short' }] satisfies Intl.DateTimeFormatOptions[]
).map((part) => new Intl.DateTimeFormat('en-GB', { ...part, timeZone: 'UTC' })) as [
  Intl.DateTimeFormat,
  Intl.DateTimeFormat,
  Intl.DateTimeFormat,
]

/** `Mon 3 Nov` */
export function shortDate(date: string): string {
  const at = new Date(date)
  return `${weekday.format(at)} ${day.format(at)} ${month.format(at).slice(0, 3)}`
}

/** The title of a drawing of several days. */
export function daysHeading({ days }: Days): string {
  const [first, last] = [days[0]?.date ?? '', days.at(-1)?.date ?? '']
  const year = (date: string) => date.slice(0, 4)
  const from = `${shortDate(first)}${year(first) === year(last) ? '' : ` ${year(first)}`}`
  return days.length === 1
    ? `Night ending ${shortDate(last)} ${year(last)}`
    : `Nights ending ${from} to ${shortDate(last)} ${year(last)}`
}

/** The subtitle of a drawing of several days: whose clock the axis shows, and what it leaves out. */
export function daysSubtitle({ timeZones, undated }: Days): string {
  const zones = `Local time (${timeZones.join(', then ')})`
  if (undated.length === 0) return zones
  return `${zones}; ${undated.length === 1 ? 'a session in progress is' : `${undated.length} sessions in progress are`} left out`
}
