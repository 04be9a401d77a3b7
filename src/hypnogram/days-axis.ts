import type { Days, Hypnogram, PlacedHypnogram } from './hypnogram.ts'
import { clockChange } from './labels.ts'
import { inWords } from './peculiarities.ts'

/** The common axis of several days, in minutes from local noon of the day before. */
export interface DaysAxis {
  readonly from: number
  readonly to: number
}

const MIN_HOURS = 8
/** What lies further from the day is cut off: before the midnight that begins the day before, or after the day's end. */
const [FIRST, LAST] = [-12 * 60, 36 * 60]

/** The whole hours that all sessions are in; the evening and the night if none has a start. */
export function axisOf({ days }: Days): DaysAxis {
  const placed = days.flatMap(({ sessions }) => sessions).filter(hasStart)
  if (placed.length === 0) return { from: 8 * 60, to: 22 * 60 }
  const first = Math.min(...placed.map(({ firstMinute }) => firstMinute))
  const from = Math.floor(Math.max(FIRST, Math.min(first, LAST)) / 60) * 60
  const last = Math.max(...placed.map((session) => session.firstMinute + session.length / 2))
  const to = Math.ceil(Math.min(last, LAST) / 60) * 60
  return { from, to: Math.max(to, from + MIN_HOURS * 60) }
}

/** The hours that the axis names: as many as there is room for, at the same distance, with midnight or noon among them. */
export function axisHours({ from, to }: DaysAxis, room: number): Array<{ minute: number; label: string }> {
  const step = [1, 2, 3, 4, 6, 12, 24].find((hours) => (to - from) / 60 / hours <= room) ?? 24
  const hours: Array<{ minute: number; label: string }> = []
  for (let minute = Math.ceil(from / (step * 60)) * step * 60; minute <= to; minute += step * 60) {
    hours.push({ minute, label: `${String((minute / 60 + 12) % 24).padStart(2, '0')}:00` })
  }
  return hours
}

export const hasStart = (
  session: PlacedHypnogram,
): session is PlacedHypnogram & { readonly firstMinute: number } => session.firstMinute !== null

/** Minutes asleep of all sessions of a day; null if none is known. */
export function asleepOf(sessions: Hypnogram[]): number | null {
  const known = sessions.flatMap(({ night }) => night?.minutes.asleep ?? [])
  return known.length === 0 ? null : known.reduce((sum, minutes) => sum + minutes, 0)
}

/** Beside the time asleep: the efficiency of the only session, or how many sessions there are. */
export function detailOf(sessions: Hypnogram[]): string {
  if (sessions.length > 1) {
    const naps = sessions.filter(({ night }) => night?.isNap).length
    if (naps === sessions.length - 1) return naps === 1 ? 'with a nap' : `with ${naps} naps`
    return `${sessions.length} sessions`
  }
  const efficiency = sessions[0]?.night?.efficiency ?? null
  return efficiency === null ? '' : `${Math.round(efficiency * 100)} %`
}

/** The peculiarities of every session, which need not be repeated for each day. */
export function commonPeculiarities({ days }: Days): string[] {
  const sessions = days.flatMap(({ sessions }) => sessions)
  const [first] = sessions
  if (!first || sessions.length === 1) return []
  return (first.night?.peculiarities ?? []).filter((peculiarity) =>
    sessions.every(({ night }) => night?.peculiarities.includes(peculiarity)),
  )
}

/** What must be said of a day in words. `common` is said elsewhere. */
export function remarksOf(sessions: PlacedHypnogram[], common: string[]): string {
  const remarks = sessions.flatMap((session) => {
    const { night, sleep } = session
    return [
      ...(night?.peculiarities ?? []).filter((each) => !common.includes(each)).map(inWords),
      ...(sleep.length === 0 ? ['no sleep stages were sent'] : []),
      ...(hasStart(session) ? [] : ['start not known']),
      ...(sleep.some(({ provisional }) => provisional) ? ['provisional'] : []),
      ...(night?.clockChange ? [`${clockChange(night.clockChange.minutes)} (dashed line)`] : []),
    ]
  })
  return [...new Set(remarks)].join(', ')
}
