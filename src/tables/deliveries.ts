import { sql } from 'drizzle-orm'
import { bigint, date, index, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { bytea, instant, type JsonText } from './columns.ts'
import { target } from './target.ts'

/** The ledger: an entry for every authentic delivery, with its outcome. The bodies are in `bodies.ts`. */
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
    body: bytea(),
    body_group: uuid(),
    body_start: integer(),
    body_size: integer(),
    source: text().notNull().default('push'),
    headers: jsonb().$type<JsonText>().notNull(),
    received_at: instant().notNull(),
    last_received_at: instant().notNull(),
    times_received: integer().notNull(),
    normaliser_version: integer().notNull(),
    change_position: bigint({ mode: 'bigint' }),
    first_day: date({ mode: 'string' }),
    last_day: date({ mode: 'string' }),
  },
  (t) => [
    primaryKey({ columns: [t.owner, t.vendor, t.body_digest] }),
    index('deliveries_delivery_id_idx').on(t.delivery_id),
    // For `replay` and `status`, which look for the few deliveries that are not stored.
    index('deliveries_not_stored_idx').on(t.delivery_id).where(sql`outcome <> 'stored'`),
    // For the change feed. The second key is NULL for a delivery that was stored at its first arrival, so that Postgres
    // deduplicates a group into one entry. It is set where many deliveries may have one position.
    index('deliveries_change_idx')
      .on(t.change_position, sql`(case when change_position % 2 = 0 then null else delivery_id end)`)
      .where(sql`outcome = 'stored' or change_position % 2 = 1`),
  ],
)

export const ledger = target(deliveries, {
  about:
    'The ledger: every authentic delivery and what became of it. The exact bytes received are in delivery_bodies.',
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
    body: 'The exact bytes received, of a delivery that is not stored or came late; NULL if they are in body_groups or body_packs. Read them in delivery_bodies.',
    body_group: 'The row of body_groups that has or had the body; NULL if body has it.',
    body_start: 'Where the body begins in the bytes of body_group, from 1.',
    body_size: 'Size of the body in bytes; NULL if an earlier version stored it.',
    source: 'push: the vendor sent it. pull: Nightpost asked for it.',
    headers: 'The headers needed to judge the body again; never a credential.',
    received_at: 'When these bytes first arrived.',
    last_received_at: 'When these bytes last arrived.',
    times_received: 'How often these bytes arrived.',
    normaliser_version: "Version of the vendor's normaliser that judged the body.",
    change_position:
      'Its place in the change feed (nightpost_changes): 2 × (id of the transaction that last changed what it stores + change_feed.xid_offset), plus 1 if it was judged again since its first arrival; NULL if a version without the feed stored it.',
    first_day:
      'First local day of the person whose row in user_days the delivery may change; infinity if it changes none, NULL if it may be any.',
    last_day: 'The last such day; -infinity if it changes none, NULL if it may be any.',
  },
})
