import { type Day, energyUntil, stepsUntil, timeOfDay } from './day.ts'
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
}

/** The local hours at which Sahha computes the scores of the day's activity again, after the phone has uploaded. */
const ACTIVITY_HOURS = [12, 15, 18, 21, 23.9]

/**
 * Five types of score a day, each revised under one id. Those of activity grow with the day's steps. 30 % of the scores
 * are revised once more some hours after the last.
 */
export function scoreDeliveries(user: User, day: Day): SimulatedDelivery[] {
  const hours = Math.round((day.asleepMinutes / 60) * 100) / 100
  const deepHours = Math.round((day.deepMinutes / 60) * 100) / 100
  const sleep = [
    { name: 'sleep_duration', value: hours, goal: 8, unit: 'hour' },
    { name: 'sleep_continuity', value: Math.max(0, 1 - day.awakenings / 40), goal: 0.9, unit: 'index' },
    { name: 'physical_recovery', value: deepHours, goal: 1.4, unit: 'hour' },
  ]
  const activityUntil = (hour: number) => [
    { name: 'steps', value: stepsUntil(day, hour), goal: 10_000, unit: 'count' },
    { name: 'active_calories', value: energyUntil(day, hour), goal: 500, unit: 'kcal' },
  ]
  const readiness = [
    { name: 'sleep_duration', value: hours, goal: 8, unit: 'hour' },
    { name: 'heart_rate_variability_rmssd', value: day.heartRateVariability, goal: 50, unit: 'ms' },
  ]
  const atHours = (hours: number[], scoreAt: (hour: number) => Score) =>
    revisions(
      user,
      day,
      hours.map((hour) => ({ hour, score: scoreAt(hour) })),
    )
  return [
    ...atHours([7], () => ({ type: 'sleep', factors: sleep, dataSources: ['age', 'sleep'] })),
    ...atHours([9, 13], () => ({
      ...{ type: 'readiness', factors: readiness },
      dataSources: ['age', 'sleep', 'heart'],
    })),
    ...atHours(ACTIVITY_HOURS, (hour) => ({
      ...{ type: 'activity', factors: activityUntil(hour) },
      dataSources: ['age', 'activity'],
    })),
    ...atHours(ACTIVITY_HOURS, (hour) => ({
      ...{ type: 'wellbeing', factors: [...sleep, ...activityUntil(hour)] },
      dataSources: ['age', 'sleep', 'activity'],
    })),
    ...atHours(ACTIVITY_HOURS, (hour) => ({
      ...{ type: 'mental_wellbeing', factors: [...sleep.slice(0, 2), ...activityUntil(hour).slice(0, 1)] },
      dataSources: ['sleep', 'activity'],
    })),
  ]
}

/** One revision for each hour, and possibly one more. */
function revisions(
  user: User,
  day: Day,
  computed: Array<{ hour: number; score: Score }>,
): SimulatedDelivery[] {
  const last = computed.at(-1)
  if (!last) return []
  const random = seededRandom(user.seed, 'score', last.score.type, day.date)
  const createdAt = (hour: number) => timeOfDay(user, day, hour) + day.uploadDelay
  const found = computed.map(({ hour, score }) =>
    revision(user, day, score, createdAt(hour), random.between(0.94, 1)),
  )
  if (!random.chance(0.3)) return found
  const created = createdAt(last.hour) + random.integer(2, 9) * 3_600_000
  return [...found, revision(user, day, last.score, created, 1)]
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
