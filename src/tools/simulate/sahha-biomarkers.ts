import { createDay, type Day, energyUntil, isMeasured, stepsUntil, timeOfDay } from './day.ts'
import { addDays, localTimestamp, utcTimestamp, weekday } from './local-time.ts'
import { EPOCH_MS } from './night.ts'
import { sahhaPeriod } from './sahha-period.ts'
import { type SimulatedDelivery, sahhaDelivery } from './simulated-delivery.ts'
import { sahhaIds, sahhaRecordId, type User } from './user.ts'

/** The local hours at which the phone uploads, after which Sahha computes the day's activity again. */
const UPLOAD_HOURS = [9, 12, 15, 18, 21, 23.8]
const MORNING = 9

type Computed = [type: string, value: string, fields: BiomarkerFields, hour: number]

/** The day's biomarkers, each revision under one id, and on Sundays the week's mean steps. */
export function biomarkerDeliveries(user: User, day: Day): SimulatedDelivery[] {
  const computed = [...activity(user, day), ...sleep(user, day), ...vitals(user, day), ...body(user, day)]
  return [
    ...computed.map(([type, value, fields, hour]) => biomarker(user, day, type, value, fields, hour)),
    ...(weekday(day.date) === 0 ? [weeklySteps(user, day)] : []),
  ]
}

/** Revisions during the day, each with more steps. */
function activity(user: User, day: Day): Computed[] {
  const fields = {
    ...{ category: 'activity', aggregation: 'total', valueType: 'integer' },
    ...sahhaPeriod(user, day.date, 0, 24),
  }
  const activeHours = (hour: number) =>
    day.stepsByHour.slice(0, Math.ceil(hour)).filter((count) => count > 250).length
  const exercised = day.exercise?.minutes ?? 0
  const basal = Math.round(user.weight * 22)
  const at = (hours: number[], type: string, unit: string, value: (hour: number) => number) =>
    hours.map((hour): Computed => [type, `${value(hour)}`, { ...fields, unit }, hour])
  return [
    ...at(UPLOAD_HOURS, 'steps', 'count', (hour) => stepsUntil(day, hour)),
    ...at(UPLOAD_HOURS.slice(1), 'active_energy_burned', 'kcal', (hour) => energyUntil(day, hour)),
    ...at([12, 18, 23.8], 'active_hours', 'hour', activeHours),
    ...at([23.8], 'total_energy_burned', 'kcal', () => basal + day.activeEnergy),
    ...at([23.8], 'floors_climbed', 'count', () => Math.round(day.steps / 900)),
    ...at([23.8], 'activity_medium_intensity_duration', 'minute', () => Math.round(day.steps / 400)),
    ...at([23.8], 'activity_high_intensity_duration', 'minute', () => Math.round(exercised * 0.7)),
  ]
}

function sleep(user: User, { date, night, asleepMinutes, deepMinutes, awakenings }: Day): Computed[] {
  const fields = {
    ...{ category: 'sleep', aggregation: 'total', unit: 'minute', valueType: 'float' },
    ...sahhaPeriod(user, date, -6, 18),
  }
  const time = (epoch: number) =>
    localTimestamp(night.start + epoch * EPOCH_MS, user.timeZone).replace(/:\d\d([+-])/, '$1')
  const minutes = (stage: number) =>
    (night.sleep.filter((value) => value === stage).length * EPOCH_MS) / 60_000
  const inBed = (night.sleep.length * EPOCH_MS) / 60_000
  const onset = Math.max(
    0,
    night.sleep.findIndex((stage) => stage > 0),
  )
  const datetime = { ...fields, aggregation: 'none', unit: 'datetime', valueType: 'datetime' }
  return [
    ['sleep_duration', asleepMinutes.toFixed(1), fields, MORNING],
    ['sleep_deep_duration', deepMinutes.toFixed(1), fields, MORNING],
    ['sleep_light_duration', minutes(1).toFixed(1), fields, MORNING],
    ['sleep_rem_duration', minutes(3).toFixed(1), fields, MORNING],
    ['sleep_in_bed_duration', inBed.toFixed(1), fields, MORNING],
    ['sleep_latency', (onset / 2).toFixed(1), fields, MORNING],
    ['sleep_efficiency', (asleepMinutes / inBed).toFixed(2), { ...fields, unit: 'index' }, MORNING],
    ['sleep_interruptions', `${awakenings}`, { ...fields, unit: 'count', valueType: 'integer' }, MORNING],
    ['sleep_start_time', time(onset), datetime, MORNING],
    ['sleep_end_time', time(night.sleep.length), datetime, MORNING],
  ]
}

