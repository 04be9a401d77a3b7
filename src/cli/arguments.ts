import { InvalidArgumentError } from 'commander'
import { isInstant, unixTime } from '../contract/instant.ts'

/** Checks of words of the command line. Each throws commander's error, which tells what to write. */

/** Returns a function that reads a whole number within bounds. */
export const wholeNumber =
  (least: number, most = 999_999_999) =>
  (text: string): number => {
    const number = Number(text)
    if (!/^\d{1,9}$/.test(text) || number < least || number > most)
      throw new InvalidArgumentError(`Write a whole number from ${least} to ${most}.`)
    return number
  }

/** Returns the date as it is, YYYY-MM-DD, if the calendar has it. */
export function date(text: string): string {
  if (text.length !== 'YYYY-MM-DD'.length || !isInstant(text))
    throw new InvalidArgumentError('Write a date such as 2026-11-01.')
  return text
}

/** Returns the ISO 8601 time as it is. Without an offset it is UTC. */
export function time(text: string): string {
  if (!isInstant(text)) throw new InvalidArgumentError('Write an ISO 8601 time.')
  return text
}

/** Returns the milliseconds of Unix time of a date or an ISO 8601 time. Without an offset it is UTC. */
export function milliseconds(text: string): number {
  const found = isInstant(text) ? unixTime(text) : null
  if (found === null) throw new InvalidArgumentError('Write a date such as 2026-01-31, or an ISO 8601 time.')
  return found
}
