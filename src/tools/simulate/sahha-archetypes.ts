import { type Day, timeOfDay } from './day.ts'
import { addDays, utcTimestamp, weekday } from './local-time.ts'
import { sahhaPeriod } from './sahha-period.ts'
import { seededRandom } from './seeded-random.ts'
import { type SimulatedDelivery, sahhaDelivery } from './simulated-delivery.ts'
import { sahhaIds, sahhaRecordId, type User } from './user.ts'

const ACTIVITY_LEVELS = ['sedentary', 'lightly_active', 'moderately_active', 'highly_active']

/** Four to six archetypes each Sunday, none on other days. */
export function archetypeDeliveries(user: User, day: Day): SimulatedDelivery[] {
  if (weekday(day.date) !== 0) return []
  const created = timeOfDay(user, day, 20) + day.uploadDelay
  const chronotype = user.bedtime < -1.2 ? 'early_bird' : user.bedtime > -0.4 ? 'night_owl' : 'intermediate'
  const level = Math.min(3, Math.max(0, Math.floor((user.steps - 5000) / 2000)))
  const random = seededRandom(user.seed, 'archetype', day.date)
  const archetypes = [
    { name: 'chronotype', value: chronotype, dataType: 'categorical', ordinality: 0 },
    { name: 'activity_level', value: ACTIVITY_LEVELS[level], dataType: 'ordinal', ordinality: level },
    ...(day.exercise
      ? [{ name: 'primary_exercise', value: 'running', dataType: 'categorical', ordinality: 0 }]
      : []),
    { name: 'exercise_frequency', value: 'regular_exerciser', dataType: 'ordinal', ordinality: 2 },
    { name: 'mental_wellness', value: 'good_mental_wellness', dataType: 'ordinal', ordinality: 2 },
    ...(random.chance(0.5)
      ? [{ name: 'sleep_pattern', value: 'consistent_short_sleeper', dataType: 'categorical', ordinality: 0 }]
      : []),
  ]
  return archetypes.map((archetype) =>
    sahhaDelivery('ArchetypeCreatedIntegrationEvent', created + 3000, user.id, {
      id: sahhaRecordId(user.profileId, 'archetype', archetype.name, day.date),
      ...sahhaIds(user),
      ...archetype,
      periodicity: 'weekly',
      ...sahhaPeriod(user, addDays(day.date, -6), 0, 24 * 7),
      createdAtUtc: utcTimestamp(created),
      version: 1,
    }),
  )
}
