import { integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { provenance, provenanceComments, pulled, pulledComments } from '../../../tables/columns.ts'
import { target } from '../../../tables/target.ts'
import {
  newestRevision,
  period,
  periodComments,
  profile,
  profileComments,
  revision,
  revisionComments,
} from './columns.ts'

export const archetypesTable = pgTable(
  'archetypes',
  {
    ...profile,
    name: text().notNull(),
    value: text(),
    data_type: text(),
    periodicity: text(),
    ordinality: integer(),
    ...period,
    ...revision,
    ...provenance,
    ...pulled,
  },
  (t) => [primaryKey({ columns: [t.profile_id, t.id] })],
)

export const archetypes = target(archetypesTable, {
  about: 'Sahha archetypes (ArchetypeCreatedIntegrationEvent), newest revision of each.',
  newest: newestRevision,
  comments: {
    ...profileComments,
    name: 'name: for example activity_level, chronotype, sleep_pattern.',
    value: 'value: the archetype assigned, for example early_bird.',
    data_type: 'dataType: ordinal, categorical, string.',
    periodicity: 'periodicity: daily, weekly, monthly.',
    ordinality: 'ordinality: rank where several archetypes exist, counted from 0.',
    ...periodComments,
    ...revisionComments,
    ...provenanceComments,
    ...pulledComments,
  },
})
