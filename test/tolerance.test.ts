import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { biomarker, dataLog, inference, score, session, USER } from './setup/bodies.ts'
import { fixturesFolder } from './setup/fixtures.ts'
import { metricsOf, type Samples } from './setup/metrics.ts'
import { setup, type TestService } from './setup/service.ts'

let service: TestService
let before: Samples
beforeAll(async () => {
  service = await setup()
})
afterAll(() => service.close())
beforeEach(async () => {
  before = await metricsOf(service.app)
})

const SCORE = { vendor: 'sahha', event: 'ScoreCreatedIntegrationEvent' }
const BIOMARKER = { vendor: 'sahha', event: 'BiomarkerCreatedIntegrationEvent' }
const DATA_LOG = { vendor: 'sahha', event: 'DataLogReceivedIntegrationEvent' }
const INFERENCE = { vendor: 'asleep', event: 'INFERENCE_COMPLETE' }
const SESSION = { vendor: 'asleep', event: 'SESSION_COMPLETE' }

async function increaseOf(name: string, labels: object): Promise<number> {
  return ((await metricsOf(service.app)).get(name, labels) ?? 0) - (before.get(name, labels) ?? 0)
}
const mistyped = (event: object, path: string) =>
  increaseOf('nightpost_mistyped_fields_total', { ...event, path })
const dropped = (event: object, path: string) =>
  increaseOf('nightpost_dropped_records_total', { ...event, path })

async function rowsOf(table: string, deliveryId: unknown) {
  const rows = await service.db.query(`select * from ${table} as t where delivery_id = $1 order by t`, [
    deliveryId,
  ])
  return rows.map(({ delivery_id, received_at, has_moved, ...row }) => row)
}

async function problemOf(deliveryId: unknown) {
  const [row] = await service.db.query('select outcome, problem from deliveries where delivery_id = $1', [
    deliveryId,
  ])
  return { outcome: row?.outcome, problem: JSON.parse(row?.problem ?? 'null') }
}

const stored = { status: 200, json: { outcome: 'stored' } }
const thousandSamples = (wrong: object, profileId: string) =>
  dataLog(
    Array.from({ length: 1000 }, (_, n) => ({
      id: `s-${n}`,
      value: n,
      unit: 'bpm',
      ...(n === 500 && wrong),
    })),
    { profileId, dataType: 'heart_rate' },
  )

describe('an optional value of a wrong type', () => {
  it('in the statistics of a night becomes NULL and affects no other column', async () => {
    const folder = join(fixturesFolder, 'asleep')
    const text = readFileSync(join(folder, 'session-complete-full.json'), 'utf8')
    const expected = JSON.parse(readFileSync(join(folder, 'session-complete-full.rows.json'), 'utf8'))
    const body = JSON.parse(text)
    body.data.stat.sleep_latency = 900.5
    const answer = await service.asleep(body, body.data.user_id)
    expect(answer).toMatchObject(stored)

    const found: Record<string, unknown[]> = {}
    for (const table of Object.keys(expected)) found[table] = await rowsOf(table, answer.json.delivery_id)
    expect(expected.sleep_stats[0].sleep_latency).not.toBeNull()
    expected.sleep_stats[0].sleep_latency = null
    expect(found).toEqual(expected)
    expect(await mistyped(SESSION, 'data.stat.sleep_latency')).toBe(1)
    expect(await problemOf(answer.json.delivery_id)).toEqual({ outcome: 'stored', problem: null })
  })

  it('in one of a thousand samples becomes NULL, also if it is a number in quotes', async () => {
    const { json, status } = await service.sahha(thousandSamples({ value: '72' }, 'mistyped'))
    expect({ status, json }).toMatchObject(stored)
    const rows = await rowsOf('data_logs', json.delivery_id)
    expect(rows).toHaveLength(1000)
    for (const { id, value, unit } of rows) {
      expect({ value, unit }).toEqual({ value: id === 's-500' ? null : id?.slice(2), unit: 'bpm' })
    }
    expect(await mistyped(DATA_LOG, 'dataLogs[].value')).toBe(1)
  })

  it('is a JSON number as biomarker value, because the vendor documents text', async () => {
    const body = biomarker({ id: 'number', category: 'activity', value: 72, unit: 'count' })
    const { json, status } = await service.sahha(body)
    expect({ status, json }).toMatchObject(stored)
    expect(await rowsOf('biomarkers', json.delivery_id)).toMatchObject([
      { id: 'number', value: null, value_number: null, unit: 'count', category: 'activity' },
    ])
    expect(await mistyped(BIOMARKER, 'value')).toBe(1)
  })

  it('in a list of stages removes the list and affects no other series', async () => {
    const body = inference({ session_id: 'list', sleep_stages: [0, null], snoring_stages: [0, 1] })
    const { json } = await service.asleep(body, USER)
    expect(await rowsOf('sleep_stage_windows', json.delivery_id)).toMatchObject([
      { series: 'snoring', stages: '{0,1}' },
    ])
    expect(await mistyped(INFERENCE, 'data.sleep_stages')).toBe(1)
  })

  it('is text of more than 255 characters in a field that every row repeats', async () => {
    const long = 'x'.repeat(1_000_000)
    const samples = Array.from({ length: 300 }, (_, n) => ({ id: `l-${n}` }))
    const labels = { accountId: long, externalId: long, logType: long, profileId: 'long' }
    const { json, status } = await service.sahha(dataLog(samples, labels))
    expect({ status, json }).toMatchObject(stored)
    const [sums] = await service.db.query(
      `select count(*) as rows, count(account_id) + count(external_id) + count(log_type) as labels
       from data_logs where delivery_id = $1`,
      [json.delivery_id],
    )
    expect(sums).toEqual({ rows: '300', labels: '0' })
    expect(await mistyped(DATA_LOG, 'accountId')).toBe(1)
    expect(await mistyped(DATA_LOG, 'logType')).toBe(1)

    const key = dataLog([{ id: 'k' }], { dataType: 'x'.repeat(256) })
    expect(await service.sahha(key)).toMatchObject({ status: 422, json: { errors: [{ path: '/dataType' }] } })
  })

  it('is neither text of 255 characters nor null: both are stored', async () => {
    const label = 'x'.repeat(255)
    const { json } = await service.sahha(dataLog([{ id: 'fits', value: null }], { accountId: label }))
    expect(await rowsOf('data_logs', json.delivery_id)).toMatchObject([{ account_id: label, value: null }])
    expect(await mistyped(DATA_LOG, 'dataLogs[].value')).toBe(0)
  })

  it('appears in no answer, log line or metric', async () => {
    const secret = 'depressive-episode'
    const sent = [
      await service.asleep(session({ id: 'secret' }, { stat: secret, timezone: [secret] }), USER),
      await service.sahha(score({ id: 'secret', score: secret, factors: [secret, { value: secret }] })),
    ]
    for (const answer of sent) expect(answer).toMatchObject(stored)
    for (const { json } of sent)
      expect(JSON.stringify([json, await problemOf(json.delivery_id)])).not.toContain(secret)
    expect((await metricsOf(service.app)).text).not.toContain(secret)
    expect(service.log.join('')).not.toContain(secret)
  })
})

