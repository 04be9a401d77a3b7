import { localTimestamp, offsetMinutes } from '../local-time.ts'
import { type Answer, one, type Route, type VendorCall } from './answer.ts'
import { averageStats } from './asleep-averages.ts'
import type { StoredSession } from './asleep-data.ts'

const MAX_LIMIT = 100
const DEFAULT_LIMIT = 20
const MAX_DAYS = 100

export interface AsleepState {
  readonly keys: readonly string[]
  readonly data: Map<string, StoredSession[]>
  /** Whether average-stats lists only ids and start times. */
  readonly hasBriefAverages: boolean
}

/** Asleep's Data API, by path. */
export function asleepRoutes(state: () => AsleepState): Record<string, Route> {
  const checked =
    (route: (call: VendorCall, state: AsleepState, timeZone: string) => Answer): Route =>
    (call) => {
      if (!state().keys.includes(call.header('x-api-key') ?? '')) return problem(401, 'x-api-key is invalid')
      const timeZone = call.header('timezone') ?? 'UTC'
      if (!isTimeZone(timeZone)) return problem(400, 'Invalid timezone format')
      return route(call, state(), timeZone)
    }
  return {
    '/data/v1/sessions': checked(sessionList),
    '/data/v3/sessions/:id': checked(session),
    '/data/v1/users/:id/average-stats': checked(averages),
  }
}

function sessionList(call: VendorCall, { data }: AsleepState, timeZone: string): Answer {
  const sessions = data.get(call.header('x-user-id') ?? '')
  if (!sessions) return problem(404, 'user does not exist')
  const { date_gte, date_lte, order_by = 'DESC', offset = '0', limit = `${DEFAULT_LIMIT}` } = call.query
  const [from, to, skipped, most] = [one(date_gte), one(date_lte), Number(offset), Number(limit)]
  const order = one(order_by)
  if (order !== 'ASC' && order !== 'DESC') return invalid('order_by', 'must be ASC or DESC')
  if (!(Number.isInteger(skipped) && skipped >= 0)) return invalid('offset', 'must be 0 or greater')
  if (!(Number.isInteger(most) && most >= 0 && most <= MAX_LIMIT))
    return invalid('limit', `must be 0 to ${MAX_LIMIT}`)
  if ([from, to].some((date) => date !== undefined && !isDate(date))) return invalid('date_gte', 'no date')
  const found = sessions.filter((session) => isBetween(session, from, to, timeZone))
  if (order === 'DESC') found.reverse()
  const length = call.isPartial ? Math.ceil(most / 2) : most
  return success({
    timezone: timeZone,
    sleep_session_list: found.slice(skipped, skipped + length).map((session) => session.entry(timeZone)),
  })
}

function session(call: VendorCall, { data }: AsleepState, timeZone: string): Answer {
  const sessions = data.get(call.header('x-user-id') ?? '')
  if (!sessions) return problem(404, 'user does not exist')
  const found = sessions.find(({ id }) => id === call.params.id)
  return found ? success(found.result(timeZone)) : problem(404, 'session does not exist')
}

function averages(call: VendorCall, { data, hasBriefAverages }: AsleepState, timeZone: string): Answer {
  const id = call.params.id ?? ''
  const sessions = data.get(id)
  if (!sessions) return problem(404, `Unable to find the user of id ${id}`)
  const [from = '', to = ''] = [one(call.query.start_date), one(call.query.end_date)]
  if (!isDate(from) || !isDate(to)) return invalid('start_date', 'start_date and end_date are dates')
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1
  if (days > MAX_DAYS) return problem(400, `The period should be less than or equal to ${MAX_DAYS} days`)
  const found = sessions.filter(
    (session) => session.state === 'COMPLETE' && isBetween(session, from, to, timeZone),
  )
  return success({
    period: { timezone: timeZone, start_date: from, end_date: to, days },
    ...averageStats(found, timeZone, hasBriefAverages),
  })
}

/** By the date of the start in the zone of the request. */
function isBetween({ start }: StoredSession, from = '', to = '9999-12-31', timeZone: string): boolean {
  const date = localTimestamp(start, timeZone).slice(0, 10)
  return date >= from && date <= to
}

const success = (result: object): Answer => ({ status: 200, body: { detail: 'success', result } })

export const problem = (status: number, detail: string): Answer => ({ status, body: { detail } })

/** The detail of a validation error is an array. */
const invalid = (parameter: string, msg: string): Answer => ({
  status: 422,
  body: { detail: [{ loc: ['query', parameter], msg, type: 'value_error' }] },
})

const isDate = (text: string) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text))

function isTimeZone(name: string): boolean {
  try {
    offsetMinutes(0, name)
    return true
  } catch {
    return false
  }
}
