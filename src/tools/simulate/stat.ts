import { localTimestamp } from './local-time.ts'
import { EPOCH_MS, type Night } from './night.ts'

const EPOCH_SECONDS = 30
const ratio = (part: number, whole: number) => (whole === 0 ? null : Math.round((part / whole) * 1000) / 1000)

/** The `stat` object of SESSION_COMPLETE, computed as Asleep does; null if Asleep sends none for such a night. */
export function statOf(night: Night, timeZone: string): object | null {
  const { sleep, snoring, breath, start, cycleEnds, kind } = night
  if (kind === 'too short' || kind === 'defects') return null
  const first = sleep.findIndex((stage) => stage > 0)
  const last = sleep.findLastIndex((stage) => stage > 0)
  const asleep = first >= 0
  const period = asleep ? sleep.slice(first, last + 1) : []
  const seconds = (stages: number[], stage: number) =>
    stages.filter((value) => value === stage).length * EPOCH_SECONDS
  const latencyTo = (stage: number) => (period.includes(stage) ? period.indexOf(stage) * EPOCH_SECONDS : null)
  const time = (epoch: number) => localTimestamp(start + epoch * EPOCH_MS, timeZone)

  const inPeriod = period.length * EPOCH_SECONDS
  const inBed = sleep.length * EPOCH_SECONDS
  const [wake, light, deep, rem] = [0, 1, 2, 3].map((stage) => seconds(period, stage)) as [
    number,
    number,
    number,
    number,
  ]
  const inSleep = inPeriod - wake
  const awakenings = runLengths(period, 0)
  const snores = runLengths(snoring.slice(first, last + 1), 1)
  const unstable = breath && runLengths(breath.slice(first, last + 1), 1)
  const snored = sum(snores) * EPOCH_SECONDS
  const unstableSeconds = unstable && sum(unstable) * EPOCH_SECONDS
  const ends = asleep ? cycleEnds : []
  const cycleLength = ends.length > 0 ? (((ends.at(-1) ?? 0) - first) * EPOCH_SECONDS) / ends.length : null

  return {
    sleep_time: asleep ? time(first) : null,
    wake_time: asleep ? time(last + 1) : null,
    sleep_index: Math.max(0, Math.min(100, Math.round((100 * inSleep) / inBed - awakenings.length))),
    sleep_latency: asleep ? first * EPOCH_SECONDS : null,
    wakeup_latency: asleep ? (sleep.length - last - 1) * EPOCH_SECONDS : null,
    light_latency: latencyTo(1),
    deep_latency: latencyTo(2),
    rem_latency: latencyTo(3),
    time_in_bed: inBed,
    time_in_sleep_period: inPeriod,
    time_in_sleep: inSleep,
    time_in_wake: wake,
    time_in_light: light,
    time_in_deep: deep,
    time_in_rem: rem,
    time_in_stable_breath: unstableSeconds === null ? null : inPeriod - unstableSeconds,
    time_in_unstable_breath: unstableSeconds,
    time_in_snoring: snored,
    time_in_no_snoring: inPeriod - snored,
    sleep_efficiency: ratio(inSleep, inBed),
    sleep_ratio: ratio(inSleep, inPeriod),
    wake_ratio: ratio(wake, inPeriod),
    light_ratio: ratio(light, inPeriod),
    deep_ratio: ratio(deep, inPeriod),
    rem_ratio: ratio(rem, inPeriod),
    stable_breath_ratio: unstableSeconds === null ? null : ratio(inPeriod - unstableSeconds, inPeriod),
    unstable_breath_ratio: unstableSeconds === null ? null : ratio(unstableSeconds, inPeriod),
    snoring_ratio: ratio(snored, inPeriod),
    no_snoring_ratio: ratio(inPeriod - snored, inPeriod),
    breathing_index: unstable ? Math.round((unstable.length * 36_000) / inPeriod) / 10 : null,
    breathing_pattern: null,
    waso_count: asleep ? awakenings.length : null,
    longest_waso: asleep ? Math.max(0, ...awakenings) * EPOCH_SECONDS : null,
    sleep_cycle_count: ends.length,
    sleep_cycle: cycleLength,
    sleep_cycle_time: ends.length > 0 ? [first, ...ends].map(time) : [],
    unstable_breath_count: unstable ? unstable.length : null,
    snoring_count: snores.length,
  }
}

/** The length of each run of consecutive equal `value`s. */
function runLengths(values: number[], value: number): number[] {
  const lengths: number[] = []
  values.forEach((current, at) => {
    if (current !== value) return
    if (at > 0 && values[at - 1] === value) lengths.push((lengths.pop() ?? 0) + 1)
    else lengths.push(1)
  })
  return lengths
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