describe('a malformed record', () => {
  it('has no row, its 999 neighbours have one, and the ledger names the reason', async () => {
    const { json, status } = await service.sahha(thousandSamples({ id: undefined }, 'nameless'))
    expect({ status, json }).toEqual({
      status: 200,
      json: { outcome: 'stored', delivery_id: json.delivery_id },
    })
    const rows = await rowsOf('data_logs', json.delivery_id)
    expect(rows).toHaveLength(999)
    expect(rows.map(({ value }) => value)).not.toContain('500')
    expect(await problemOf(json.delivery_id)).toMatchObject({
      outcome: 'stored',
      problem: {
        code: 'partly_stored',
        detail: expect.stringContaining(': 1.'),
        errors: [{ path: '/dataLogs/500/id', message: 'Required' }],
      },
    })
    expect(await dropped(DATA_LOG, 'dataLogs[]')).toBe(1)
    const [line] = service.log.filter((line) => line.includes(`${json.delivery_id}`))
    expect(line).toContain('"code":"partly_stored"')

    expect((await service.sahha(thousandSamples({ id: undefined }, 'nameless'))).json).toMatchObject({
      outcome: 'duplicate',
      delivery_id: json.delivery_id,
    })
    expect((await problemOf(json.delivery_id)).problem.code).toBe('partly_stored')
  })

  it('is counted, and the first twenty are named', async () => {
    const samples = Array.from({ length: 300 }, (_, n) =>
      n < 100 ? { id: `f-${n}` } : { id: n, value: '1' },
    )
    const { json } = await service.sahha(dataLog(samples, { profileId: 'many' }))
    expect(await rowsOf('data_logs', json.delivery_id)).toHaveLength(100)
    const { problem } = await problemOf(json.delivery_id)
    expect(problem.detail).toContain(': 200.')
    expect(problem.errors).toHaveLength(20)
    expect(problem.errors[19]).toEqual({ path: '/dataLogs/119/id', message: 'Expected string' })
    expect(await dropped(DATA_LOG, 'dataLogs[]')).toBe(200)
    // The drift inside a record without a row isn't counted.
    expect(await mistyped(DATA_LOG, 'dataLogs[].value')).toBe(0)
  })

  it('does not change the positions of the other factors of a score', async () => {
    const factors = [{ name: 'a' }, null, { name: 'c', value: '7' }, 'none', { name: 'e', value: 5 }]
    const { json } = await service.sahha(score({ id: 'places', factors }))
    const rows = await rowsOf('score_factors', json.delivery_id)
    expect(rows.map(({ position, name, value }) => [position, name, value])).toEqual([
      ['0', 'a', null],
      ['2', 'c', null],
      ['4', 'e', '5'],
    ])
    expect((await problemOf(json.delivery_id)).problem.errors).toEqual([
      { path: '/factors/1', message: 'Expected object' },
      { path: '/factors/3', message: 'Expected object' },
    ])
    expect(await mistyped(SCORE, 'factors[].value')).toBe(1)
  })

  it('makes the body invalid if all records are malformed', async () => {
    const none = dataLog([{ value: 1 }, { id: '', value: '2' }], { profileId: 'none' })
    expect(await service.sahha(none)).toMatchObject({
      status: 422,
      json: {
        code: 'invalid_body',
        errors: [
          { path: '/dataLogs/0/id', message: 'Required' },
          { path: '/dataLogs/1/id', message: expect.stringContaining('length') },
        ],
      },
    })
    expect(await service.sahha(dataLog([], { profileId: 'empty' }))).toMatchObject(stored)
  })
})

