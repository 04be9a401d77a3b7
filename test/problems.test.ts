import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sahha } from '../src/vendors/sahha/index.ts'
import { biomarkers } from '../src/vendors/sahha/tables/biomarkers.ts'
import { biomarker, dataLog, inference, session, USER } from './setup/bodies.ts'
import { setup, type TestService } from './setup/service.ts'

let service: TestService
beforeAll(async () => {
  service = await setup({ BODY_LIMIT_BYTES: '4096' })
})
afterAll(() => service.close())

async function ledgerEntry(deliveryId: string | undefined) {
  const [row] = await service.db.query(
    `select outcome, problem, encode(b.body, 'hex') as body from deliveries join delivery_bodies as b using (delivery_id)
      where delivery_id = $1`,
    [deliveryId],
  )
  return (
    row && { ...row, body: Buffer.from(row.body ?? '', 'hex'), problem: JSON.parse(row.problem ?? 'null') }
  )
}

describe('malformed_json', () => {
  const NOT_JSON: Array<[string, string | Buffer]> = [
    ['no body at all', ''],
    ['text', 'hello'],
    ['half an object', '{"id": "x"'],
    ['a trailing comma', '{"id": "x",}'],
    ['an array', '[{"id": "x"}]'],
    ['a number', '7'],
    ['null', 'null'],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['UTF-16', Buffer.from('{"id": "x"}', 'utf16le')],
    ['a raw NUL', '{"id": "\u0000"}'],
    ['NaN', '{"id": NaN}'],
  ]

  it.each(NOT_JSON)('%s gets 400 and is stored as rejected', async (_name, body) => {
    const answer = await service.sahha(body)
    expect(answer).toMatchObject({ status: 400, json: { code: 'malformed_json', status: 400 } })
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(await ledgerEntry(answer.json.delivery_id)).toMatchObject({
      outcome: 'rejected',
      problem: { code: 'malformed_json' },
      body: Buffer.from(body as string),
    })
  })
})

/** A biomarker in which every optional field has a value of a wrong type. */
const ALL_OPTIONAL_FIELDS_WRONG = biomarker({
  ...{ accountId: 1, externalId: [], category: {}, periodicity: 1, aggregation: false, value: 72, unit: 0 },
  ...{ valueType: 1, startDateTime: 'soon', endDateTime: 5, createdAtUtc: {}, version: 'x' },
})

let made = 0
const withTime = (fields: object) => biomarker({ id: `time-${++made}`, category: 'c', ...fields })

describe('invalid_body', () => {
  const INVALID: Array<[string, object, string, string]> = [
    ['a number as key', biomarker({ id: 8547 }), '/id', 'string'],
    ['a list as name', biomarker({ type: ['steps'] }), '/type', 'string'],
    ['a missing key', biomarker({ id: undefined, category: 'x' }), '/id', 'Required'],
    ['an empty key', biomarker({ id: '' }), '/id', 'length'],
    ['a key too long for an index', biomarker({ id: 'x'.repeat(256) }), '/id', 'length'],
    ['a null key', biomarker({ profileId: null }), '/profileId', 'string'],
    ['text as list', dataLog([], { dataLogs: 'none' }), '/dataLogs', 'array'],
    ['null as list element', dataLog([null as never]), '/dataLogs/0', 'object'],
    ['a missing list', dataLog([], { dataLogs: undefined }), '/dataLogs', 'Required'],
    [
      'a wrong key among wrong optional fields reports only the key',
      { ...ALL_OPTIONAL_FIELDS_WRONG, id: 7 },
      '/id',
      'string',
    ],
  ]

  it.each(INVALID)(
    '%s gets 422 with its path and is stored as rejected',
    async (_name, body, path, expectation) => {
      const answer = await service.sahha(
        body,
        'logType' in body ? 'DataLogReceivedIntegrationEvent' : 'BiomarkerCreatedIntegrationEvent',
      )
      expect(answer).toMatchObject({ status: 422, json: { code: 'invalid_body', title: expect.any(String) } })
      expect(answer.json.errors).toEqual([{ path, message: expect.stringContaining(expectation) }])
      expect(await ledgerEntry(answer.json.delivery_id)).toMatchObject({
        outcome: 'rejected',
        problem: { code: 'invalid_body', errors: [{ path }] },
        body: Buffer.from(JSON.stringify(body)),
      })
    },
  )

  const INVALID_ASLEEP: Array<[string, object, string]> = [
    ['no chunk number', inference({ inference_seq_num: null }), '/data/inference_seq_num'],
    ['no session', { event: 'SESSION_COMPLETE', data: { user_id: USER } }, '/data/session'],
    ['no session id', session({ id: null }), '/data/session/id'],
    ['no data', { event: 'SESSION_COMPLETE' }, '/data'],
    ['no user', { event: 'INFERENCE_COMPLETE', data: {} }, '/data/user_id'],
    ['data of a wrong type', { callback_event: 'INFERENCE_COMPLETE', callback_data: 'x' }, '/callback_data'],
    ['a session of a wrong type', session({}, { session: 'x' }), '/data/session'],
    [
      'a session id of a wrong type and a valid data.session_id',
      session({ id: 7 }, { session_id: 's' }),
      '/data/session/id',
    ],
    [
      'a session id of a wrong type in sleep_data',
      {
        callback_event: 'SESSION_COMPLETE',
        callback_data: { user_id: USER, session_id: 's', sleep_data: { session: { id: 7 } } },
      },
      '/callback_data/sleep_data/session/id',
    ],
  ]

  it.each(INVALID_ASLEEP)(
    'an Asleep body with %s gets 422 with its path and is stored as rejected',
    async (_name, body, path) => {
      const answer = await service.asleep(body, USER)
      expect(answer).toMatchObject({ status: 422, json: { code: 'invalid_body' } })
      expect((answer.json.errors as Array<{ path: string }>).map((error) => error.path)).toContain(path)
      expect(await ledgerEntry(answer.json.delivery_id)).toMatchObject({
        outcome: 'rejected',
        body: Buffer.from(JSON.stringify(body)),
      })
    },
  )

  it('names paths and no values', async () => {
    const secret = 'diagnosis-of-the-user'
    const answers = [
      await service.sahha(
        biomarker({ id: 5, version: secret, startDateTime: secret }),
        'BiomarkerCreatedIntegrationEvent',
      ),
      await service.sahha(`{"id": ${secret}}`),
      await service.asleep(session({ id: [secret] }, { stat: secret, timezone: [secret] }), USER),
    ]
    for (const { status, json } of answers) {
      expect(status).toBeGreaterThanOrEqual(400)
      expect(JSON.stringify(json)).not.toContain(secret)
    }
    expect(service.log.join('')).not.toContain(secret)
  })

  it('lists at most twenty faults', async () => {
    const answer = await service.sahha(dataLog(Array(500).fill('x')))
    expect(answer.json.errors).toHaveLength(20)
  })
})

