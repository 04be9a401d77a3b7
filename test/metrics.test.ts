import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { biomarker, dataLog, inference, score, session, USER } from './setup/bodies.ts'
import { metricsOf, type Samples } from './setup/metrics.ts'
import { ASLEEP_KEY, SAHHA_KEY, setup, signed, type TestService } from './setup/service.ts'

let service: TestService
beforeAll(async () => {
  service = await setup()
})
afterAll(() => service.close())

const BIOMARKER = { vendor: 'sahha', event: 'BiomarkerCreatedIntegrationEvent' }
const INFERENCE = { vendor: 'asleep', event: 'INFERENCE_COMPLETE' }
const SESSION = { vendor: 'asleep', event: 'SESSION_COMPLETE' }

let before: Samples
beforeEach(async () => {
  before = await metricsOf(service.app)
})

/** By how much a sample grew in the course of a test. */
async function grown(name: string, labels: object): Promise<number> {
  return ((await metricsOf(service.app)).get(name, labels) ?? 0) - (before.get(name, labels) ?? 0)
}

describe('deliveries', () => {
  it('are counted by vendor, event and outcome', async () => {
    const body = biomarker({ id: 'counted', category: 'sleep' })
    await service.sahha(body)
    await service.sahha(body)
    await service.sahha(biomarker({ id: 7 }), BIOMARKER.event)
    await service.sahha(biomarker({ id: 'other' }), 'SomethingElse')
    const outcome = (outcome: string) => grown('nightpost_deliveries_total', { ...BIOMARKER, outcome })
    expect([await outcome('stored'), await outcome('duplicate'), await outcome('rejected')]).toEqual([
      1, 1, 1,
    ])
    expect(
      await grown('nightpost_deliveries_total', {
        vendor: 'sahha',
        event: 'unknown',
        outcome: 'unrecognised',
      }),
    ).toBe(1)
    expect(await grown('nightpost_commit_lag_seconds_count', { vendor: 'sahha' })).toBe(4)
    expect(
      await grown('nightpost_request_seconds_count', {
        method: 'POST',
        route: '/webhooks/sahha',
        status: '422',
      }),
    ).toBe(1)
    expect(await grown('nightpost_group_deliveries_sum', {})).toBe(4)
  })

  it('are measured by the lag of the vendor, which is 0 if its clock is ahead', async () => {
    const made = (ms: number) => new Date(Date.now() - ms).toISOString()
    await service.sahha(biomarker({ id: 'late', category: 'c', createdAtUtc: made(100_000) }))
    await service.sahha(biomarker({ id: 'ahead', category: 'c', createdAtUtc: made(-100_000) }))
    await service.sahha(biomarker({ id: 'unsaid', category: 'c' }))
    expect(await grown('nightpost_vendor_lag_seconds_count', BIOMARKER)).toBe(2)
    const sum = await grown('nightpost_vendor_lag_seconds_sum', BIOMARKER)
    expect(sum).toBeGreaterThan(99)
    expect(sum).toBeLessThan(110)
  })
})

describe('a refused credential', () => {
  it.each([
    ['asleep', {}, 'missing'],
    ['asleep', { 'x-api-key': 'nobody' }, 'x-api-key wrong'],
    ['asleep', { 'x-signature': 'aa' }, 'missing'],
    ['sahha', { 'x-signature': 'aa' }, 'x-signature wrong'],
    ['sahha', { 'x-signature': 'aa', 'x-api-key': SAHHA_KEY }, 'x-signature wrong'],
    ['sahha', { ...signed(biomarker()), 'x-api-key': 'nobody' }, 'x-api-key wrong'],
  ] as const)('of %s, %j is counted as %s', async (vendor, headers, reason) => {
    await service.post(vendor, headers as never, biomarker())
    expect(await grown('nightpost_authentication_failures_total', { vendor, reason })).toBe(1)
    const now = await metricsOf(service.app)
    const last = now.get('nightpost_last_authentication_failure_timestamp_seconds', { vendor, reason })
    expect(last).toBeGreaterThan(Date.now() / 1000 - 5)
  })

  it('of a kind without a configured credential is counted as not configured', async () => {
    const keyless = await setup({ SAHHA_WEBHOOK_SECRETS: '' })
    await keyless.post('sahha', signed(biomarker()), biomarker())
    const reason = 'x-signature not configured'
    const samples = await metricsOf(keyless.app)
    expect(samples.get('nightpost_authentication_failures_total', { vendor: 'sahha', reason })).toBe(1)
    await keyless.close()
  })
})

