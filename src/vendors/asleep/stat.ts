import { type Static, Type } from '@sinclair/typebox'
import { instant } from '../../ingest/instant.ts'
import { Decimal, Instant, Integer, Maybe, Text } from '../../ingest/schema.ts'
import type { Row } from '../../tables/target.ts'
import type { sleepStats } from './tables/stats.ts'

const seconds = () => Maybe(Integer({ description: 'Seconds' }))
const count = () => Maybe(Integer())
const ratio = () => Maybe(Decimal({ description: '0 to 1' }))

/** Asleep `stat`: every field may be null or absent, and null never means 0. */
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

const fields = Object.keys(Stat.properties) as Array<keyof typeof Stat.properties>

type StatRow = Omit<Row<typeof sleepStats>, 'user_id' | 'session_id'>

export function statRow(stat: Static<typeof Stat>): StatRow {
  return {
    ...(Object.fromEntries(fields.map((field) => [field, stat[field] ?? null])) as StatRow),
    sleep_time: instant(stat.sleep_time),
    wake_time: instant(stat.wake_time),
    sleep_cycle_time: stat.sleep_cycle_time?.map((time) => instant(time) as string) ?? null,
  }
}
