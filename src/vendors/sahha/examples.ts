/** Invented data, as Sahha would send it. */

const whose = {
  profileId: 'c9bf9e57-1685-4c89-bafb-ff5af830be8a',
  accountId: 'a3c1e8d2-4f6b-4a9c-8e7d-2b5f1c3a9e6b',
  externalId: 'user_12345',
}

export const scoreExample = {
  id: 'f47ac10b-58cc-4372-a567-0e02b2c3d479',
  ...whose,
  type: 'sleep',
  state: 'high',
  score: 0.85,
  factors: [
    {
      id: 'sleep_duration',
      name: 'sleep_duration',
      value: 7.5,
      goal: 8,
      score: 0.94,
      state: 'high',
      unit: 'hour',
    },
  ],
  dataSources: ['age', 'sleep'],
  scoreDateTime: '2025-01-22T00:00:00+00:00',
  createdAtUtc: '2025-01-22T06:30:00Z',
  version: 1.1,
}

export const biomarkerExample = {
  id: 'b2c3d4e5-f6a7-8901-bcde-f23456789012',
  ...whose,
  category: 'activity',
  type: 'steps',
  periodicity: 'daily',
  aggregation: 'total',
  value: '8547',
  unit: 'count',
  valueType: 'integer',
  startDateTime: '2025-01-22T00:00:00+00:00',
  endDateTime: '2025-01-22T23:59:59+00:00',
  createdAtUtc: '2025-01-22T18:30:00Z',
  version: 1.0,
}

export const archetypeExample = {
  id: 'd4e5f6a7-b8c9-0123-def4-567890123456',
  ...whose,
  name: 'chronotype',
  value: 'early_bird',
  dataType: 'categorical',
  periodicity: 'weekly',
  ordinality: 0,
  startDateTime: '2025-01-15T00:00:00Z',
  endDateTime: '2025-01-22T00:00:00Z',
  createdAtUtc: '2025-01-22T06:00:00Z',
  version: 1.0,
}

export const dataLogExample = {
  logType: 'activity',
  dataType: 'steps',
  ...whose,
  receivedAtUtc: '2025-01-22T14:30:00Z',
  dataLogs: [
    {
      id: 'e5f6a7b8-c9d0-1234-ef56-789012345678',
      parentId: null,
      value: 1250,
      unit: 'count',
      source: 'iPhone 15 Pro',
      recordingMethod: 'RECORDING_METHOD_AUTOMATICALLY_RECORDED',
      deviceType: 'iPhone16,1',
      startDateTime: '2025-01-22T09:00:00+00:00',
      endDateTime: '2025-01-22T10:00:00+00:00',
      additionalProperties: {},
    },
  ],
}