function vitals(user: User, day: Day): Computed[] {
  const fields = {
    ...{ category: 'vitals', aggregation: 'average', valueType: 'float' },
    ...sahhaPeriod(user, day.date, 0, 24),
  }
  const { oxygenSaturation, skinTemperature, systolic, diastolic, fastingGlucose } = day.vitals
  const restingRate = day.restingHeartRate.toFixed(1)
  const variability = day.heartRateVariability.toFixed(1)
  const maximalUptake = (62 - user.restingHeartRate * 0.35).toFixed(1)
  const pressure: Computed[] = [
    ['blood_pressure_systolic', `${systolic}`, { ...fields, unit: 'mmHg' }, 10],
    ['blood_pressure_diastolic', `${diastolic}`, { ...fields, unit: 'mmHg' }, 10],
  ]
  return [
    ['heart_rate_resting', restingRate, { ...fields, unit: 'bpm' }, MORNING],
    ['heart_rate_sleep', (day.restingHeartRate - 4).toFixed(1), { ...fields, unit: 'bpm' }, MORNING],
    ['heart_rate_variability_rmssd', variability, { ...fields, unit: 'ms' }, MORNING],
    ['respiratory_rate', (14 + day.awakenings / 20).toFixed(2), { ...fields, unit: 'bpm' }, MORNING],
    ['oxygen_saturation_sleep', `${oxygenSaturation}`, { ...fields, unit: 'percent' }, MORNING],
    ['skin_temperature_sleep', `${skinTemperature}`, { ...fields, unit: 'degC' }, MORNING],
    ['vo2_max', maximalUptake, { ...fields, unit: 'ml/kg/min' }, 22],
    ...(isMeasured(user, day, 'pressure') ? pressure : []),
    ...(user.hasGlucoseMeter
      ? [['blood_glucose', `${fastingGlucose + 14}`, { ...fields, unit: 'mg/dL' }, 22] as Computed]
      : []),
  ]
}

/** On days on which the user has measured the weight. */
function body(user: User, day: Day): Computed[] {
  if (!isMeasured(user, day, 'weight')) return []
  const fields = {
    ...{ category: 'body', aggregation: 'none', valueType: 'float' },
    ...sahhaPeriod(user, day.date, 0, 24),
  }
  const index = (day.vitals.weight / user.height ** 2).toFixed(1)
  return [
    ['weight', `${day.vitals.weight}`, { ...fields, unit: 'kg' }, MORNING],
    ['body_mass_index', index, { ...fields, unit: 'kg/m2' }, MORNING],
  ]
}

function weeklySteps(user: User, day: Day): SimulatedDelivery {
  const week = Array.from({ length: 7 }, (_, daysAgo) => createDay(user, addDays(day.date, -daysAgo)).steps)
  const average = week.reduce((sum, steps) => sum + steps, 0) / 7
  const fields = {
    ...{ category: 'activity', periodicity: 'weekly', aggregation: 'average' },
    ...{ unit: 'count', valueType: 'integer' },
    ...sahhaPeriod(user, addDays(day.date, -6), 0, 24 * 7),
  }
  return biomarker(user, day, 'steps', average.toFixed(0), fields, 23.9)
}

type BiomarkerFields = Record<string, string>

/** A biomarker that Sahha creates at a local hour of the day. */
function biomarker(
  user: User,
  day: Day,
  type: string,
  value: string,
  fields: BiomarkerFields,
  hour: number,
): SimulatedDelivery {
  const { periodicity = 'daily' } = fields
  const created = timeOfDay(user, day, hour) + day.uploadDelay
  return sahhaDelivery('BiomarkerCreatedIntegrationEvent', created + 2000, user.id, {
    id: sahhaRecordId(user.profileId, 'biomarker', type, periodicity, day.date),
    ...sahhaIds(user),
    type,
    value,
    periodicity,
    ...fields,
    createdAtUtc: utcTimestamp(created),
    version: 1.1,
  })
}
