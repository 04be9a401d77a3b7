import { type Static, Type } from '@sinclair/typebox'
import { defineEvent } from '../../ingest/event.ts'
import { instant } from '../../ingest/instant.ts'
import { jsonText } from '../../ingest/json.ts'
import { Decimal, Id, Instant, JsonMap, Maybe, Text } from '../../ingest/schema.ts'
import { into } from '../../tables/target.ts'
import { periodColumns, periodFields, profileColumns, profileFields } from './fields.ts'
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

const DataLog = Type.Object(
  {
    logType: Maybe(Text({ description: 'activity, sleep, heart, body, energy, exercise, blood, …' })),
    dataType: Text({ description: 'steps, heart_rate, sleep_stage_deep, …' }),
    ...profileFields,
    receivedAtUtc: Maybe(Instant({ description: 'When Sahha received the batch' })),
    dataLogs: Type.Array(Sample),
  },
  { title: 'DataLog' },
)

export const dataLog = defineEvent({
  name: 'DataLogReceivedIntegrationEvent',
  schema: DataLog,
  normalise: (body) => {
    const batch = {
      ...profileColumns(body),
      log_type: body.logType ?? null,
      data_type: body.dataType,
      received_at_utc: instant(body.receivedAtUtc),
    }
    return [
      into(
        dataLogs,
        body.dataLogs.map((sample) => ({ ...batch, ...sampleColumns(sample) })),
      ),
    ]
  },
})

function sampleColumns(sample: Static<typeof Sample>) {
  return {
    id: sample.id,
    parent_id: sample.parentId ?? null,
    value: sample.value ?? null,
    unit: sample.unit ?? null,
    source: sample.source ?? null,
    recording_method: sample.recordingMethod ?? null,
    device_type: sample.deviceType ?? null,
    ...periodColumns(sample),
    additional_properties: sample.additionalProperties ? jsonText(sample.additionalProperties) : null,
  }
}
