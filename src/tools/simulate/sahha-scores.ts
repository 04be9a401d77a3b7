import { type Day, timeOfDay } from './day.ts'
import { instantOf, localTimestamp, utcTimestamp } from './local-time.ts'
import { seededRandom } from './seeded-random.ts'
import { type SimulatedDelivery, sahhaDelivery } from './simulated-delivery.ts'
import { sahhaIds, sahhaRecordId, type User } from './user.ts'

interface Factor {
  name: string
  value: number
  goal: number
  unit: string
}

interface Score {
  type: string
  factors: Factor[]
  dataSources: string[]
  /** Local hour at which Sahha creates it. */
  hour: number
}

/** Five scores a day. 30 % of them are revised some hours later, under the same id. */
export function scoreDeliveries(user: User, day: Day): SimulatedDelivery[] {
  const hours = Math.round((day.asleepMinutes / 60) * 100) / 100
  const deepHours = Math.round((day.deepMinutes / 60) * 100) / 100
  const sleep = [
    { name: 'sleep_duration', value: hours, goal: 8, unit: 'hour' },
    { name: 'sleep_continuity', value: Math.max(0, 1 - day.awakenings / 40), goal: 0.9, unit: 'index' },
    { name: 'physical_recovery', value: deepHours, goal: 1.4, unit: 'hour' },
  ]
  const activity = [
    { name: 'steps', value: day.steps, goal: 10_000, unit: 'count' },
    { name: 'active_calories', value: day.activeEnergy, goal: 500, unit: 'kcal' },
  ]
  const readiness = [
    { name: 'sleep_duration', value: hours, goal: 8, unit: 'hour' },
    { name: 'heart_rate_variability_rmssd', value: day.heartRateVariability, goal: 50, unit: 'ms' },
  ]
  const mental = [...sleep.slice(0, 2), ...activity.slice(0, 1)]
  const scores: Score[] = [
    { type: 'sleep', factors: sleep, dataSources: ['age', 'sleep'], hour: 7 },
    { type: 'activity', factors: activity, dataSources: ['age', 'activity'], hour: 23.9 },
    { type: 'readiness', factors: readiness, dataSources: ['age', 'sleep', 'heart'], hour: 9 },
    {
      type: 'wellbeing',
      factors: [...sleep, ...activity],
      dataSources: ['age', 'sleep', 'activity'],
      hour: 23.9,
    },
    { type: 'mental_wellbeing', factors: mental, dataSources: ['sleep', 'activity'], hour: 23.9 },
  ]
  return scores.flatMap((score) => revisions(user, day, score))
}

/** The first revision of a score, and possibly a second one. */
function revisions(user: User, day: Day, score: Score): SimulatedDelivery[] {
  const random = seededRandom(user.seed, 'score', score.type, day.date)
  const created = timeOfDay(user, day, score.hour) + day.uploadDelay
  const first = revision(user, day, score, created, random.between(0.94, 1))
  if (!random.chance(0.3)) return [first]
  return [first, revision(user, day, score, created + random.integer(2, 9) * 3_600_000, 1)]
}

/** `correction` is the ratio of the factors' scores in this revision to those in the last one. */
function revision(
  user: User,
  day: Day,
  { type, factors, dataSources }: Score,
  created: number,
  correction: number,
): SimulatedDelivery {
  const scoredFactors = factors.map((factor) => {
    const score = Math.max(0, Math.min(1, factor.value / factor.goal)) * correction
    return {
      id: factor.name,
      ...factor,
      value: round(factor.value),
      score: round(score),
      state: stateOf(score),
    }
  })
  const total = scoredFactors.reduce((sum, factor) => sum + factor.score, 0) / scoredFactors.length
  return sahhaDelivery('ScoreCreatedIntegrationEvent', created + 2000, user.id, {
    id: sahhaRecordId(user.profileId, 'score', type, day.date),
    ...sahhaIds(user),
    type,
    state: stateOf(total),
    score: round(total),
    factors: scoredFactors,
    dataSources,
    scoreDateTime: localTimestamp(instantOf(day.date, 0, user.timeZone), user.timeZone),
    createdAtUtc: utcTimestamp(created),
    version: 1.1,
  })
}

const round = (value: number) => Math.round(value * 1000) / 1000

function stateOf(score: number): string {
  if (score < 0.25) return 'minimal'
  if (score < 0.5) return 'low'
  return score < 0.75 ? 'medium' : 'high'
}
