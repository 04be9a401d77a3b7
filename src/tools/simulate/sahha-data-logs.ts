import { type Day, timeOfDay } from './day.ts'
import { localTimestamp, utcTimestamp } from './local-time.ts'
import { seededRandom } from './seeded-random.ts'
import { type SimulatedDelivery, sahhaDelivery } from './simulated-delivery.ts'
import { sahhaIds, sahhaRecordId, type User } from './user.ts'

interface Sample {
  hour: number
  minutes: number
  value: number
  additionalProperties?: object
}

interface DataLog {
  logType: string
  dataType: string
  unit: string
  samples: Sample[]
  /** Local hour at which Sahha receives it from the phone. */
  receivedHour: number
}

/** The day's data logs: steps at noon and at night, heart rate, and exercise if there was any. */
export function dataLogDeliveries(user: User, day: Day): SimulatedDelivery[] {
  const steps = { logType: 'activity', dataType: 'steps', unit: 'count' }
  const stepSamples = day.stepsByHour.flatMap((value, hour) =>
    value > 0 ? [{ hour, minutes: 60, value }] : [],
  )
  const heartRate = { logType: 'heart', dataType: 'heart_rate', unit: 'bpm' }
  const dataLogs: DataLog[] = [
    { ...steps, samples: stepSamples.filter(({ hour }) => hour < 12), receivedHour: 12 },
    { ...steps, samples: stepSamples.filter(({ hour }) => hour >= 12), receivedHour: 23.8 },
    { ...heartRate, samples: heartRateSamples(user, day), receivedHour: 23 },
    ...(day.exercise ? [exerciseLog(day.exercise)] : []),
  ]
  return dataLogs.map((dataLog) => delivery(user, day, dataLog))
}

function heartRateSamples(user: User, day: Day): Sample[] {
  const random = seededRandom(user.seed, 'samples', day.date)
  return [7, 10, 13, 16, 19, 22].map((hour) => {
    const isAfterExercise = day.exercise?.hour === hour - 1
    return {
      hour,
      minutes: 1,
      value: Math.round(day.restingHeartRate + random.normal(isAfterExercise ? 70 : 14, 5)),
      additionalProperties: {
        MeasurementLocation: 'wrist',
        MotionContext: isAfterExercise ? 'running' : random.pick(['stationary', 'walking']),
      },
    }
  })
}

function exerciseLog({ hour, minutes, metres, kcal }: NonNullable<Day['exercise']>): DataLog {
  const additionalProperties = { TotalDistance: metres, TotalEnergyBurned: kcal }
  return {
    logType: 'exercise',
    dataType: 'exercise_session_running',
    unit: 'minute',
    samples: [{ hour, minutes, value: minutes, additionalProperties }],
    receivedHour: hour + 2,
  }
}

function delivery(
  user: User,
  day: Day,
  { logType, dataType, unit, samples, receivedHour }: DataLog,
): SimulatedDelivery {
  const received = timeOfDay(user, day, receivedHour) + day.uploadDelay
  const isFromWatch = logType !== 'activity'
  const dataLogs = samples.map((sample) => {
    const start = timeOfDay(user, day, sample.hour)
    return {
      id: sahhaRecordId(user.profileId, 'log', dataType, utcTimestamp(start)),
      parentId: null,
      value: sample.value,
      unit,
      source: isFromWatch ? 'Apple Watch' : 'iPhone 15 Pro',
      recordingMethod: 'RECORDING_METHOD_AUTOMATICALLY_RECORDED',
      deviceType: isFromWatch ? 'Watch7,1' : 'iPhone16,1',
      startDateTime: localTimestamp(start, user.timeZone),
      endDateTime: localTimestamp(start + sample.minutes * 60_000, user.timeZone),
      additionalProperties: sample.additionalProperties ?? {},
    }
  })
  return sahhaDelivery('DataLogReceivedIntegrationEvent', received + 1000, user.id, {
    logType,
    dataType,
    ...sahhaIds(user),
    receivedAtUtc: utcTimestamp(received),
    dataLogs,
  })
}
