import { type Static, Type } from '@sinclair/typebox'
import { defineEvent } from '../../contract/event.ts'
import { instant, localDate, utcOffsetMinutes } from '../../contract/instant.ts'
import { Decimal, eachRecord, Id, Instant, Maybe, OpenEnum, Records, Text } from '../../contract/schema.ts'
import { rowsFor } from '../../tables/target.ts'
import { scoreExample } from './examples.ts'
import { profileFields, revisionFields } from './fields.ts'
import { factors, scores } from './tables/scores.ts'

const STATES = ['minimal', 'low', 'medium', 'high']

const Factor = Type.Object({
  id: Maybe(Text({ description: 'The name or a UUID' })),
  name: Maybe(Text()),
  value: Maybe(Decimal()),
  goal: Maybe(Decimal()),
  score: Maybe(Decimal({ description: '0 to 1' })),
  state: Maybe(OpenEnum(STATES)),
  unit: Maybe(Text()),
})

const Score = Type.Object(
  {
    id: Id(),
    ...profileFields,
    type: OpenEnum(['activity', 'sleep', 'readiness', 'wellbeing', 'mental_wellbeing']),
    state: Maybe(OpenEnum(STATES)),
    score: Maybe(Decimal({ description: '0 to 1, 1 is optimal' })),
    factors: Maybe(Records(Factor)),
    dataSources: Maybe(Type.Array(Text())),
    scoreDateTime: Maybe(Instant({ description: 'The day that the score is for' })),
    ...revisionFields,
  },
  { title: 'Score' },
)

export const score = defineEvent({
  name: 'ScoreCreatedIntegrationEvent',
  schema: Score,
  example: scoreExample,
  createdAt: (body) => body.createdAtUtc,
  normalise: (body) => [
    rowsFor(scores, [scoreRow(body)]),
    rowsFor(
      factors,
      eachRecord(body.factors ?? [], (factor, position) => factorRow(body, factor, position)),
    ),
  ],
})

function scoreRow(body: Static<typeof Score>) {
  return {
    profile_id: body.profileId,
    id: body.id,
    account_id: body.accountId ?? null,
    external_id: body.externalId ?? null,
    type: body.type,
    state: body.state ?? null,
    score: body.score ?? null,
    data_sources: body.dataSources ?? null,
    score_date_time: instant(body.scoreDateTime),
    utc_offset_minutes: utcOffsetMinutes(body.scoreDateTime),
    local_date: localDate(body.scoreDateTime),
    created_at_utc: instant(body.createdAtUtc),
    version: body.version ?? null,
  }
}

function factorRow(body: Static<typeof Score>, factor: Static<typeof Factor>, position: number) {
  return {
    profile_id: body.profileId,
    score_id: body.id,
    position,
    id: factor.id ?? null,
    name: factor.name ?? null,
    value: factor.value ?? null,
    goal: factor.goal ?? null,
    score: factor.score ?? null,
    state: factor.state ?? null,
    unit: factor.unit ?? null,
    account_id: body.accountId ?? null,
    external_id: body.externalId ?? null,
  }
}