describe('an optional value that fits no column becomes NULL', () => {
  it.each([
    ['text as number', dataLog([{ id: 'text', value: '8547' }]), 'data_logs', 'value'],
    ['a number as text', biomarker({ id: 'number', value: 8547, category: 'c' }), 'biomarkers', 'value'],
    ['a boolean as number', dataLog([{ id: 'boolean', value: true }]), 'data_logs', 'value'],
    [
      'a day that does not exist',
      withTime({ startDateTime: '2025-02-30T00:00:00Z' }),
      'biomarkers',
      'start_date_time',
    ],
    [
      'a time that does not exist',
      withTime({ endDateTime: '2025-02-01T25:00:00Z' }),
      'biomarkers',
      'end_date_time',
    ],
    [
      'an offset that does not exist',
      withTime({ endDateTime: '2025-02-01T05:00:00+16:00' }),
      ...(['biomarkers', 'end_utc_offset_minutes'] as const),
    ],
    [
      'a list as map',
      dataLog([{ id: 'list', additionalProperties: [] }]),
      ...(['data_logs', 'additional_properties'] as const),
    ],
  ])('%s', async (_name, body, table, column) => {
    const { status, json } = await service.sahha(body)
    expect({ status, json }).toMatchObject({ status: 200, json: { outcome: 'stored' } })
    const rows = await service.db.query(`select ${column} as value from ${table} where delivery_id = $1`, [
      json.delivery_id,
    ])
    expect(rows).toEqual([{ value: null }])
  })

  it.each([
    ['a latency as text', { stat: { sleep_latency: '900' } }, 'sleep_stats', 'sleep_latency'],
    ['a fraction of a second', { stat: { time_in_bed: 0.5 } }, 'sleep_stats', 'time_in_bed'],
    ['an integer beyond the column', { stat: { waso_count: 3e9 } }, 'sleep_stats', 'waso_count'],
    ['a list with a number', { peculiarities: ['NEVER_SLEPT', 1] }, 'sleep_sessions', 'peculiarities'],
    ['a version that is a number', { stat: null }, 'sleep_sessions', 'callback_version'],
  ])('Asleep: %s', async (name, data, table, column) => {
    const body = session({ id: name }, data)
    const { status, json } = await service.asleep(
      name.includes('version') ? { ...body, version: 3 } : body,
      USER,
    )
    expect({ status, json }).toMatchObject({ status: 200, json: { outcome: 'stored' } })
    const rows = await service.db.query(`select ${column} as value from ${table} where delivery_id = $1`, [
      json.delivery_id,
    ])
    expect(rows).toEqual([{ value: null }])
  })

  it('an array with a stage beyond smallint or null has no row', async () => {
    const stages = { sleep_stages: [0, 40000], snoring_stages: [0, null], breath_stages: [1] }
    const { json } = await service.asleep(session({ id: 'stages', ...stages }), USER)
    expect(
      await service.db.query('select series, stages from sleep_stage_series where delivery_id = $1', [
        json.delivery_id,
      ]),
    ).toEqual([{ series: 'breath', stages: '{1}' }])
  })
})

