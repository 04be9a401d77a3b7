import { localTimestamp } from './local-time.ts'
import { EPOCH_MS, type Night, reanalysed } from './night.ts'
import { seededRandom } from './seeded-random.ts'
import { statOf } from './stat.ts'
import { asleepIdTime, type User } from './user.ts'

const REANALYSIS_DELAY_MS = 300 * 60_000
const LATER_ANALYSIS_DELAY_MS = 2 * 86_400_000

/** What Asleep found in a session. */
export interface Analysis {
  readonly night: Night
  readonly missingDataRatio: number
  /** When it was finished, in milliseconds since 1970. */
  readonly completedAt: number
}

export function sessionId(user: User, { start }: Night): string {
  return `${asleepIdTime(start)}_${seededRandom(user.seed, 'session', start).string(5, 'abcdefghijklmnopqrstuvwxyz')}`
}

export const endOf = ({ start, sleep }: Night) => start + sleep.length * EPOCH_MS

/** The analyses that Asleep tells of: one, or for 4 % of the sessions two, the second with other stages. */
export function announcedAnalyses(user: User, night: Night): [Analysis, ...Analysis[]] {
  const random = seededRandom(user.seed, 'completion', night.start)
  const end = endOf(night)
  const missing =
    night.kind === 'defects'
      ? Math.round((1000 * night.sleep.filter((stage) => stage < 0).length) / night.sleep.length) / 1000
      : random.pick([0, 0, 0.004, 0.021])
  const completedAt = end + random.integer(60, 240) * 1000
  const first: Analysis = { night, missingDataRatio: missing, completedAt }
  if (!random.chance(0.04)) return [first]
  const again = reanalysed(user, night, 'reanalysis')
  return [first, { night: again, missingDataRatio: missing + 0.01, completedAt: end + REANALYSIS_DELAY_MS }]
}

/**
 * An analysis two days later, which a share of the sessions get, and of which Asleep sends nothing. Its stages and its
 * figures differ from those of the last announced one.
 */
export function laterAnalysis(user: User, night: Night, share: number): Analysis | null {
  if (night.kind !== 'slept') return null
  if (!seededRandom(user.seed, 'later analysis', night.start).chance(share)) return null
  const last = announcedAnalyses(user, night).at(-1)
  return {
    night: reanalysed(user, last?.night ?? night, 'later stages'),
    missingDataRatio: Math.round(1000 * ((last?.missingDataRatio ?? 0) + 0.02)) / 1000,
    completedAt: endOf(night) + LATER_ANALYSIS_DELAY_MS,
  }
}

/** The result of Get Session in the form of V3, with times in `timeZone`. */
export function sessionResult(user: User, { night, missingDataRatio }: Analysis, timeZone: string) {
  return {
    timezone: timeZone,
    peculiarities: peculiaritiesOf(night),
    missing_data_ratio: missingDataRatio,
    session: {
      ...sessionFields(user, night, timeZone),
      breath_stages: night.breath,
      snoring_stages: night.snoring,
    },
    stat: statOf(night, timeZone),
  }
}

/** The fields of `session` that every version has. */
export function sessionFields(user: User, night: Night, timeZone: string) {
  return {
    id: sessionId(user, night),
    state: 'COMPLETE',
    start_time: localTimestamp(night.start, timeZone),
    end_time: localTimestamp(endOf(night), timeZone),
    unexpected_end_time: null,
    created_timezone: user.timeZone,
    sleep_stages: night.sleep,
  }
}

export function peculiaritiesOf(night: Night): string[] {
  return [
    ...(night.kind === 'too short' ? ['TOO_SHORT_FOR_ANALYSIS'] : []),
    ...(night.kind === 'defects' ? ['TOO_MANY_DEFECTS_IN_SLEEP_STAGES'] : []),
    ...(night.kind === 'never slept' ? ['NEVER_SLEPT'] : []),
    ...(night.breath ? [] : ['NO_BREATHING_STABILITY']),
  ]
}
