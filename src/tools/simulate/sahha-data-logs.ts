import { type Day, isMeasured, timeOfDay } from './day.ts'
import { localTimestamp, utcTimestamp, weekday } from './local-time.ts'
import { EPOCH_MS } from './night.ts'
import { additionalProperties, deviceFields, sampleId } from './sahha-device.ts'
import { exerciseLogs } from './sahha-exercise.ts'
import type { DataLog } from './sahha-sample.ts'
import { seededRandom } from './seeded-random.ts'
import { type SimulatedDelivery, sahhaDelivery } from './simulated-delivery.ts'
import { sahhaIds, type User } from './user.ts'

/** The day's data logs. Steps, heart rate and device locks come every day, what is measured by hand on some days. */
export function dataLogDeliveries(user: User, day: Day): SimulatedDelivery[] {
  const logs = [
    stepsLog(user, day),
    heartRateLog(user, day),
    deviceLog(user, day),
    ...nightLogs(user, day),
    ...bodyLogs(user, day),
    ...bloodLogs(user, day),
    ...exerciseLogs(user, day),
  ]
  return logs.filter(({ samples }) => samples.length > 0).map((log) => delivery(user, day, log))
}

function stepsLog(user: User, day: Day): DataLog {
  const samples = day.stepsByHour.flatMap((value, hour) =>
    value > 0 ? [{ start: timeOfDay(user, day, hour), minutes: 60, value }] : [],
  )
  const kind = { logType: 'activity', dataType: 'steps', unit: 'count' }
  return { ...kind, device: 'phone', samples, receivedHour: 23.8 }
}

function heartRateLog(user: User, day: Day): DataLog {
  const random = seededRandom(user.seed, 'samples', day.date)
  const samples = [7, 10, 13, 16, 19, 22].map((hour) => {
    const isAfterExercise = day.exercise?.hour === hour - 1
    return {
      start: timeOfDay(user, day, hour),
      minutes: 1,
      value: Math.round(day.restingHeartRate + random.normal(isAfterExercise ? 70 : 14, 5)),
      properties: {
        MeasurementLocation: 'wrist',
        MotionContext: isAfterExercise ? 'running' : random.pick(['stationary', 'walking']),
      },
    }
  })
  const kind = { logType: 'heart', dataType: 'heart_rate', unit: 'bpm' }
  return { ...kind, device: 'watch', samples, receivedHour: 23 }
}

/** The screen is unlocked (value 0) and locked (value 1) in turn. */
function deviceLog(user: User, day: Day): DataLog {
  const random = seededRandom(user.seed, 'locks', day.date)
  const hours = Array.from({ length: random.integer(4, 8) }, () => random.between(7, 22.5)).sort(
    (a, b) => a - b,
  )
  const samples = hours.flatMap((hour) => {
    const start = timeOfDay(user, day, hour) + random.integer(0, 59) * 1000
    const event = (isLocked: boolean, at: number) => ({
      ...{ start: at, minutes: 0, value: isLocked ? 1 : 0 },
      // Android's SDK has its own names, and 0 and 1 in place of false and true.
      properties:
        user.platform === 'ios'
          ? { DeviceScreenOn: !isLocked }
          : { isScreenOn: isLocked ? 0 : 1, isLocked: isLocked ? 1 : 0 },
    })
    return [event(false, start), event(true, start + random.integer(20, 500) * 1000)]
  })
  const kind = { logType: 'device', dataType: 'device_lock', unit: user.platform === 'ios' ? 'boolean' : '' }
  return { ...kind, device: 'phone', samples, receivedHour: 23.7 }
}

/** Oxygen saturation of every other night, and the skin temperature that only Apple's watch measures. */
function nightLogs(user: User, day: Day): DataLog[] {
  if (weekday(day.date) % 2 === 0) return []
  const { night, vitals } = day
  const random = seededRandom(user.seed, 'night samples', day.date)
  const minutes = (night.sleep.length * EPOCH_MS) / 60_000
  const samples = Array.from({ length: Math.floor(minutes / 60) }, (_, hour) => ({
    start: night.start + (hour * 60 + 30) * 60_000,
    minutes: 0,
    value: Math.min(100, Math.max(88, Math.round(vitals.oxygenSaturation + random.normal(0, 1)))),
    properties: { MeasurementMethod: 'pulse_oximetry' },
  }))
  const oxygen = { logType: 'oxygen', dataType: 'oxygen_saturation', unit: 'percent' }
  const skin = { logType: 'temperature', dataType: 'sleeping_wrist_temperature', unit: 'degC' }
  const skinSample = {
    ...{ start: night.start, minutes, value: vitals.skinTemperature },
    properties: { MeasurementLocation: 'wrist' },
  }
  return [
    { ...oxygen, device: 'watch', samples, receivedHour: 10 },
    ...(user.platform === 'ios'
      ? [{ ...skin, device: 'watch' as const, samples: [skinSample], receivedHour: 10 }]
      : []),
  ]
}

