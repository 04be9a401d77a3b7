import { boolean, customType, numeric, timestamp, uuid } from 'drizzle-orm/pg-core'

/** A JSON number: a double, or an `ExactNumber` if a double would lose digits. */
export type Decimal = number | { toJSON(): string }

/** JSON source text. The write statements cast it to `jsonb`. */
export type JsonText = string

/** A `numeric` column for a JSON number. */
export const decimal = () => numeric().$type<Decimal>()

/** A `timestamptz` column, read and written as text, because a JavaScript `Date` has only milliseconds. */
export const instant = () => timestamp({ withTimezone: true, mode: 'string' })

export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

/** The columns that every normalised row has: the delivery it comes from, and when that delivery arrived. */
export const provenance = {
  delivery_id: uuid().notNull(),
  received_at: instant().notNull(),
}

export const provenanceComments = {
  delivery_id: 'The delivery that this row came from (deliveries.delivery_id).',
  received_at: 'When Nightpost received that delivery.',
}

/**
 * The column of a table whose rows may also be pulled, after all others. The write statements fill it. Parts have none: they
 * come with the row that owns them.
 */
export const pulled = {
  pulled_at: instant(),
}

export const pulledComments = {
  pulled_at:
    "When Nightpost asked the vendor's API for this row (nightpost reconcile); NULL if the vendor sent it.",
}

/** The column of a table whose rows belong to days (`Target.day`). The upserts write it, and no parameter has it. */
export const moving = {
  has_moved: boolean(),
}

export const movingComments = {
  has_moved:
    'true: an earlier version of the record belonged to another day. It tells the service which days to compute again for user_days.',
}
