import { Type } from '@sinclair/typebox'
import { defineEvent } from '../../contract/event.ts'
import { instant, localDate, utcOffsetMinutes } from '../../contract/instant.ts'
import { Id, Maybe, numberText, OpenEnum, Text } from '../../contract/schema.ts'
import { rowsFor } from '../../tables/target.ts'
import { biomarkerExample } from './examples.ts'
import { periodFields, profileFields, revisionFields } from './fields.ts'
import { biomarkers } from './tables/biomarkers.ts'

const Biomarker = Type.Object(
  {
    id: Id(),
    ...profileFields,
    category: Maybe(OpenEnum(['activity', 'sleep', 'body', 'vitals', 'engagement'])),
    type: Text({ description: 'steps, heart_rate_resting, sleep_duration, …' }),
    periodicity: Maybe(OpenEnum(['daily', 'weekly', 'monthly', 'none', 'intraday', 'quarterly'])),
    aggregation: Maybe(OpenEnum(['total', 'average', 'maximum', 'minimum', 'none'])),
    value: Maybe(Text({ description: 'Text, for precision; a JSON number is stored as NULL' })),
    unit: Maybe(Text()),
    valueType: Maybe(OpenEnum(['integer', 'float', 'boolean', 'string', 'double', 'datetime'])),
    ...periodFields,
    ...revisionFields,
  },
  { title: 'Biomarker' },
)

export const biomarker = defineEvent({
  name: 'BiomarkerCreatedIntegrationEvent',
  schema: Biomarker,
  example: biomarkerExample,
  createdAt: (body) => body.createdAtUtc,
  normalise: (body) => [
    rowsFor(biomarkers, [
      {
        profile_id: body.profileId,
        id: body.id,
        account_id: body.accountId ?? null,
        external_id: body.externalId ?? null,
        category: body.category ?? null,
        type: body.type,
        periodicity: body.periodicity ?? null,
        aggregation: body.aggregation ?? null,
        value: body.value ?? null,
        value_number: body.value ? numberText(body.value) : null,
        unit: body.unit ?? null,
        value_type: body.valueType ?? null,
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
