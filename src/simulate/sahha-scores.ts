import { at, type Day } from './day.ts'
import { type Delivery, sahhaDelivery } from './delivery.ts'
import { instantOf, utc, withOffset } from './local-time.ts'
import { random } from './random.ts'
import { recordId, type User, whose } from './user.ts'

interface Factor {
  name: string
  value: number
  goal: number
  unit: string
}

/** Five scores a day; where late data changed a day, its score comes again under the same id. */
export function scores(user: User, day: Day): Delivery[] {
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
  return [
    ...score(user, day, 'sleep', sleep, ['age', 'sleep'], 7),
    ...score(user, day, 'activity', activity, ['age', 'activity'], 23.9),
    ...score(user, day, 'readiness', readiness, ['age', 'sleep', 'heart'], 9),
    ...score(user, day, 'wellbeing', [...sleep, ...activity], ['age', 'sleep', 'activity'], 23.9),
    ...score(
      user,
      day,
      'mental_wellbeing',
      [...sleep.slice(0, 2), ...activity.slice(0, 1)],
      ['sleep', 'activity'],
      23.9,
    ),
  ]
}

function score(
  user: User,
  day: Day,
  type: string,
  factors: Factor[],
  dataSources: string[],
  hour: number,
): Delivery[] {
  const draw = random(user.seed, 'score', type, day.date)
  const first = at(user, day, hour) + day.delay
  const revise = (created: number, correction: number) => {
    const scored = factors.map((factor) => {
      const value = Math.max(0, Math.min(1, factor.value / factor.goal)) * correction
      return {
        id: factor.name,
        ...factor,
        value: round(factor.value),
        score: round(value),
        state: state(value),
      }
    })
    const total = scored.reduce((sum, factor) => sum + factor.score, 0) / scored.length
    return sahhaDelivery('ScoreCreatedIntegrationEvent', created + 2000, user.id, {
      id: recordId(user.profileId, 'score', type, day.date),
      ...whose(user),
      type,
      state: state(total),
      score: round(total),
      factors: scored,
      dataSources,
      scoreDateTime: withOffset(instantOf(day.date, 0, user.timeZone), user.timeZone),
      createdAtUtc: utc(created),
      version: 1.1,
    })
  }
  const deliveries = [revise(first, draw.between(0.94, 1))]
  if (draw.chance(0.3)) deliveries.push(revise(first + draw.integer(2, 9) * 3_600_000, 1))
  return deliveries
}

const round = (value: number) => Math.round(value * 1000) / 1000

function state(score: number): string {
  if (score < 0.25) return 'minimal'
  if (score < 0.5) return 'low'
  return score < 0.75 ? 'medium' : 'high'
}
