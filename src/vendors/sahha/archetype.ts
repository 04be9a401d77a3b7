import { Type } from '@sinclair/typebox'
import { defineEvent } from '../../contract/event.ts'
import { instant, localDate, utcOffsetMinutes } from '../../contract/instant.ts'
import { Id, Integer, Maybe, OpenEnum, Text } from '../../contract/schema.ts'
import { rowsFor } from '../../tables/target.ts'
import { archetypeExample } from './examples.ts'
import { periodFields, profileFields, revisionFields } from './fields.ts'
import { archetypes } from './tables/archetypes.ts'

const Archetype = Type.Object(
  {
    id: Id(),
    ...profileFields,
    name: Text({ description: 'activity_level, chronotype, sleep_pattern, …' }),
    value: Maybe(Text({ description: 'early_bird, night_owl, highly_active, …' })),
    dataType: Maybe(OpenEnum(['ordinal', 'categorical', 'string'])),
    periodicity: Maybe(OpenEnum(['daily', 'weekly', 'monthly'])),
    ordinality: Maybe(Integer({ description: 'Rank, from 0' })),
    ...periodFields,
    ...revisionFields,
  },
  { title: 'Archetype' },
)

export const archetype = defineEvent({
  name: 'ArchetypeCreatedIntegrationEvent',
  schema: Archetype,
  example: archetypeExample,
  createdAt: (body) => body.createdAtUtc,
  normalise: (body) => [
    rowsFor(archetypes, [
      {
        profile_id: body.profileId,
        id: body.id,
        account_id: body.accountId ?? null,
        external_id: body.externalId ?? null,
        name: body.name,
        value: body.value ?? null,
        data_type: body.dataType ?? null,
        periodicity: body.periodicity ?? null,
        ordinality: body.ordinality ?? null,
        start_date_time: instant(body.startDateTime),
        end_date_time: instant(body.endDateTime),
        utc_offset_minutes: utcOffsetMinutes(body.startDateTime),
        local_date: localDate(body.startDateTime),
        end_utc_offset_minutes: utcOffsetMinutes(body.endDateTime),
        created_at_utc: instant(body.createdAtUtc),
        version: body.version ?? null,
      },
    ]),
  ],
})
