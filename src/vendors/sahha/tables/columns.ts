import { date, smallint, text } from 'drizzle-orm/pg-core'
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

export const revision = {
  created_at_utc: instant(),
  version: decimal(),
}

export const revisionComments = {
  created_at_utc: 'createdAtUtc: when Sahha made this revision; the newest revision of an id is kept.',
  version: "version: of Sahha's algorithm; decides between revisions made at the same instant.",
}

export const newestRevision = ['created_at_utc', 'version'] as const