describe('silence', () => {
  const silence = async (app = service.app) =>
    (await metricsOf(app)).get('nightpost_silence_seconds', INFERENCE)

  it('ends only with a stored delivery, and continues across a restart', async () => {
    const own = await setup()
    expect(await silence(own.app)).toBeUndefined()
    await own.asleep(inference({ inference_seq_num: null }), USER)
    expect(await silence(own.app)).toBeUndefined()
    await own.asleep(inference(), USER)
    expect(await silence(own.app)).toBeLessThan(5)
    await own.db.query(`update deliveries set received_at = now() - interval '25 hours'`)

    const again = await own.restart()
    expect(await silence(again)).toBeGreaterThan(25 * 3600 - 5)
    await again.inject({
      method: 'POST',
      url: '/webhooks/asleep',
      headers: { 'content-type': 'application/json', 'x-api-key': ASLEEP_KEY, 'x-user-id': USER },
      payload: inference({ session_id: 'another' }),
    })
    expect(await silence(again)).toBeLessThan(5)
    expect((await metricsOf(again)).get('nightpost_silence_seconds', SESSION)).toBeUndefined()
    await own.close()
  })
})

describe('schema drift', () => {
  const field = (labels: object, path: string) => grown('nightpost_unknown_fields_total', { ...labels, path })
  const value = (labels: object, path: string) => grown('nightpost_unknown_values_total', { ...labels, path })

  it('counts bodies by the path of an unknown field, and shows its name once three owners have it', async () => {
    for (let n = 1; n <= 4; n += 1) {
      await service.asleep(
        session({ id: `drift-${n}` }, { user_id: `drift-${n}`, stat: { lucid_index: 1 } }),
        `drift-${n}`,
      )
    }
    expect(await field(SESSION, 'data.stat.*')).toBe(2)
    expect(await field(SESSION, 'data.stat.lucid_index')).toBe(2)
  })

  it('never shows a name that only one owner has, or that does not look like a field name', async () => {
    const names = ['2025-01-22', 'user@example.org', 'depression episode', 'x'.repeat(41), '', '__proto__']
    for (const profileId of ['drift-a', 'drift-b', 'drift-c', 'drift-d']) {
      const fields = Object.fromEntries(names.map((name) => [name, 1]))
      const own = { [`diagnosis_${profileId.at(-1)}`]: true }
      await service.sahha({ ...biomarker({ id: profileId, profileId }), ...fields, ...own }, BIOMARKER.event)
    }
    expect(await field(BIOMARKER, '*')).toBe(4 * (names.length + 1))
    const { text } = await metricsOf(service.app)
    for (const name of ['diagnosis', 'depression', '2025-01-22', 'example.org', 'xxxx']) {
      expect(text).not.toContain(name)
    }
  })

  it('has a bounded cardinality for any bodies', async () => {
    const own = await setup()
    for (let owner = 0; owner < 3; owner += 1) {
      for (let body = 0; body < 30; body += 1) {
        const names = Array.from({ length: 10 }, (_, n) => [`field_${body}_${n}`, n])
        const fields = { id: `${owner}-${body}`, profileId: `many-${owner}`, ...Object.fromEntries(names) }
        await own.sahha(biomarker(fields), BIOMARKER.event)
      }
    }
    const paths = (await metricsOf(own.app)).all('nightpost_unknown_fields_total')
    expect(paths.length).toBeGreaterThan(100)
    expect(paths.length).toBeLessThanOrEqual(201)
    await own.close()
  })

  it('has one path for all elements of an array, and counts a body once for each path', async () => {
    const samples = Array.from({ length: 1000 }, (_, n) => ({ id: `d-${n}`, mood: n, tags: [{ a: 1 }] }))
    await service.sahha(dataLog(samples, { profileId: 'drift-e' }))
    const event = { vendor: 'sahha', event: 'DataLogReceivedIntegrationEvent' }
    expect(await field(event, 'dataLogs[].*')).toBe(2)
  })

  it('does not count the content of a free map, or null', async () => {
    await service.sahha(
      dataLog([{ id: 'free', additionalProperties: { Anything: { at: 'all' } }, unit: null }]),
    )
    await service.sahha(score({ state: null, factors: null }))
    const { text } = await metricsOf(service.app)
    expect(text).not.toContain('Anything')
    expect(await value({ vendor: 'sahha', event: 'ScoreCreatedIntegrationEvent' }, 'state')).toBe(0)
  })

  it('counts undocumented values by their field, and never shows the values', async () => {
    await service.sahha(score({ state: 'severe_depression', factors: [{ state: 'odd' }, { state: 'low' }] }))
    await service.asleep(inference({ session_id: 'codes', sleep_stages: [0, 1, 2, 3, -1, 4] }), USER)
    await service.asleep(session({ id: 'p' }, { peculiarities: ['NEVER_SLEPT', 'SLEPT_ON_THE_MOON'] }), USER)
    const SCORE = { vendor: 'sahha', event: 'ScoreCreatedIntegrationEvent' }
    expect(await value(SCORE, 'state')).toBe(1)
    expect(await value(SCORE, 'factors[].state')).toBe(1)
    expect(await value(INFERENCE, 'data.sleep_stages[]')).toBe(1)
    expect(await value(SESSION, 'data.peculiarities[]')).toBe(1)
    expect((await metricsOf(service.app)).text).not.toMatch(/severe|odd"|MOON/)
  })

  it('is counted only for stored bodies', async () => {
    await service.sahha(score({ id: 7, state: 'odd', extra: 1 }), 'ScoreCreatedIntegrationEvent')
    const stored = score({ id: 'twice', state: 'odd' })
    await service.sahha(stored)
    await service.sahha(stored)
    const SCORE = { vendor: 'sahha', event: 'ScoreCreatedIntegrationEvent' }
    expect(await value(SCORE, 'state')).toBe(1)
    expect(await field(SCORE, '*')).toBe(0)
  })
})

describe('GET /metrics', () => {
  it('has the queue, the writers, the pool and the readiness of each part', async () => {
    const samples = await metricsOf(service.app)
    expect(samples.get('nightpost_queue_deliveries', {})).toBe(0)
    expect(samples.get('nightpost_queue_limit_deliveries', {})).toBe(10_000)
    // Exposed before the first one: Prometheus does not see the first increase of a new series.
    expect(samples.get('nightpost_shed_requests_total', { reason: 'heap' })).toBe(0)
    expect(samples.get('nightpost_writers', {})).toBe(2)
    expect(samples.get('nightpost_pool_waiting', {})).toBe(0)
    for (const part of ['database', 'schema', 'queue']) {
      expect(samples.get('nightpost_ready', { part })).toBe(1)
    }
    expect(samples.get('nightpost_vendor_configured', { vendor: 'asleep' })).toBe(1)
  })

  it('answers while the database is down, and reports that', async () => {
    const down = await setup()
    await down.db.drop()
    const headers = { 'x-api-key': ASLEEP_KEY, 'x-user-id': USER }
    expect(await down.post('asleep', headers, inference())).toMatchObject({ status: 503 })
    const samples = await metricsOf(down.app)
    expect(samples.get('nightpost_ready', { part: 'database' })).toBe(0)
    expect(samples.get('nightpost_ready', { part: 'queue' })).toBe(1)
    expect(samples.get('nightpost_deliveries_total', { ...INFERENCE, outcome: 'unavailable' })).toBe(1)
    await down.app.close()
  })

  it('requires the token if one is configured', async () => {
    const own = await setup({ METRICS_TOKEN: 'metrics-test-token' })
    const get = (authorization?: string) =>
      own.app.inject({ url: '/metrics', headers: authorization ? { authorization } : {} })
    expect((await get()).statusCode).toBe(401)
    expect((await get('Bearer other')).statusCode).toBe(401)
    expect((await get('Bearer metrics-test-token')).statusCode).toBe(200)
    await own.close()
  })
})

describe('GET /status', () => {
  it('has the same numbers as the metrics, as JSON', async () => {
    const own = await setup()
    await own.post('asleep', { 'x-api-key': 'nobody' }, inference())
    const answer = await own.app.inject('/status')
    expect(answer.headers['content-type']).toContain('application/json')
    expect(answer.json()).toEqual({
      parts: { database: 'ok', schema: 'ok', queue: 'ok' },
      queue: {
        deliveries: { now: 0, limit: 10_000 },
        bytes: { now: 0, limit: 67_108_864 },
        rows: { now: 0, limit: 200_000 },
      },
      refused: [{ vendor: 'asleep', reason: 'x-api-key wrong', count: 1, last_at: expect.any(String) }],
      clock_skew_seconds: expect.any(Number),
      online_steps: [],
      shed: { bytes: 0, unproven: 0, unpacking: 0, heap: 0, 'event loop': 0 },
    })
    const [{ last_at }] = answer.json().refused
    expect(Math.abs(Date.now() - Date.parse(last_at))).toBeLessThan(5000)
    await own.close()
  })

  it('is protected like /metrics: by the token, or in production by the own network', async () => {
    const status = async (overrides: object, options: object) => {
      const own = await setup({ NODE_ENV: 'production', ...overrides })
      const { statusCode, body } = await own.app.inject({ url: '/status', ...options })
      await own.close()
      if (statusCode === 401) expect(body).not.toContain('queue')
      return statusCode
    }
    const token = { METRICS_TOKEN: 'metrics-test-token' }
    expect(await status(token, {})).toBe(401)
    expect(await status(token, { headers: { authorization: 'Bearer metrics-test-token' } })).toBe(200)
    expect(await status({}, { remoteAddress: '10.1.2.3' })).toBe(200)
    expect(await status({}, { remoteAddress: '203.0.113.9' })).toBe(401)
  })
})