describe('an unusual envelope', () => {
  const at = { user_id: USER, session_id: 'tolerant' }
  const nested = { session: { id: 'nested', start_time: '2025-01-01T00:00:00Z' } }

  it.each([
    [
      'null data next to callback_data',
      { event: 'SESSION_COMPLETE', data: null, callback_data: { ...at, sleep_data: nested } },
    ],
    [
      'an empty sleep_data next to a session',
      { event: 'SESSION_COMPLETE', data: { ...at, ...nested, sleep_data: {} } },
    ],
    [
      'no session if the data names a session_id',
      { callback_event: 'SESSION_COMPLETE', callback_data: { ...at, sleep_data: { stat: null } } },
    ],
    [
      'unknown fields',
      { event: 'SESSION_COMPLETE', extra: 1, data: { ...at, ...nested, extra: { deep: [] } } },
    ],
  ])('%s is stored', async (_name, body) => {
    expect(await service.asleep(body, USER)).toMatchObject({ status: 200, json: { outcome: 'stored' } })
  })
})

describe('an unknown event', () => {
  it.each([
    ['an unknown event type', biomarker({ id: 'u1' }), 'GlucoseSpikeIntegrationEvent'],
    ['a body of no known shape', { message: 'Send Test Event' }, undefined],
    ['an empty object', {}, undefined],
  ])('%s gets 200 and is stored as unrecognised', async (_name, body, eventType) => {
    const answer = await service.sahha(body, eventType)
    expect(answer).toMatchObject({ status: 200, json: { outcome: 'unrecognised' } })
    expect(await ledgerEntry(answer.json.delivery_id)).toMatchObject({
      outcome: 'unrecognised',
      body: Buffer.from(JSON.stringify(body)),
    })
    expect((await service.sahha(body, eventType)).json).toEqual(answer.json)
  })

  it('an unknown Asleep event is stored under its name', async () => {
    const answer = await service.asleep({ event: 'SESSION_DELETED', data: { user_id: USER } }, USER)
    expect(answer).toMatchObject({ status: 200, json: { outcome: 'unrecognised' } })
    const [row] = await service.db.query('select event, owner from deliveries where delivery_id = $1', [
      answer.json.delivery_id,
    ])
    expect(row).toEqual({ event: 'SESSION_DELETED', owner: USER })
  })
})

it("a fault of Nightpost's own code gets 500, stores the body, and is logged as fatal without the error's message", async () => {
  const [event] = sahha.events.filter(({ name }) => name === 'BiomarkerCreatedIntegrationEvent')
  if (!event) throw new Error('Sahha sends biomarkers')
  const row = {
    get value() {
      throw new TypeError('a value of the body')
    },
  }
  const toRows = vi
    .spyOn(event, 'toRows')
    .mockReturnValue({ rows: [{ target: biomarkers as never, rows: [row] }] })
  const answer = await service.sahha(biomarker({ id: 'fault' }), event.name)
  toRows.mockRestore()
  expect(answer).toMatchObject({ status: 500, json: { code: 'internal', delivery_id: expect.any(String) } })
  expect(await ledgerEntry(answer.json.delivery_id)).toMatchObject({ outcome: 'rejected' })
  const fatal = service.log.filter((line) => JSON.parse(line).level === 60)
  expect(fatal).toHaveLength(1)
  expect(JSON.parse(fatal[0] as string)).toMatchObject({
    err: { type: 'TypeError', stack: expect.stringContaining('at ') },
  })
  expect(fatal[0]).not.toContain('a value of the body')

  // The vendor retries after the fault is fixed.
  expect(await service.sahha(biomarker({ id: 'fault' }), event.name)).toMatchObject({
    status: 200,
    json: { outcome: 'stored', delivery_id: answer.json.delivery_id },
  })
})

it('an event whose body makes no rows is stored', async () => {
  const event = sahha.events.find(({ name }) => name === 'BiomarkerCreatedIntegrationEvent')
  if (!event) throw new Error('Sahha sends biomarkers')
  const toRows = vi.spyOn(event, 'toRows').mockReturnValue({ rows: [] })
  const answer = await service.sahha(biomarker({ id: 'no-rows' }), event.name)
  toRows.mockRestore()
  expect(answer).toMatchObject({ status: 200, json: { outcome: 'stored' } })
  expect(await ledgerEntry(answer.json.delivery_id)).toMatchObject({ outcome: 'stored', problem: null })
})