/** Weight in the morning, body temperature in the evening, on the days on which they are measured. */
function bodyLogs(user: User, day: Day): DataLog[] {
  const at = (hour: number, value: number) => ({ start: timeOfDay(user, day, hour), minutes: 0, value })
  const { weight, bodyTemperature } = day.vitals
  const logs: DataLog[] = []
  if (isMeasured(user, day, 'weight')) {
    const kind = { logType: 'body', dataType: 'weight', unit: 'kg' }
    logs.push({ ...kind, device: 'scale', samples: [at(7.2, weight)], receivedHour: 8 })
  }
  if (isMeasured(user, day, 'temperature')) {
    const kind = { logType: 'temperature', dataType: 'body_temperature', unit: 'degC' }
    const sample = { ...at(19.4, bodyTemperature), properties: { MeasurementLocation: 'forehead' } }
    logs.push({ ...kind, device: 'thermometer', samples: [sample], receivedHour: 20 })
  }
  return logs
}

const MG_PER_MMOL = 18.016

/** Blood pressure as two logs, and glucose before breakfast and after each meal. */
function bloodLogs(user: User, day: Day): DataLog[] {
  const random = seededRandom(user.seed, 'blood', day.date)
  const { systolic, diastolic, fastingGlucose } = day.vitals
  const logs: DataLog[] = []
  if (isMeasured(user, day, 'pressure')) {
    const start = timeOfDay(user, day, 8.1) + random.integer(0, 3000) * 1000
    // Both values come from one record of the device, whose id they share on Android.
    const sample = (value: number, dataType: string) => ({
      ...{ start, minutes: 0, value },
      id: sampleId(
        user,
        ...(user.platform === 'android' ? [] : [dataType]),
        'blood_pressure',
        utcTimestamp(start),
      ),
      properties: { BodyPosition: 'sitting', MeasurementLocation: 'arm' },
    })
    for (const [dataType, value] of [
      ['blood_pressure_systolic', systolic],
      ['blood_pressure_diastolic', diastolic],
    ] as const) {
      const kind = { logType: 'blood', dataType, unit: 'mmHg', device: 'blood pressure monitor' as const }
      logs.push({ ...kind, samples: [sample(value, dataType)], receivedHour: 9.2 })
    }
  }
  if (!user.hasGlucoseMeter) return logs
  const isMmol = user.platform === 'android'
  const glucose = (hour: number, milligrams: number, relation: string, meal: string) => ({
    start: timeOfDay(user, day, hour) + random.integer(0, 900) * 1000,
    minutes: 0,
    value: isMmol ? Math.round((milligrams / MG_PER_MMOL) * 10) / 10 : Math.round(milligrams),
    properties: {
      ...{ RelationToMeal: relation, MealType: meal },
      ...{ SpecimenSource: 'capillary', MeasurementLocation: 'finger' },
    },
  })
  const afterMeal = () => fastingGlucose + random.normal(34, 10)
  const samples = [
    glucose(7.3, fastingGlucose, 'fasting', 'breakfast'),
    glucose(9.1, afterMeal(), 'after_meal', 'breakfast'),
    glucose(12.2, fastingGlucose + random.normal(6, 4), 'before_meal', 'lunch'),
    glucose(14.3, afterMeal(), 'after_meal', 'lunch'),
    glucose(20.5, afterMeal(), 'after_meal', 'dinner'),
  ]
  const kind = { logType: 'blood', dataType: 'blood_glucose', unit: isMmol ? 'mmol/L' : 'mg/dL' }
  return [...logs, { ...kind, device: 'glucose meter', samples, receivedHour: 21.5 }]
}

function delivery(user: User, day: Day, log: DataLog): SimulatedDelivery {
  const { logType, dataType, unit, device, samples, receivedHour } = log
  const received = timeOfDay(user, day, receivedHour) + day.uploadDelay
  const dataLogs = samples.map(({ start, minutes, value, id, parentId, properties = {} }) => ({
    id: id ?? sampleId(user, dataType, utcTimestamp(start)),
    parentId: parentId ?? (user.platform === 'ios' ? null : ''),
    value,
    unit,
    ...deviceFields(user, device),
    startDateTime: localTimestamp(start, user.timeZone),
    endDateTime: localTimestamp(start + minutes * 60_000, user.timeZone),
    additionalProperties: additionalProperties(user, properties),
  }))
  return sahhaDelivery('DataLogReceivedIntegrationEvent', received + 1000, user.id, {
    logType,
    dataType,
    ...sahhaIds(user),
    receivedAtUtc: utcTimestamp(received),
    dataLogs,
  })
}
