import { bigint, pgTable, smallint, text, uuid } from 'drizzle-orm/pg-core'
import { target } from './target.ts'

/** The state of the change feed: one row. The changes are `deliveries.change_position` and `erasures`. */
export const changeFeed = pgTable('change_feed', {
  id: smallint().primaryKey(),
  epoch: text().notNull(),
  server: text().notNull(),
  xid_offset: bigint({ mode: 'bigint' }).notNull(),
  boundary: uuid(),
  floor: bigint({ mode: 'bigint' }),
  floor_id: uuid(),
  removals: bigint({ mode: 'bigint' }).notNull(),
})

export const feed = target(changeFeed, {
  about: 'The state of the change feed, one row. Read the feed with nightpost_changes().',
  comments: {
    id: 'Always 1.',
    epoch: 'Part of every cursor. It changes if the database moves to another server, or is a copy.',
    server: 'The system identifier of the server and the OID of the database at the beginning of the epoch.',
    xid_offset:
      'Added to a transaction id, so that the positions of an epoch are higher than all earlier ones.',
    boundary:
      'The last delivery that a version without the feed stored; NULL if there was none. The feed begins with these, in the order of delivery_id.',
    floor: 'The highest change_position that retention deleted; NULL if it deleted none.',
    floor_id: 'The last delivery without a change_position that retention deleted; NULL if it deleted none.',
    removals: 'How often retention deleted changes. A cursor has the number of its time.',
  },
})
