import { createDay, type Day, timeOfDay } from './day.ts'
import { addDays, localTimestamp, utcTimestamp, weekday } from './local-time.ts'
import { EPOCH_MS } from './night.ts'
import { sahhaPeriod } from './sahha-period.ts'
import { type SimulatedDelivery, sahhaDelivery } from './simulated-delivery.ts'
import { sahhaIds, sahhaRecordId, type User } from './user.ts'

/** The day's biomarkers, and on Sundays the week's mean steps. */
export function biomarkerDeliveries(user: User, day: Day): SimulatedDelivery[] {
  const wholeDay = sahhaPeriod(user, day.date, 0, 24)
  const sleepDay = sahhaPeriod(user, day.date, -6, 18)
  const waking = day.night.start + day.night.sleep.length * EPOCH_MS
  const steps = {
    ...{ category: 'activity', aggregation: 'total', unit: 'count', valueType: 'integer' },
    ...wholeDay,
  }
  const vital = { category: 'vitals', aggregation: 'average', valueType: 'float', ...wholeDay }
  const sleep = { category: 'sleep', aggregation: 'total', unit: 'minute', valueType: 'float', ...sleepDay }
  const stepsUntil = (hour: number) =>
    day.stepsByHour.slice(0, Math.ceil(hour)).reduce((sum, count) => sum + count, 0)
  const activeHours = day.stepsByHour.filter((count) => count > 250).length
  const delivery = (type: string, value: string, fields: object, hour: number) =>
    biomarker(user, day, { type, value, ...fields }, hour)

  return [
    // Three revisions of the day's steps under one id, each with more steps.
    ...[12, 18, 23.8].map((hour) => delivery('steps', `${stepsUntil(hour)}`, steps, hour)),
    delivery('active_energy_burned', `${day.activeEnergy}`, { ...steps, unit: 'kcal' }, 23.8),
    delivery('active_hours', `${activeHours}`, { ...steps, unit: 'hour' }, 23.8),
    delivery('heart_rate_resting', day.restingHeartRate.toFixed(1), { ...vital, unit: 'bpm' }, 9),
    delivery(
      'heart_rate_variability_rmssd',
      day.heartRateVariability.toFixed(1),
      { ...vital, unit: 'ms' },
      9,
    ),
    delivery('respiratory_rate', (14 + day.awakenings / 20).toFixed(2), { ...vital, unit: 'bpm' }, 9),
    delivery('sleep_duration', day.asleepMinutes.toFixed(1), sleep, 9),
    delivery('sleep_deep_duration', day.deepMinutes.toFixed(1), sleep, 9),
    delivery(
      'sleep_interruptions',
      `${day.awakenings}`,
      { ...sleep, unit: 'count', valueType: 'integer' },
      9,
    ),
    delivery(
      'sleep_end_time',
      localTimestamp(waking, user.timeZone).replace(/:\d\d([+-])/, '$1'),
      { ...sleep, aggregation: 'none', unit: 'datetime', valueType: 'datetime' },
      9,
    ),
    ...(weekday(day.date) === 0 ? [weeklySteps(user, day)] : []),
  ]
}

function weeklySteps(user: User, day: Day): SimulatedDelivery {
  const week = Array.from({ length: 7 }, (_, daysAgo) => createDay(user, addDays(day.date, -daysAgo)).steps)
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
      ...sahhaPeriod(user, addDays(day.date, -6), 0, 24 * 7),
    },
    23.9,
  )
}

interface BiomarkerFields extends Record<string, string> {
  type: string
  value: string
}

/** A biomarker that Sahha creates at a local hour of the day. */
function biomarker(user: User, day: Day, fields: BiomarkerFields, hour: number): SimulatedDelivery {
  const { periodicity = 'daily' } = fields
  const created = timeOfDay(user, day, hour) + day.uploadDelay
  return sahhaDelivery('BiomarkerCreatedIntegrationEvent', created + 2000, user.id, {
    id: sahhaRecordId(user.profileId, 'biomarker', fields.type, periodicity, day.date),
    ...sahhaIds(user),
    periodicity,
    ...fields,
    createdAtUtc: utcTimestamp(created),
    version: 1.1,
  })
}
