import { sql } from 'drizzle-orm'
import { bigint, boolean, index, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { bytea, instant, type JsonText } from './columns.ts'
import { target } from './target.ts'

/** The fence: whose deliveries are not stored any more. It holds hashes of ids, and no id. */
export const erasures = pgTable(
  'erasures',
  {
    person: bytea().notNull(),
    vendor: text().notNull(),
    kind: text().notNull(),
    fenced_at: instant().notNull(),
    erased_at: instant(),
    lifted_at: instant(),
    counts: jsonb().$type<JsonText>(),
    change_position: bigint({ mode: 'number' }),
  },
  (t) => [
    primaryKey({ columns: [t.person] }),
    // For the change feed, which merges erasures with the changes of deliveries.
    index('erasures_change_idx').on(t.change_position, t.person).where(sql`kind = 'owner'`),
  ],
)

/** The key of the hashes. It has one row. */
export const erasureKey = pgTable('erasure_key', {
  only: boolean().primaryKey().default(sql`true`),
  key: bytea().notNull(),
})

export const fence = target(erasures, {
  about:
    'Persons who were erased: their deliveries are answered 200 erased, and nothing of them is kept. nightpost erase writes it.',
  comments: {
    person:
      'SHA-256 of the key in erasure_key, the vendor, the kind and the id. The id itself is nowhere. See nightpost_person().',
    vendor: 'asleep or sahha.',
    kind: 'owner: the id is an owner, as in deliveries. user: it is a user id that a request header or a body names (Asleep user_id, Sahha externalId).',
    fenced_at:
      'Since when nothing about the person is stored. Ids that were fenced together have the same time, and are lifted together.',
    erased_at: 'When the last row of the person was deleted; NULL while the erasure is not finished.',
    lifted_at: 'When nightpost erase --lift let the person come back; NULL while the fence stands.',
    counts: 'How many rows were deleted, by table, in all erasures of this person.',
    change_position: 'Where the erasure stands in the change feed; NULL while it is not finished.',
  },
})

export const fenceKey = target(erasureKey, {
  about: 'The key of the hashes in erasures. Who has both can test whether a known id was erased.',
  comments: {
    only: 'Always true: the table has one row.',
    key: '32 bytes, made by the migration.',
  },
})
