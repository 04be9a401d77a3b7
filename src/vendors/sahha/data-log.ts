import { type Static, Type } from '@sinclair/typebox'
import { defineEvent } from '../../contract/event.ts'
import { instant, localDate, utcOffsetMinutes } from '../../contract/instant.ts'
import { jsonText } from '../../contract/json.ts'
import {
  Decimal,
  eachRecord,
  Id,
  Instant,
  JsonMap,
  Maybe,
  OpenEnum,
  Records,
  Text,
} from '../../contract/schema.ts'
import { rowsFor } from '../../tables/target.ts'
import { dataLogExample } from './examples.ts'
import { periodFields, profileFields } from './fields.ts'
import { dataLogs } from './tables/data-logs.ts'

const Sample = Type.Object({
  id: Id(),
  parentId: Maybe(Text({ description: 'The record that the sample is part of' })),
  value: Maybe(Decimal()),
  unit: Maybe(Text()),
  source: Maybe(Text({ description: 'Device or app' })),
  recordingMethod: Maybe(Text()),
  deviceType: Maybe(Text()),
  ...periodFields,
  additionalProperties: Maybe(JsonMap()),
})

const LOG_TYPES = [
  ...['activity', 'sleep', 'heart', 'body', 'energy', 'exercise', 'blood', 'oxygen', 'temperature', 'device'],
  ...['demographic', 'nutrition', 'reproductive'],
]

const DataLog = Type.Object(
  {
    logType: Maybe(OpenEnum(LOG_TYPES, { maxLength: 255 })),
    dataType: Id({ description: 'steps, heart_rate, sleep_stage_deep, …' }),
    ...profileFields,
    receivedAtUtc: Maybe(Instant({ description: 'When Sahha received the batch' })),
    dataLogs: Records(Sample, { description: 'A sample without an id has no row' }),
  },
  { title: 'DataLog' },
)

export const dataLog = defineEvent({
  name: 'DataLogReceivedIntegrationEvent',
  schema: DataLog,
  example: dataLogExample,
  createdAt: (body) => body.receivedAtUtc,
  normalise: (body) => {
    const receivedAt = instant(body.receivedAtUtc)
    return [
      rowsFor(
        dataLogs,
        eachRecord(body.dataLogs, (sample) => sampleRow(body, receivedAt, sample)),
      ),
    ]
  },
})

function sampleRow(body: Static<typeof DataLog>, receivedAt: string | null, sample: Static<typeof Sample>) {
  return {
    profile_id: body.profileId,
    id: sample.id,
    account_id: body.accountId ?? null,
    external_id: body.externalId ?? null,
    log_type: body.logType ?? null,
    data_type: body.dataType,
    received_at_utc: receivedAt,
    parent_id: sample.parentId ?? null,
    value: sample.value ?? null,
    unit: sample.unit ?? null,
    source: sample.source ?? null,
    recording_method: sample.recordingMethod ?? null,
    device_type: sample.deviceType ?? null,
    start_date_time: instant(sample.startDateTime),
    end_date_time: instant(sample.endDateTime),
    utc_offset_minutes: utcOffsetMinutes(sample.startDateTime),
    local_date: localDate(sample.startDateTime),
    end_utc_offset_minutes: utcOffsetMinutes(sample.endDateTime),
    additional_properties: sample.additionalProperties ? jsonText(sample.additionalProperties) : null,
  }
}
