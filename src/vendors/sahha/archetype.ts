import { Type } from '@sinclair/typebox'
import { defineEvent } from '../../ingest/event.ts'
import { Id, Integer, Maybe, Text } from '../../ingest/schema.ts'
import { into } from '../../tables/target.ts'
import {
  periodColumns,
  periodFields,
  profileColumns,
  profileFields,
  revisionColumns,
  revisionFields,
} from './fields.ts'
import { archetypes } from './tables/archetypes.ts'

const Archetype = Type.Object(
  {
    id: Id(),
    ...profileFields,
    name: Text({ description: 'activity_level, chronotype, sleep_pattern, …' }),
    value: Maybe(Text({ description: 'early_bird, night_owl, highly_active, …' })),
    dataType: Maybe(Text({ description: 'ordinal, categorical, string' })),
    periodicity: Maybe(Text({ description: 'daily, weekly, monthly' })),
    ordinality: Maybe(Integer({ description: 'Rank, from 0' })),
    ...periodFields,
    ...revisionFields,
  },
  { title: 'Archetype' },
)

export const archetype = defineEvent({
  name: 'ArchetypeCreatedIntegrationEvent',
  schema: Archetype,
  normalise: (body) => [
    into(archetypes, [
      {
        ...profileColumns(body),
        id: body.id,
        name: body.name,
        value: body.value ?? null,
        data_type: body.dataType ?? null,
        periodicity: body.periodicity ?? null,
        ordinality: body.ordinality ?? null,
        ...periodColumns(body),
        ...revisionColumns(body),
      },
    ]),
  ],
})
