import { type Day, timeOfDay } from './day.ts'
import { utcTimestamp } from './local-time.ts'
import { sampleId } from './sahha-device.ts'
import type { DataLog, Sample } from './sahha-sample.ts'
import type { User } from './user.ts'

const LAP_METRES = 1000

/**
 * The day's run, if there was one: the session, whose value is its minutes on Android and 1 on iOS, and in logs of their
 * own its laps and segments, which name the session as their parent. On Android a lap and the segment of the same time
 * share their id.
 */
export function exerciseLogs(user: User, day: Day): DataLog[] {
  const { exercise } = day
  if (!exercise) return []
  const { hour, minutes, metres, kcal } = exercise
  const isAndroid = user.platform === 'android'
  const start = timeOfDay(user, day, hour)
  const id = sampleId(user, 'exercise_session_running', utcTimestamp(start))
  const common = { logType: 'exercise', unit: 'minute', device: 'watch' as const, receivedHour: hour + 2 }
  const session: Sample = {
    ...{ id, start, minutes, value: isAndroid ? minutes : 1 },
    properties: { TotalDistance: metres, TotalEnergyBurned: kcal },
  }
  const laps = Math.floor(metres / LAP_METRES)
  const lapMinutes = minutes / (metres / LAP_METRES)
  const parts = (count: number, length: number, name: string): Sample[] =>
    Array.from({ length: count }, (_, part) => {
      const from = start + Math.round(part * length * 60) * 1000
      return {
        id: sampleId(user, isAndroid ? 'exercise part' : name, utcTimestamp(from)),
        ...{ parentId: id, start: from, minutes: length },
        value: isAndroid ? Math.round(length * 10) / 10 : 1,
      }
    })
  const lap = isAndroid ? 'exercise_lap' : 'exercise_event_lap'
  const segment = 'exercise_segment_running'
  return [
    { ...common, dataType: 'exercise_session_running', samples: [session] },
    { ...common, dataType: lap, samples: parts(laps, lapMinutes, lap) },
    {
      ...common,
      dataType: segment,
      samples: isAndroid ? parts(laps, lapMinutes, segment) : parts(1, minutes, segment),
    },
  ]
}
