import { jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { decimal, instant, type JsonText, provenance, provenanceComments } from '../../../tables/columns.ts'
import { target } from '../../../tables/target.ts'
import { period, periodComments, profile, profileComments } from './columns.ts'

export const dataLogsTable = pgTable(
  'data_logs',
  {
    ...profile,
    log_type: text(),
    data_type: text().notNull(),
    received_at_utc: instant(),
    parent_id: text(),
    value: decimal(),
    unit: text(),
    source: text(),
    recording_method: text(),
    device_type: text(),
    ...period,
    additional_properties: jsonb().$type<JsonText>(),
    ...provenance,
  },
  // A blood pressure's systolic and diastolic sample have one id, and so may others.
  (t) => [primaryKey({ columns: [t.profile_id, t.data_type, t.id] })],
)

export const dataLogs = target(dataLogsTable, {
  about: 'Raw samples from the devices (DataLogReceivedIntegrationEvent), one row per sample, newest kept.',
  newest: ['received_at_utc'],
  formerKey: ['profile_id', 'id'],
  comments: {
    ...profileComments,
    id: 'dataLogs[].id: the sample; opaque text, unique together with profile_id and data_type.',
    log_type:
      'logType: activity, sleep, heart, body, energy, exercise, blood, oxygen, temperature, device, ….',
    data_type: 'dataType: for example steps, heart_rate, sleep_stage_deep.',
    received_at_utc: 'receivedAtUtc: when Sahha received the batch; the newest batch of a sample is kept.',
    parent_id: "dataLogs[].parentId: the record that the sample is part of; NULL or '' where there is none.",
    value: 'dataLogs[].value: the measurement, in unit.',
    unit: 'dataLogs[].unit: of value; differs by platform for one type, so never assume it.',
    source: 'dataLogs[].source: the device or app that recorded the sample.',
    recording_method: 'dataLogs[].recordingMethod: automatic, manual and so on; several spellings exist.',
    device_type: 'dataLogs[].deviceType: device model.',
    ...periodComments,
    additional_properties: 'dataLogs[].additionalProperties: extra facts, keys and values as they were sent.',
    ...provenanceComments,
  },
})
