import { bigint, jsonb, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { bytea, instant, type JsonText } from './columns.ts'
import { target } from './target.ts'

/** The quarantine: deliveries whose sender is not proven. It is empty unless the operator enables it. */
export const unverifiedDeliveries = pgTable(
  'unverified_deliveries',
  {
    delivery_id: uuid().primaryKey(),
    vendor: text().notNull(),
    headers: jsonb().$type<JsonText>().notNull(),
    hashed_headers: jsonb().$type<JsonText>().notNull(),
    body: bytea().notNull(),
    received_at: instant().notNull(),
    position: bigint({ mode: 'number' }).notNull(),
  },
  (t) => [uniqueIndex('unverified_deliveries_position_idx').on(t.position)],
)

export const quarantine = target(unverifiedDeliveries, {
  about:
    'The quarantine: deliveries answered 401, kept where QUARANTINE_UNVERIFIED_MAX_BYTES allows it until nightpost replay --outcome unverified can prove their sender. Anyone may have sent them.',
  comments: {
    delivery_id: 'UUID version 7; the delivery keeps it once its sender is proven.',
    vendor: 'The vendor whose route was called.',
    headers: 'The headers needed to judge the body again, and the signature that was presented.',
    hashed_headers: 'Salted hashes of the keys that were presented (salt:hash in hex); never a key.',
    body: 'The exact bytes received.',
    received_at: 'When the delivery arrived.',
    position:
      'Bytes quarantined before this delivery: the oldest go once the count runs further ahead of them than the limit.',
  },
})
