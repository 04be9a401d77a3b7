import type { Hypnogram } from './hypnogram.ts'

/** Minutes as text: `7 h 05 min`. */
export function duration(minutes: number): string {
  const whole = Math.round(minutes)
  return whole < 60
    ? `${whole} min`
    : `${Math.floor(whole / 60)} h ${String(whole % 60).padStart(2, '0')} min`
}

/** The title of a drawing: the date of waking, or the session's id until SESSION_COMPLETE is stored. */
export function heading({ night, sessionId, sleep }: Hypnogram): string {
  if (!night) return `Session ${sessionId}, ${sleep.length > 0 ? 'in progress' : 'without stages'}`
  return night.date ? `Night ending ${night.date}` : 'Night that has not ended'
}

/** The subtitle of a drawing: local bed time and end, with their time zone. */
export function timeRange({ night }: Hypnogram): string {
  if (!night?.bedTime) return 'start not known yet'
  const zone = night.timeZoneKnown ? night.timeZone : 'UTC: time zone unknown'
  return `${night.bedTime} – ${night.endTime ?? '…'} (${zone})`
}
