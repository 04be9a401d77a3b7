import { at, type Day } from './day.ts'
import { type Delivery, sahhaDelivery } from './delivery.ts'
import { utc, withOffset } from './local-time.ts'
import { random } from './random.ts'
import { recordId, type User, whose } from './user.ts'

interface Sample {
  hour: number
  minutes: number
  value: number
  additionalProperties?: object
  parentId?: string | null
}

/** The devices' raw samples, in a batch per data type, morning and evening. */
export function sampleBatches(user: User, day: Day): Delivery[] {
  const draw = random(user.seed, 'samples', day.date)
  const steps = day.stepsByHour.flatMap((value, hour) => (value > 0 ? [{ hour, minutes: 60, value }] : []))
  const pulse = [7, 10, 13, 16, 19, 22].map((hour) => {
    const active = day.exercise?.hour === hour - 1
    return {
      hour,
      minutes: 1,
      value: Math.round(day.restingHeartRate + draw.normal(active ? 70 : 14, 5)),
      additionalProperties: {
        MeasurementLocation: 'wrist',
        MotionContext: active ? 'running' : draw.pick(['stationary', 'walking']),
      },
    }
  })
  const batches = [
    batch(
      user,
      day,
      'activity',
      'steps',
      'count',
      steps.filter(({ hour }) => hour < 12),
      12,
    ),
    batch(
      user,
      day,
      'activity',
      'steps',
      'count',
      steps.filter(({ hour }) => hour >= 12),
      23.8,
    ),
    batch(user, day, 'heart', 'heart_rate', 'bpm', pulse, 23),
  ]
  if (day.exercise) {
    const { hour, minutes, metres, kcal } = day.exercise
    const run = {
      hour,
      minutes,
      value: minutes,
      additionalProperties: { TotalDistance: metres, TotalEnergyBurned: kcal },
    }
    batches.push(batch(user, day, 'exercise', 'exercise_session_running', 'minute', [run], hour + 2))
  }
  return batches
}

function batch(
  user: User,
  day: Day,
  logType: string,
  dataType: string,
  unit: string,
  samples: Sample[],
  hour: number,
): Delivery {
  const received = at(user, day, hour) + day.delay
  const isWatch = logType !== 'activity'
  const dataLogs = samples.map((sample) => {
    const start = at(user, day, sample.hour)
    return {
      id: recordId(user.profileId, 'log', dataType, utc(start)),
      parentId: sample.parentId ?? null,
      value: sample.value,
      unit,
      source: isWatch ? 'Apple Watch' : 'iPhone 15 Pro',
      recordingMethod: 'RECORDING_METHOD_AUTOMATICALLY_RECORDED',
      deviceType: isWatch ? 'Watch7,1' : 'iPhone16,1',
      startDateTime: withOffset(start, user.timeZone),
      endDateTime: withOffset(start + sample.minutes * 60_000, user.timeZone),
      additionalProperties: sample.additionalProperties ?? {},
    }
  })
  return sahhaDelivery('DataLogReceivedIntegrationEvent', received + 1000, user.id, {
    logType,
    dataType,
    ...whose(user),
    receivedAtUtc: utc(received),
    dataLogs,
  })
}
