import { sql } from 'drizzle-orm'
import { bigint, index, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'
import { target } from './target.ts'

/** Who has rows, and by which ids the vendors name them. The statement that stores a delivery writes it. */
export const owners = pgTable(
  'owners',
  {
    owner: text().notNull(),
    vendor: text().notNull(),
    user_id: text().notNull(),
    person_id: text().notNull(),
    first_received_at: instant().notNull(),
    change_position: bigint({ mode: 'bigint' }),
    former_persons: text().array(),
  },
  (t) => [
    primaryKey({ columns: [t.owner, t.vendor] }),
    index('owners_person_idx').using('hash', t.person_id),
    // For user_days, which gets many persons as hashes.
    index('owners_person_hash_idx').on(sql`hashtextextended(person_id, 0)`),
    index('owners_change_idx').on(t.change_position).where(sql`change_position is not null`),
  ],
)

/** Exceptions from the rule that equal ids are one person. `nightpost link` writes them. */
export const personLinks = pgTable(
  'person_links',
  {
    owner: text().notNull(),
    vendor: text().notNull(),
    person_id: text().notNull(),
    linked_at: instant().notNull(),
  },
  (t) => [primaryKey({ columns: [t.owner, t.vendor] }), index('person_links_person_idx').on(t.person_id)],
)

export const ownerNames = target(owners, {
  about:
    'Every owner of whom a delivery was stored, with the user id that the vendor knows the person by. The view people is made of it.',
  comments: {
    owner: 'As in deliveries: Asleep user_id or Sahha profileId.',
    vendor: 'asleep or sahha.',
    user_id:
      "The user id that the first delivery named which named one: Asleep user_id, Sahha externalId; '' if none did.",
    person_id: 'The person: the one that person_links has, or else user_id, or else the owner.',
    first_received_at: 'When that delivery arrived; if none named a user id, the first.',
    change_position:
      'When the person changed, or all rows of the owner were written again: a place in the order of deliveries.change_position; NULL if they never did.',
    former_persons: 'The persons to whom the owner belonged before; NULL if there was none.',
  },
})

export const links = target(personLinks, {
  about: 'Owners who are linked with a person by hand: nightpost link writes it.',
  comments: {
    owner: 'As in deliveries: Asleep user_id or Sahha profileId.',
    vendor: 'asleep or sahha.',
    person_id: 'The person to whom the owner belongs.',
    linked_at: 'When the link was made.',
  },
})
