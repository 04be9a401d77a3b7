import { instantOf } from '../../src/tools/simulate/local-time.ts'
import type { Night } from './cookbook-model.ts'

const DAY = 86_400

/**
 * The sleep regularity index by its definition, second by second: how often the state is the same 24 hours later. Days
 * begin at noon, and a day without any sleep was not recorded.
 */
export function regularityOf(nights: readonly Night[]): number {
  const [first] = nights.map(({ date }) => date).sort()
  const last = nights.reduce((latest, night) => (night.end > latest.end ? night : latest))
  const origin = instantOf(first ?? '', -12, last.zone) / 1000
  const asleep = new Uint8Array((Math.ceil((last.end / 1000 - origin) / DAY) + 1) * DAY)
  for (const { start, stages } of nights) {
    for (const [epoch, stage] of stages.entries()) {
      const from = start / 1000 - origin + epoch * 30
      if (stage > 0) asleep.fill(1, from, from + 30)
    }
  }
  const hasSleep = (day: number) => asleep.subarray(day * DAY, (day + 1) * DAY).includes(1)
  let [same, all] = [0, 0]
  for (let day = 0; (day + 2) * DAY <= asleep.length; day += 1) {
    if (!hasSleep(day) || !hasSleep(day + 1)) continue
    for (let at = day * DAY; at < (day + 1) * DAY; at += 1) if (asleep[at] === asleep[at + DAY]) same += 1
    all += DAY
  }
  return -100 + (200 * same) / all
}
