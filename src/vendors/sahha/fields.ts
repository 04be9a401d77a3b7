import { Decimal, Id, Instant, Label, Maybe } from '../../contract/schema.ts'

/** The profile that a record belongs to; in every Sahha body. */
export const profileFields = {
  profileId: Id({ description: 'UUID of the profile' }),
  accountId: Maybe(Label({ description: 'UUID of the account that owns the profile' })),
  externalId: Maybe(
    Label({ description: 'Your own identifier of the user; empty for an anonymous profile' }),
  ),
}

export const revisionFields = {
  createdAtUtc: Maybe(Instant({ description: 'UTC where it has no offset' })),
  version: Maybe(Decimal()),
}

export const periodFields = {
  startDateTime: Maybe(Instant({ description: "Its offset carries the user's local day" })),
  endDateTime: Maybe(Instant()),
}
