import { customType, numeric, timestamp, uuid } from 'drizzle-orm/pg-core'

/** A JSON number: a double, or its decimal text where a double would lose digits. */
export type Decimal = number | { toJSON(): string }

/** A column value that is JSON source text; the write statements cast it to `jsonb`. */
export type JsonText = string

export const decimal = () => numeric().$type<Decimal>()

/** An instant with microseconds, as ISO 8601 text: a JavaScript `Date` would cut it to milliseconds. */
export const instant = () => timestamp({ withTimezone: true, mode: 'string' })

export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

/** Which delivery made the row, and when that delivery arrived. */
export const provenance = {
  delivery_id: uuid().notNull(),
  received_at: instant().notNull(),
}

export const provenanceComments = {
  delivery_id: 'The delivery that this row came from (deliveries.delivery_id).',
  received_at: 'When Nightpost received that delivery.',
}
