import { type Static, Type } from '@sinclair/typebox'
import { instant } from '../../contract/instant.ts'
import { Decimal, Instant, Integer, Maybe, Text } from '../../contract/schema.ts'
import type { Row } from '../../tables/target.ts'
import type { sleepStats } from './tables/stats.ts'

const seconds = () => Maybe(Integer({ description: 'Seconds' }))
const count = () => Maybe(Integer())
const ratio = () => Maybe(Decimal({ description: '0 to 1' }))

/** Asleep's `stat`. Every field may be null or absent, and null never means 0. */
export const Stat = Type.Object({
  sleep_time: Maybe(Instant()),
  wake_time: Maybe(Instant()),
  sleep_index: Maybe(Integer({ description: '0 to 100' })),
  sleep_latency: seconds(),
  wakeup_latency: seconds(),
  light_latency: seconds(),
  deep_latency: seconds(),
  rem_latency: seconds(),
  time_in_bed: seconds(),
  time_in_sleep_period: seconds(),
  time_in_sleep: seconds(),
  time_in_wake: seconds(),
  time_in_light: seconds(),
  time_in_deep: seconds(),
  time_in_rem: seconds(),
  time_in_stable_breath: seconds(),
  time_in_unstable_breath: seconds(),
  time_in_snoring: seconds(),
  time_in_no_snoring: seconds(),
  sleep_efficiency: ratio(),
  sleep_ratio: ratio(),
  wake_ratio: ratio(),
  light_ratio: ratio(),
  deep_ratio: ratio(),
  rem_ratio: ratio(),
  stable_breath_ratio: ratio(),
  unstable_breath_ratio: ratio(),
  snoring_ratio: ratio(),
  no_snoring_ratio: ratio(),
  breathing_index: Maybe(Decimal()),
  breathing_pattern: Maybe(Text()),
  waso_count: count(),
  longest_waso: seconds(),
  sleep_cycle_count: count(),
  sleep_cycle: Maybe(Decimal({ description: 'Mean length of a cycle in seconds' })),
  sleep_cycle_time: Maybe(Type.Array(Instant())),
  unstable_breath_count: count(),
  snoring_count: count(),
})

/** The row of a session's `stat`, under the session's key. */
export function statRow(
  key: { user_id: string; session_id: string },
  stat: Static<typeof Stat>,
): Row<typeof sleepStats> {
  return {
    user_id: key.user_id,
    session_id: key.session_id,
    sleep_time: instant(stat.sleep_time),
    wake_time: instant(stat.wake_time),
    sleep_index: stat.sleep_index ?? null,
    sleep_latency: stat.sleep_latency ?? null,
    wakeup_latency: stat.wakeup_latency ?? null,
    light_latency: stat.light_latency ?? null,
    deep_latency: stat.deep_latency ?? null,
    rem_latency: stat.rem_latency ?? null,
    time_in_bed: stat.time_in_bed ?? null,
    time_in_sleep_period: stat.time_in_sleep_period ?? null,
    time_in_sleep: stat.time_in_sleep ?? null,
    time_in_wake: stat.time_in_wake ?? null,
    time_in_light: stat.time_in_light ?? null,
    time_in_deep: stat.time_in_deep ?? null,
    time_in_rem: stat.time_in_rem ?? null,
    time_in_stable_breath: stat.time_in_stable_breath ?? null,
    time_in_unstable_breath: stat.time_in_unstable_breath ?? null,
    time_in_snoring: stat.time_in_snoring ?? null,
    time_in_no_snoring: stat.time_in_no_snoring ?? null,
    sleep_efficiency: stat.sleep_efficiency ?? null,
    sleep_ratio: stat.sleep_ratio ?? null,
    wake_ratio: stat.wake_ratio ?? null,
    light_ratio: stat.light_ratio ?? null,
    deep_ratio: stat.deep_ratio ?? null,
    rem_ratio: stat.rem_ratio ?? null,
    stable_breath_ratio: stat.stable_breath_ratio ?? null,
    unstable_breath_ratio: stat.unstable_breath_ratio ?? null,
    snoring_ratio: stat.snoring_ratio ?? null,
    no_snoring_ratio: stat.no_snoring_ratio ?? null,
    breathing_index: stat.breathing_index ?? null,
    breathing_pattern: stat.breathing_pattern ?? null,
    waso_count: stat.waso_count ?? null,
    longest_waso: stat.longest_waso ?? null,
    sleep_cycle_count: stat.sleep_cycle_count ?? null,
    sleep_cycle: stat.sleep_cycle ?? null,
    sleep_cycle_time: stat.sleep_cycle_time?.map((time) => instant(time) as string) ?? null,
    unstable_breath_count: stat.unstable_breath_count ?? null,
    snoring_count: stat.snoring_count ?? null,
  }
}
