import { integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { bytea } from './columns.ts'
import { target } from './target.ts'

/** The bodies of recent deliveries: one row for each group that was committed. Partitioned by the day of `group_id`. */
export const bodyGroups = pgTable(
  'body_groups',
  {
    group_id: uuid().notNull(),
    bytes: bytea().notNull(),
  },
  (t) => [primaryKey({ columns: [t.group_id] })],
)

/** The bodies of older deliveries, packed by owner. Partitioned by the week of `pack_id`. */
export const bodyPacks = pgTable(
  'body_packs',
  {
    owner: text().notNull(),
    pack_id: uuid().notNull(),
    last_id: uuid().notNull(),
    delivery_ids: uuid().array().notNull(),
    ends: integer().array().notNull(),
    bytes: bytea().notNull(),
  },
  (t) => [primaryKey({ columns: [t.owner, t.pack_id] })],
)

export const groups = target(bodyGroups, {
  about:
    'The bodies of recent deliveries, end to end, one row for each group that was committed; deliveries.body_group, body_start and body_size say where each is. Read them in delivery_bodies.',
  comments: {
    group_id: 'UUID version 7 with the time of the first arrival of the group.',
    bytes: 'The exact bytes of the bodies. A body that an erasure removed is zeros.',
  },
})

export const packs = target(bodyPacks, {
  about:
    'The bodies of older deliveries, packed by owner and day, so that they compress well. Read them in delivery_bodies.',
  comments: {
    owner: 'As in deliveries.',
    pack_id: 'The first delivery of the pack.',
    last_id: 'The last delivery of the pack.',
    delivery_ids: 'The deliveries of the pack, in order.',
    ends: 'Where the body of each delivery ends in bytes, in bytes from its beginning.',
    bytes: 'The exact bytes of the bodies, end to end.',
  },
})
