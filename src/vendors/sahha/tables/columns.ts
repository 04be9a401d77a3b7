import { date, smallint, text } from 'drizzle-orm/pg-core'
import { unixTime } from '../../../contract/instant.ts'
import { decimal, instant } from '../../../tables/columns.ts'

export const profile = {
  profile_id: text().notNull(),
  id: text().notNull(),
  account_id: text(),
  external_id: text(),
}

export const profileComments = {
  profile_id: 'profileId: the profile that the record belongs to; opaque text.',
  id: 'id: the record. An update arrives under the same id.',
  account_id: 'accountId: the Sahha account that owns the profile.',
  external_id: 'externalId: your own identifier of the user; empty or NULL for an anonymous profile.',
}

export const localDay = {
  utc_offset_minutes: smallint(),
  local_date: date({ mode: 'string' }),
}

export const period = {
  start_date_time: instant(),
  end_date_time: instant(),
  ...localDay,
  end_utc_offset_minutes: smallint(),
}

export const periodComments = {
  start_date_time: 'startDateTime: start of the period.',
  end_date_time: 'endDateTime: end of the period.',
  utc_offset_minutes: 'UTC offset that startDateTime was sent with, in minutes; NULL where it had none.',
  local_date: "Calendar date of startDateTime in its own offset: the user's day.",
  end_utc_offset_minutes:
    'UTC offset that endDateTime was sent with, in minutes; differs across a DST change.',
}

const DAY = 86_400_000

interface Period {
  readonly start_date_time: string | null
  readonly end_date_time: string | null
  readonly utc_offset_minutes: number | null
}

/**
 * Returns the local calendar date, `YYYY-MM-DD`, of the middle of a period, as the view `daily_biomarkers` finds it; null if the
 * period has no start. Returns undefined if microseconds decide, and outside the years 0 to 9999.
 */
export function middleDay({
  start_date_time,
  end_date_time,
  utc_offset_minutes,
}: Period): string | null | undefined {
  if (start_date_time === null) return null
  const start = unixTime(start_date_time) as number
  const end = unixTime(end_date_time) ?? start
  const middle = start + (end - start) / 2 + (utc_offset_minutes ?? 0) * 60_000
  if (!Number.isFinite(middle)) return undefined
  const sinceMidnight = ((middle % DAY) + DAY) % DAY
  const isAtMidnight = sinceMidnight < 1 || sinceMidnight > DAY - 1
  if (isAtMidnight && [start_date_time, end_date_time].some((text) => text && MICROSECONDS.test(text)))
    return undefined
  const text = new Date(middle).toISOString()
  return /^\d{4}-/.test(text) ? text.slice(0, 10) : undefined
}

/** Digits of a second after the milliseconds that are not 0. */
const MICROSECONDS = /\.\d{3}\d*[1-9]/

export const revision = {
  created_at_utc: instant(),
  version: decimal(),
}

export const revisionComments = {
  created_at_utc: 'createdAtUtc: when Sahha made this revision; the newest revision of an id is kept.',
  version: "version: of Sahha's algorithm; decides between revisions made at the same instant.",
}

export const newestRevision = ['created_at_utc', 'version'] as const
