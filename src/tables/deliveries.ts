import { sql } from 'drizzle-orm'
import { index, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { bytea, instant, type JsonText } from './columns.ts'
import { target } from './target.ts'

/** The ledger: every authentic delivery with its exact bytes and its outcome. */
export const deliveries = pgTable(
  'deliveries',
  {
    owner: text().notNull(),
    vendor: text().notNull(),
    body_digest: bytea().notNull(),
    delivery_id: uuid().notNull(),
    event: text(),
    user_id: text(),
    authenticated_by: text().notNull(),
    outcome: text().notNull(),
    problem: jsonb().$type<JsonText>(),
    body: bytea().notNull(),
    headers: jsonb().$type<JsonText>().notNull(),
    received_at: instant().notNull(),
    last_received_at: instant().notNull(),
    times_received: integer().notNull(),
    normaliser_version: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.owner, t.vendor, t.body_digest] }),
    index('deliveries_delivery_id_idx').on(t.delivery_id),
    // For `replay` and `status`, which look for the few deliveries that are not stored.
    index('deliveries_not_stored_idx').on(t.delivery_id).where(sql`outcome <> 'stored'`),
    // For the time at which each event was last stored, which a restarted process reads to measure silence.
    index('deliveries_stored_idx').on(t.vendor, t.event, t.received_at).where(sql`outcome = 'stored'`),
  ],
)

export const ledger = target(deliveries, {
  about: 'The ledger: every authentic delivery with the exact bytes received and what became of it.',
  comments: {
    owner: "Whose data it is: Asleep user_id or Sahha profileId; '' where the body names nobody.",
    vendor: 'asleep or sahha.',
    body_digest: 'SHA-256 of the exact bytes: the same bytes are one delivery however often they arrive.',
    delivery_id: 'UUID version 7; the provenance of normalised rows, and the id in the answer to the vendor.',
    event: "The event's name as the vendor writes it; NULL where none could be read.",
    user_id: 'The user that the request header named (x-user-id or X-External-Id); NULL where none.',
    authenticated_by: 'How the sender was proven: api_key or signature.',
    outcome:
      'stored (its rows are in the tables), unrecognised (no normaliser knows the event) or rejected (see problem).',
    problem:
      'Why the delivery was rejected, as the sender was told, or which records of a stored one have no row (partly_stored), as RFC 9457; NULL otherwise.',
    body: 'The exact bytes received.',
    headers: 'The headers needed to judge the body again; never a credential.',
    received_at: 'When these bytes first arrived.',
    last_received_at: 'When these bytes last arrived.',
    times_received: 'How often these bytes arrived.',
    normaliser_version: "Version of the vendor's normaliser that judged the body.",
  },
})
