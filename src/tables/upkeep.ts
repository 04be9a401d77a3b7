import { pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'
import { target } from './target.ts'

/** How far the ledger's upkeep (`nightpost maintain`) has come. */
export const upkeepTasks = pgTable('upkeep_tasks', {
  task: text().primaryKey(),
  position: uuid(),
  finished_at: instant(),
})

/** When each event was last stored, so that a start does not have to search the ledger for it. */
export const eventActivity = pgTable(
  'event_activity',
  {
    vendor: text().notNull(),
    event: text().notNull(),
    last_stored_at: instant().notNull(),
  },
  (t) => [primaryKey({ columns: [t.vendor, t.event] })],
)

export const tasks = target(upkeepTasks, {
  about: 'How far nightpost maintain, or the same work in the background, has come.',
  comments: {
    task: 'pack: bodies are packed by owner. activity: event_activity is written. empty: no body of a stored delivery is in its entry. archive: nothing is dropped for its age without an archive. people: owners and sleep_sessions.sleep_date have all that earlier versions stored. fence, fence_unverified: no delivery without an owner, and none of the quarantine, names an erased person.',
    position: 'Deliveries with a smaller delivery_id are done.',
    finished_at: 'When the task was last done as far as was possible then.',
  },
})

export const activity = target(eventActivity, {
  about: 'When each event was last stored. The service writes it about once a minute.',
  comments: {
    vendor: 'As in deliveries.',
    event: 'As in deliveries.',
    last_stored_at: 'When a delivery of this event was last stored, at the latest known time.',
  },
})
