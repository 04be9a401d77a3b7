import { offsetMinutes } from '../../src/tools/simulate/local-time.ts'
import type { SimulatedDelivery } from '../../src/tools/simulate/simulated-delivery.ts'

/** What the cookbook's answers are computed from, read from the bodies that were sent, without a database. */
export interface CookbookModel {
  /** The ids of the persons, in their order. */
  readonly persons: readonly string[]
  readonly nights: readonly Night[]
  /** The newest revision of each score, and of each daily biomarker. */
  readonly scores: readonly Value[]
  readonly biomarkers: readonly Value[]
  readonly exercises: ReadonlyArray<{ person: string; date: string; hour: number }>
  /** For the newest revision of each record: milliseconds from the vendor's time to its first arrival. */
  readonly delays: Readonly<Record<'night' | 'score' | 'biomarker', readonly number[]>>
}

/** A session. Minutes count from midnight of `date`, the local day of waking. */
interface Recording {
  readonly person: string
  readonly date: string
  readonly zone: string
  readonly start: number
  readonly end: number
  readonly bed: number
  readonly wake: number
  readonly midpoint: number
  /** In seconds; null without statistics. */
  readonly stat: Record<string, number | null> | null
  /** One for each epoch of 30 s. */
  readonly stages: readonly number[]
}

export interface Night extends Recording {
  readonly isMain: boolean
  readonly isNap: boolean
}

export interface Value {
  readonly person: string
  readonly date: string
  readonly type: string
  readonly value: number
}

/** A body as it was sent, in any version, and when it first arrived. */
// biome-ignore lint/suspicious/noExplicitAny: no schema is asked here
type Body = any

const MINUTE = 60_000
const BIOMARKERS = ['steps', 'heart_rate_resting', 'heart_rate_variability_rmssd', 'weight']

/**
 * Whether an answer that is tested needs the delivery. Without the others, storing takes seconds. One person has a day of
 * which nothing was sent.
 */
export function isNeeded({ kind, body, user, expectedResult }: SimulatedDelivery): boolean {
  if (!['stored', 'duplicate'].includes(expectedResult)) return false
  if (user?.endsWith('o2xE') && /(_t|DateT)ime":"2025-10-29T/.test(body)) return false
  if (kind === 'SESSION_COMPLETE') return true
  if (!['Score', 'Biomarker', 'DataLog'].some((name) => kind.startsWith(name))) return false
  const { type, dataType } = JSON.parse(body)
  if (kind.startsWith('Score')) return ['sleep', 'readiness'].includes(type)
  return BIOMARKERS.includes(type) || dataType === 'exercise_session_running'
}

export function cookbookModel(traffic: readonly SimulatedDelivery[][]): CookbookModel {
  const sent = firstArrivals(traffic.flat())
  const ofKind = (name: string): Body[] =>
    sent.filter(({ kind }) => kind.startsWith(name)).map(({ body, at }) => ({ ...JSON.parse(body), at }))
  const sessions = newest(
    ofKind('SESSION_COMPLETE').map(sessionOf),
    ({ id }) => id,
    ({ at }) => at,
  )
  const created = ({ createdAtUtc }: Body) => Date.parse(createdAtUtc)
  const scores = newest(ofKind('Score'), ({ id }) => id, created)
  const biomarkers = newest(ofKind('Biomarker'), ({ id }) => id, created)
  return {
    persons: [...new Set(sent.map(({ user = '' }) => user))].sort(),
    nights: withKinds(sessions.map(({ night }) => night)),
    scores: scores.map(({ externalId, scoreDateTime, type, score }) => ({
      ...{ person: externalId, date: scoreDateTime.slice(0, 10), type, value: score },
    })),
    biomarkers: biomarkers
      .filter(({ periodicity }) => periodicity === 'daily')
      .map(({ externalId, startDateTime, type, value }) => ({
        ...{ person: externalId, date: startDateTime.slice(0, 10), type, value: Number(value) },
      })),
    exercises: ofKind('DataLog').flatMap(({ externalId, dataLogs }) =>
      dataLogs.map(({ startDateTime }: { startDateTime: string }) => ({
        ...{
          person: externalId,
          date: startDateTime.slice(0, 10),
          hour: Number(startDateTime.slice(11, 13)),
        },
      })),
    ),
    delays: {
      night: sessions.map(({ at, night }) => at - night.end),
      score: scores.map((score) => score.at - created(score)),
      biomarker: biomarkers.map((biomarker) => biomarker.at - created(biomarker)),
    },
  }
}

/** Equal bytes are one delivery, which arrives when they are first sent. */
function firstArrivals(deliveries: readonly SimulatedDelivery[]) {
  const first = new Map<string, SimulatedDelivery & { at: number }>()
  for (const delivery of deliveries) {
    const at = Math.min(delivery.sentAt, first.get(delivery.body)?.at ?? delivery.sentAt)
    first.set(delivery.body, { ...delivery, at })
  }
  return [...first.values()]
}

/** The row with the greatest time of each key. */
function newest<Row>(rows: Row[], key: (row: Row) => string, time: (row: Row) => number): Row[] {
  const kept = new Map<string, Row>()
  for (const row of rows) {
    const other = kept.get(key(row))
    if (other === undefined || time(row) >= time(other)) kept.set(key(row), row)
  }
  return [...kept.values()]
}

function sessionOf(envelope: Body): { id: string; at: number; night: Recording } {
  const data = envelope.data ?? envelope.callback_data
  const { session, stat } = data.sleep_data ?? data
  const zone: string = session.created_timezone
  const date: string = (stat?.wake_time ?? session.end_time).slice(0, 10)
  const midnight = Date.parse(`${date}T00:00:00Z`)
  /** A time is sent in local time with its offset. */
  const local = (time: string | null | undefined) =>
    time ? (Date.parse(`${time.slice(0, 19)}Z`) - midnight) / MINUTE : Number.NaN
  const middle = stat?.sleep_time
    ? (Date.parse(stat.sleep_time) + Date.parse(stat.wake_time)) / 2
    : Number.NaN
  const night = {
    ...{ person: data.user_id, date, zone, stat: stat ?? null, stages: session.sleep_stages },
    ...{ start: Date.parse(session.start_time), end: Date.parse(session.end_time) },
    ...{ bed: local(session.start_time), wake: local(stat?.wake_time) },
    midpoint: Number.isNaN(middle)
      ? Number.NaN
      : (middle + offsetMinutes(middle, zone) * MINUTE - midnight) / MINUTE,
  }
  return { id: `${data.user_id}/${session.id}`, at: envelope.at, night }
}

/** The longest sleep of a day is the main one, unless it is short and by day. */
function withKinds(nights: Recording[]): Night[] {
  const asleep = ({ stat }: Recording) => stat?.time_in_sleep ?? 0
  const mayBeMain = (night: Recording) =>
    asleep(night) > 0 && !(asleep(night) < 3 * 3600 && night.midpoint >= 9 * 60 && night.midpoint < 21 * 60)
  return nights.map((night) => {
    const longest = nights
      .filter(({ person, date }) => person === night.person && date === night.date)
      .filter(mayBeMain)
      .reduce((most, other) => Math.max(most, asleep(other)), 0)
    const isMain = mayBeMain(night) && asleep(night) === longest
    return { ...night, isMain, isNap: asleep(night) > 0 && !isMain }
  })
}
