import { instantOf, localTimestamp } from './local-time.ts'
import type { User } from './user.ts'

/** A period of local hours from midnight of `date`. As at Sahha, the end is the last second within it. */
export function sahhaPeriod({ timeZone }: User, date: string, fromHour: number, toHour: number) {
  return {
    startDateTime: localTimestamp(instantOf(date, fromHour, timeZone), timeZone),
    endDateTime: localTimestamp(instantOf(date, toHour, timeZone) - 1000, timeZone),
  }
}
