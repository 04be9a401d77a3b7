import { sql } from 'drizzle-orm'
import { foreignKey, index, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import {
  decimal,
  instant,
  moving,
  movingComments,
  provenance,
  provenanceComments,
  pulled,
  pulledComments,
} from '../../../tables/columns.ts'
import { target } from '../../../tables/target.ts'
import { localDay, newestRevision, profile, profileComments, revision, revisionComments } from './columns.ts'

export const scoresTable = pgTable(
  'scores',
  {
    ...profile,
    type: text().notNull(),
    state: text(),
    score: decimal(),
    data_sources: text().array(),
    score_date_time: instant(),
    ...localDay,
    ...revision,
    ...provenance,
    ...pulled,
    ...moving,
  },
  (t) => [
    primaryKey({ columns: [t.profile_id, t.id] }),
    // For all profiles on one day.
    index('scores_local_date_idx').on(t.local_date, t.profile_id),
    index('scores_moved_idx').on(t.profile_id).where(sql`has_moved`),
  ],
)

export const scores = target(scoresTable, {
  about: 'Sahha health scores (ScoreCreatedIntegrationEvent), newest revision of each.',
  newest: newestRevision,
  day: { of: ({ local_date }) => local_date, sql: (score) => `${score}.local_date` },
  comments: {
    ...profileComments,
    type: 'type: activity, sleep, readiness, wellbeing, mental_wellbeing, or a later addition.',
    state: 'state: minimal, low, medium, high.',
    score: 'score: 0 to 1, where 1 is optimal.',
    data_sources: 'dataSources: what the score was computed from.',
    score_date_time: 'scoreDateTime: the day that the score is for, as an instant.',
    utc_offset_minutes: 'UTC offset that scoreDateTime was sent with, in minutes; NULL where it had none.',
    local_date: "Calendar date of scoreDateTime in its own offset: the user's day.",
    ...revisionComments,
    ...provenanceComments,
    ...pulledComments,
    ...movingComments,
  },
})

export const scoreFactors = pgTable(
  'score_factors',
  {
    profile_id: text().notNull(),
    score_id: text().notNull(),
    position: integer().notNull(),
    id: text(),
    name: text(),
    value: decimal(),
    goal: decimal(),
    score: decimal(),
    state: text(),
    unit: text(),
    account_id: text(),
    external_id: text(),
    ...provenance,
  },
  (t) => [
    primaryKey({ columns: [t.profile_id, t.score_id, t.position] }),
    foreignKey({
      columns: [t.profile_id, t.score_id],
      foreignColumns: [scoresTable.profile_id, scoresTable.id],
    }).onDelete('cascade'),
  ],
)

export const factors = target(scoreFactors, {
  about: 'What a score was made of: its factors, replaced as a set with the score.',
  partOf: scores,
  comments: {
    profile_id: profileComments.profile_id,
    score_id: 'id of the score that the factor belongs to (scores.id).',
    position: "Position in the score's factors array, counted from 0.",
    id: "factors[].id: the factor's name or a UUID; may be absent.",
    name: 'factors[].name: for example sleep_duration.',
    value: 'factors[].value: the measured value, in unit.',
    goal: 'factors[].goal: the target value, in unit.',
    score: 'factors[].score: 0 to 1.',
    state: 'factors[].state: minimal, low, medium, high.',
    unit: 'factors[].unit: unit of value and goal.',
    account_id: profileComments.account_id,
    external_id: profileComments.external_id,
    ...provenanceComments,
  },
})