describe('a window with epochs before the start of the session', () => {
  it.each([
    ['a negative chunk', { inference_seq_num: -1, sleep_stages: [3, 3] }],
    ['an array that reaches before the session', { inference_seq_num: 0, sleep_stages: Array(40).fill(3) }],
  ])('%s is stored unchanged, counted, and in no view', async (name, data) => {
    const { json } = await service.asleep(inference({ session_id: name, ...data }), USER)
    expect(await rowsOf('sleep_stage_windows', json.delivery_id)).toMatchObject([
      {
        inference_seq_num: String(data.inference_seq_num),
        stages: `{${data.sleep_stages.join()}}`,
      },
    ])
    expect(
      await increaseOf('nightpost_unknown_values_total', { ...INFERENCE, path: 'data.inference_seq_num' }),
    ).toBe(1)
    for (const [view, epoch] of [
      ['sleep_epochs', 'epoch_index'],
      ['sleep_stage_intervals', 'first_epoch'],
      ['sleep_provisional_slices', 'first_epoch'],
    ]) {
      const early = await service.db.query(
        `select * from ${view} where user_id = $1 and session_id = $2 and ${epoch} < 0`,
        [USER, name],
      )
      expect(early, view).toEqual([])
    }
  })

  it('is not a window of 40 epochs that ends with chunk 3', async () => {
    await service.asleep(inference({ inference_seq_num: 3, sleep_stages: Array(40).fill(1) }), USER)
    expect(
      await increaseOf('nightpost_unknown_values_total', { ...INFERENCE, path: 'data.inference_seq_num' }),
    ).toBe(0)
  })
})

it('a V3 body without data is stored as rejected under its owner, with a problem that names the event', async () => {
  const flat = {
    ...{ event: 'SESSION_COMPLETE', version: 'V3', timestamp: '2025-01-15T02:50:29Z', user_id: USER },
    ...{ session_id: 'flat', sleep_time: '06:30:00', sleep_cycle: [{ order: 1 }], sleep_efficiency: 92 },
  }
  const { status, json } = await service.asleep(flat, USER)
  expect({ status, json }).toMatchObject({
    status: 422,
    json: {
      code: 'invalid_body',
      detail: expect.stringContaining('SESSION_COMPLETE'),
      errors: [{ path: '/data', message: 'Required' }],
    },
  })
  const [entry] = await service.db.query(
    `select d.owner, event, convert_from(b.body, 'utf8') as body from deliveries as d
      join delivery_bodies as b using (delivery_id) where delivery_id = $1`,
    [json.delivery_id],
  )
  expect(entry).toEqual({ owner: USER, event: 'SESSION_COMPLETE', body: JSON.stringify(flat) })
})

describe('an event name that contradicts the shape of the body', () => {
  it('is ignored and counted: the shape decides', async () => {
    const body = score({ id: 'misnamed', state: 'high' })
    const { json, status } = await service.sahha(body, BIOMARKER.event)
    expect({ status, json }).toMatchObject(stored)
    expect(await rowsOf('scores', json.delivery_id)).toHaveLength(1)
    expect(await rowsOf('biomarkers', json.delivery_id)).toEqual([])
    expect(await increaseOf('nightpost_misnamed_events_total', { ...SCORE, named: BIOMARKER.event })).toBe(1)
    expect((await service.sahha(body, SCORE.event)).json).toMatchObject({ outcome: 'duplicate' })
  })

  it('decides if the shape is ambiguous', async () => {
    const { json } = await service.sahha(biomarker({ id: 'silent' }), BIOMARKER.event)
    expect(await rowsOf('biomarkers', json.delivery_id)).toHaveLength(1)
    expect(
      await increaseOf('nightpost_misnamed_events_total', { ...BIOMARKER, named: BIOMARKER.event }),
    ).toBe(0)
  })
})
