import { localTimestamp } from '../local-time.ts'
import type { StoredSession } from './asleep-data.ts'

const CLOCK_FIELDS = ['start_time', 'end_time', 'sleep_time', 'wake_time']
const DAY_SECONDS = 86_400
const NOON = DAY_SECONDS / 2

/**
 * The averages of the sessions with sleep, and the lists of the sessions with and without. A session with sleep has its
 * figures; a brief list has only ids and start times.
 */
export function averageStats(sessions: StoredSession[], timeZone: string, isBrief: boolean): object {
  const of = (kind: StoredSession['kind']) => sessions.filter((session) => session.kind === kind)
  const listed = (session: StoredSession, hasFigures: boolean) => {
    const start = localTimestamp(session.start, timeZone)
    if (isBrief) return { session_id: session.id, session_start_time: start }
    const { stat, completedTime, endTime } = session.figures(timeZone)
    const { sleep_cycle_time: _, ...figures } = { ...stat } as Record<string, unknown>
    const times = { start_time: start, end_time: endTime, completed_time: completedTime }
    return { id: session.id, ...times, ...(hasFigures && figures) }
  }
  return {
    peculiarities: [],
    average_stats: averagesOf(of('slept'), timeZone),
    slept_sessions: of('slept').map((session) => listed(session, true)),
    never_slept_sessions: of('never slept').map((session) => listed(session, false)),
  }
}

/** The mean of every figure; of times, the mean time of day. null without a session. */
function averagesOf(sessions: StoredSession[], timeZone: string): object | null {
  if (sessions.length === 0) return null
  const figures = sessions.map((session) => {
    const { stat, endTime } = session.figures(timeZone)
    return { start_time: localTimestamp(session.start, timeZone), end_time: endTime, ...stat } as Record<
      string,
      unknown
    >
  })
  const means = Object.keys(figures[0] ?? {}).flatMap((name) => {
    const values = figures.map((one) => one[name])
    if (CLOCK_FIELDS.includes(name)) return [[name, meanTime(values as string[])]]
    const numbers = values.filter((value) => typeof value === 'number')
    return numbers.length > 0 ? [[name, Math.round(mean(numbers) * 1000) / 1000]] : []
  })
  return Object.fromEntries(means)
}

const mean = (numbers: number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length

/** The mean time of day, counted from noon, so that the times of a night are near each other: 23:30:00. */
function meanTime(timestamps: string[]): string {
  const fromNoon = timestamps.map((text) => {
    const [hours = 0, minutes = 0, seconds = 0] = text.slice(11, 19).split(':').map(Number)
    return (hours * 3600 + minutes * 60 + seconds + NOON) % DAY_SECONDS
  })
  const seconds = (Math.round(mean(fromNoon)) + NOON) % DAY_SECONDS
  return new Date(seconds * 1000).toISOString().slice(11, 19)
}
