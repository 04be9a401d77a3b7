/** Small valid bodies, for tests that are not about a body's content. */

export const biomarker = (fields: object = {}) => ({
  id: 'biomarker-1',
  profileId: 'profile-1',
  externalId: 'user-1',
  type: 'steps',
  value: '1',
  ...fields,
})

export const score = (fields: object = {}) => ({
  id: 'score-1',
  profileId: 'profile-1',
  externalId: 'user-1',
  type: 'sleep',
  score: 0.5,
  scoreDateTime: '2025-01-22T00:00:00Z',
  ...fields,
})

export const archetype = (fields: object = {}) => ({
  id: 'archetype-1',
  profileId: 'profile-1',
  externalId: 'user-1',
  name: 'chronotype',
  dataType: 'string',
  ...fields,
})

export const dataLog = (samples: object[], fields: object = {}) => ({
  logType: 'activity',
  dataType: 'steps',
  profileId: 'profile-1',
  externalId: 'user-1',
  dataLogs: samples,
  ...fields,
})

export const USER = 'G-user-1'

export const inference = (data: object = {}) => ({
  event: 'INFERENCE_COMPLETE',
  version: 'V3',
  data: {
    user_id: USER,
    session_id: 'session-1',
    seq_num: 9,
    inference_seq_num: 0,
    sleep_stages: [0, 1],
    ...data,
  },
})

export const session = (fields: object = {}, data: object = {}) => ({
  event: 'SESSION_COMPLETE',
  version: 'V3',
  data: {
    user_id: USER,
    session: { id: 'session-1', state: 'COMPLETE', start_time: '2025-01-15T02:50:29+00:00', ...fields },
    ...data,
  },
})
