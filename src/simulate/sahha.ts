import { at, createDay, type Day } from './day.ts'
import { type Delivery, sahhaDelivery } from './delivery.ts'
import { addDays, instantOf, utc, weekday, withOffset } from './local-time.ts'
import { EPOCH } from './night.ts'
import { random } from './random.ts'
import { sampleBatches } from './sahha-logs.ts'
import { scores } from './sahha-scores.ts'
import { recordId, type User, whose } from './user.ts'

/** What Sahha sends of a user's day. What the phone could not upload comes a day or more late, all at once. */
export function sahhaDeliveries(user: User, date: string): Delivery[] {
  const day = createDay(user, date)
  return [
    ...biomarkers(user, day),
    ...scores(user, day),
    ...archetypes(user, day),
    ...sampleBatches(user, day),
  ]
}

function biomarkers(user: User, day: Day): Delivery[] {
  const { timeZone } = user
  const whole = period(user, day.date, 0, 24)
  const nightly = period(user, day.date, -6, 18)
  const wake = day.night.start + day.night.sleep.length * EPOCH
  const one = (type: string, value: string, rest: object, hour: number) =>
    biomarker(user, day, { type, value, ...rest }, hour)
  const soFar = (until: number) => day.stepsByHour.slice(0, until).reduce((sum, count) => sum + count, 0)
  const steps = { category: 'activity', aggregation: 'total', unit: 'count', valueType: 'integer', ...whole }
  const vital = { category: 'vitals', aggregation: 'average', valueType: 'float', ...whole }
  const sleep = { category: 'sleep', aggregation: 'total', unit: 'minute', valueType: 'float', ...nightly }

  return [
    // The day's steps grow: each revision comes under the same id.
    ...[12, 18, 23.8].map((hour) => one('steps', `${soFar(Math.ceil(hour))}`, steps, hour)),
    one('active_energy_burned', `${day.activeEnergy}`, { ...steps, unit: 'kcal' }, 23.8),
    one(
      'active_hours',
      `${day.stepsByHour.filter((count) => count > 250).length}`,
      { ...steps, unit: 'hour' },
      23.8,
    ),
    one('heart_rate_resting', day.restingHeartRate.toFixed(1), { ...vital, unit: 'bpm' }, 9),
    one('heart_rate_variability_rmssd', day.heartRateVariability.toFixed(1), { ...vital, unit: 'ms' }, 9),
    one('respiratory_rate', (14 + day.awakenings / 20).toFixed(2), { ...vital, unit: 'bpm' }, 9),
    one('sleep_duration', day.asleepMinutes.toFixed(1), sleep, 9),
    one('sleep_deep_duration', day.deepMinutes.toFixed(1), sleep, 9),
    one('sleep_interruptions', `${day.awakenings}`, { ...sleep, unit: 'count', valueType: 'integer' }, 9),
    one(
      'sleep_end_time',
      withOffset(wake, timeZone).replace(/:\d\d([+-])/, '$1'),
      { ...sleep, aggregation: 'none', unit: 'datetime', valueType: 'datetime' },
      9,
    ),
    ...(weekday(day.date) === 0 ? [weeklySteps(user, day)] : []),
  ]
}

function weeklySteps(user: User, day: Day): Delivery {
  const week = Array.from({ length: 7 }, (_, back) => createDay(user, addDays(day.date, -back)).steps)
  const average = week.reduce((sum, steps) => sum + steps, 0) / 7
  return biomarker(
    user,
    day,
    {
      type: 'steps',
      value: average.toFixed(0),
      category: 'activity',
      periodicity: 'weekly',
      aggregation: 'average',
      unit: 'count',
      valueType: 'integer',
      ...period(user, addDays(day.date, -6), 0, 24 * 7),
    },
    23.9,
  )
}

interface BiomarkerFields extends Record<string, string> {
  type: string
  value: string
}

function biomarker(user: User, day: Day, fields: BiomarkerFields, hour: number): Delivery {
  const { periodicity = 'daily' } = fields
  const created = at(user, day, hour) + day.delay
  return sahhaDelivery('BiomarkerCreatedIntegrationEvent', created + 2000, user.id, {
    id: recordId(user.profileId, 'biomarker', fields.type, periodicity, day.date),
    ...whose(user),
    periodicity,
    ...fields,
    createdAtUtc: utc(created),
    version: 1.1,
  })
}

/** A period of local wall-clock hours, whose last second is named, as Sahha does. */
function period(user: User, date: string, from: number, to: number) {
  return {
    startDateTime: withOffset(instantOf(date, from, user.timeZone), user.timeZone),
    endDateTime: withOffset(instantOf(date, to, user.timeZone) - 1000, user.timeZone),
  }
}

/** Once a week, on Sundays. */
function archetypes(user: User, day: Day): Delivery[] {
  if (weekday(day.date) !== 0) return []
  const created = at(user, day, 20) + day.delay
  const chronotype = user.bedtime < -1.2 ? 'early_bird' : user.bedtime > -0.4 ? 'night_owl' : 'intermediate'
  const level = Math.min(3, Math.max(0, Math.floor((user.steps - 5000) / 2000)))
  const levels = ['sedentary', 'lightly_active', 'moderately_active', 'highly_active']
  const draw = random(user.seed, 'archetype', day.date)
  const assigned = [
    { name: 'chronotype', value: chronotype, dataType: 'categorical', ordinality: 0 },
    { name: 'activity_level', value: levels[level], dataType: 'ordinal', ordinality: level },
    ...(draw.chance(0.5)
      ? [{ name: 'sleep_pattern', value: 'consistent_short_sleeper', dataType: 'categorical', ordinality: 0 }]
      : []),
  ]
  return assigned.map((fields) =>
    sahhaDelivery('ArchetypeCreatedIntegrationEvent', created + 3000, user.id, {
      id: recordId(user.profileId, 'archetype', fields.name, day.date),
      ...whose(user),
      ...fields,
      periodicity: 'weekly',
      ...period(user, addDays(day.date, -6), 0, 24 * 7),
      createdAtUtc: utc(created),
      version: 1,
    }),
  )
}
