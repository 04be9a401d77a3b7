import { createHmac } from 'node:crypto'

/** The credentials in the configuration of every service in a chaos run. */
export const credentials = { ASLEEP_API_KEYS: 'chaos-key', SAHHA_WEBHOOK_SECRETS: 'chaos-secret' }

export interface WebhookRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * Request number `n`; the same number always gives the same bytes. Consecutive numbers give six kinds of event. Each
 * record has two requests, six numbers apart, and for a third of the records the second is the older revision. There
 * are only 40 owners, so that concurrent requests often write the same owner's rows.
 */
export function numberedRequest(n: number): WebhookRequest {
  const record = Math.floor(n / (2 * kinds.length))
  const isUpdate = n % (2 * kinds.length) >= kinds.length
  const minute = isUpdate && record % 3 === 0 ? 0 : 10 + (isUpdate ? 1 : 0)
  const kind = kinds[n % kinds.length] as (revision: Revision) => WebhookRequest
  return kind({ n, record, owner: `owner-${record % 40}`, createdAt: `2025-01-22T18:${minute || '09'}:00Z` })
}

interface Revision {
  readonly n: number
  readonly record: number
  readonly owner: string
  /** The vendor's time of this revision. */
  readonly createdAt: string
}

const day = { startDateTime: '2025-01-22T00:00:00+13:00', endDateTime: '2025-01-22T23:59:59+13:00' }

const kinds = [
  ({ n, record, owner, createdAt }: Revision) =>
    sahha('BiomarkerCreatedIntegrationEvent', owner, {
      ...{ id: `biomarker-${record}`, category: 'activity', type: 'steps', value: `${n}`, unit: 'count' },
      ...{ createdAtUtc: createdAt, version: 1, ...day },
    }),
  ({ n, record, owner, createdAt }: Revision) =>
    sahha('ScoreCreatedIntegrationEvent', owner, {
      ...{ id: `score-${record}`, type: 'sleep', score: n, scoreDateTime: day.startDateTime },
      factors: Array.from({ length: n % 8 }, (_, at) => ({ name: `factor ${at} of ${n}`, value: at })),
      ...{ createdAtUtc: createdAt, version: 1 },
    }),
  ({ n, record, owner, createdAt }: Revision) =>
    sahha('DataLogReceivedIntegrationEvent', owner, {
      // The id of a sample is one for several types.
      ...{ logType: 'activity', dataType: n % 5 === 0 ? 'distance' : 'steps', receivedAtUtc: createdAt },
      dataLogs: Array.from({ length: 1 + (n % 40) }, (_, at) => ({
        ...{ id: `sample-${record}-${at}`, value: n, unit: 'count', ...day },
      })),
    }),
  ({ n, record, owner }: Revision) =>
    asleep(owner, 'SESSION_COMPLETE', {
      session: {
        ...{ id: `session-${record}`, state: `${n}`, start_time: '2025-01-15T22:50:29+09:00' },
        sleep_stages: Array.from({ length: 1 + (n % 100) }, (_, at) => at % 4),
        snoring_stages: n % 4 === 0 ? null : [0, 1, n % 1000],
      },
      stat: n % 5 === 0 ? null : { sleep_index: n % 1000, sleep_latency: null, time_in_sleep: 0 },
    }),
  ({ n, record, owner }: Revision) =>
    asleep(owner, 'INFERENCE_COMPLETE', {
      ...{ session_id: `session-${record}`, seq_num: 39, inference_seq_num: record % 4 },
      ...{ sleep_stages: [0, 1, 2, 3, n % 1000], snoring_stages: [0, n % 1000] },
    }),
  ({ n, record, owner, createdAt }: Revision) =>
    sahha('ArchetypeCreatedIntegrationEvent', owner, {
      ...{ id: `archetype-${record}`, name: 'chronotype', value: `${n}`, dataType: 'string', ordinality: 0 },
      ...{ createdAtUtc: createdAt, version: 1.1, ...day },
    }),
]

function sahha(event: string, owner: string, fields: object): WebhookRequest {
  const body = JSON.stringify({ profileId: owner, externalId: owner, ...fields })
  const signature = createHmac('sha256', credentials.SAHHA_WEBHOOK_SECRETS).update(body).digest('hex')
  return {
    path: '/webhooks/sahha',
    headers: { 'x-signature': signature, 'x-external-id': owner, 'x-event-type': event },
    body,
  }
}

function asleep(owner: string, event: string, data: object): WebhookRequest {
  return {
    path: '/webhooks/asleep',
    headers: { 'x-api-key': credentials.ASLEEP_API_KEYS, 'x-user-id': owner },
    body: JSON.stringify({ event, version: 'V3', data: { user_id: owner, ...data } }),
  }
}
