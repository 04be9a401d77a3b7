import { type Static, Type } from '@sinclair/typebox'
import { instant, localDate, utcOffsetMinutes } from '../../ingest/instant.ts'
import { Decimal, Id, Instant, Maybe, Text } from '../../ingest/schema.ts'

/** Whose record it is; every Sahha body says so. */
export const profileFields = {
  profileId: Id({ description: 'UUID of the profile' }),
  accountId: Maybe(Text({ description: 'UUID of the account that owns the profile' })),
  externalId: Maybe(Text({ description: 'Your own identifier of the user; empty for an anonymous profile' })),
}

export const revisionFields = {
  createdAtUtc: Maybe(Instant({ description: 'UTC where it has no offset' })),
  version: Maybe(Decimal()),
}

export const periodFields = {
  startDateTime: Maybe(Instant({ description: "Its offset carries the user's local day" })),
  endDateTime: Maybe(Instant()),
}

const Profile = Type.Object(profileFields)
const Revision = Type.Object(revisionFields)
const Period = Type.Object(periodFields)

export function profileColumns(body: Static<typeof Profile>) {
  return {
    profile_id: body.profileId,
    account_id: body.accountId ?? null,
    external_id: body.externalId ?? null,
  }
}

export function revisionColumns(body: Static<typeof Revision>) {
  return { created_at_utc: instant(body.createdAtUtc), version: body.version ?? null }
}

export function periodColumns(body: Static<typeof Period>) {
  return {
    start_date_time: instant(body.startDateTime),
    end_date_time: instant(body.endDateTime),
    ...localDayColumns(body.startDateTime),
    end_utc_offset_minutes: utcOffsetMinutes(body.endDateTime),
  }
}

export function localDayColumns(text: string | null | undefined) {
  return { utc_offset_minutes: utcOffsetMinutes(text), local_date: localDate(text) }
}
