import { epochsInProgress } from '../asleep.ts'
import { announcedAnalyses, endOf, laterAnalysis, sessionId, sessionResult } from '../asleep-session.ts'
import { localTimestamp, utcTimestamp } from '../local-time.ts'
import { EPOCH_MS } from '../night.ts'
import { type SimulatedSession, sessionsOf, usersOf } from '../population.ts'
import type { TrafficOptions } from '../traffic.ts'
import type { User } from '../user.ts'

type Result = ReturnType<typeof sessionResult>

/** A session as Asleep knows it at the end, after every analysis. Times are given in the zone that a request asks for. */
export interface StoredSession {
  readonly id: string
  /** In milliseconds since 1970. */
  readonly start: number
  readonly state: 'OPEN' | 'COMPLETE'
  /** What Get Session has in `result`. */
  result(timeZone: string): object
  /** An entry of the list of sessions. */
  entry(timeZone: string): object
  readonly kind: 'slept' | 'never slept' | 'other'
  /** Of a complete session: its `stat` and when its last analysis was finished. */
  figures(timeZone: string): { stat: Result['stat']; completedTime: string; endTime: string }
}

/** The sessions of each user, by the user's id, in the order of their start. */
export function asleepData(options: TrafficOptions): Map<string, StoredSession[]> {
  const users = usersOf(options)
  return new Map(
    users.map((user, number) => {
      const isLast = number === users.length - 1
      const sessions = sessionsOf(user, isLast, options).map((session) =>
        storedSession(user, session, options.reanalysed ?? 0),
      )
      return [user.id, sessions.sort((a, b) => a.start - b.start)]
    }),
  )
}

function storedSession(user: User, { night, isInProgress }: SimulatedSession, later: number): StoredSession {
  const [first, ...again] = announcedAnalyses(user, night)
  const analysis = laterAnalysis(user, night, later) ?? again.at(-1) ?? first
  const epochs = isInProgress ? epochsInProgress(night) : night.sleep.length
  const kind = night.kind === 'slept' || night.kind === 'never slept' ? night.kind : 'other'
  const result = (timeZone: string): Result => sessionResult(user, analysis, timeZone)
  return {
    id: sessionId(user, night),
    start: night.start,
    state: isInProgress ? 'OPEN' : 'COMPLETE',
    kind,
    result: (timeZone) => (isInProgress ? openResult(result(timeZone), epochs) : result(timeZone)),
    entry: (timeZone) => ({
      session_id: sessionId(user, night),
      state: isInProgress ? 'OPEN' : 'COMPLETE',
      session_start_time: localTimestamp(night.start, timeZone),
      session_end_time: isInProgress ? null : localTimestamp(endOf(night), timeZone),
      created_timezone: user.timeZone,
      unexpected_end_time: null,
      last_received_seq_num: epochs - 1,
      time_in_bed: isInProgress ? null : (night.sleep.length * EPOCH_MS) / 1000,
    }),
    figures: (timeZone) => ({
      stat: result(timeZone).stat,
      completedTime: utcTimestamp(analysis.completedAt),
      endTime: localTimestamp(endOf(night), timeZone),
    }),
  }
}

/** What Asleep has of a session in progress: the stages so far, and no figures. */
function openResult(result: Result, epochs: number): object {
  const { session } = result
  return {
    ...result,
    peculiarities: ['IN_PROGRESS'],
    session: {
      ...session,
      state: 'OPEN',
      end_time: null,
      sleep_stages: session.sleep_stages.slice(0, epochs),
      breath_stages: session.breath_stages?.slice(0, epochs) ?? null,
      snoring_stages: session.snoring_stages.slice(0, epochs),
    },
    stat: null,
  }
}
