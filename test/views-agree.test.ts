import { afterAll, beforeAll, expect, it } from 'vitest'
import { requestHeaders } from '../src/tools/simulate/request-headers.ts'
import { simulateTraffic } from '../src/tools/simulate/traffic.ts'
import { fixtures, send } from './setup/fixtures.ts'
import { ASLEEP_KEY, SAHHA_SECRET, setup, type TestService } from './setup/service.ts'

/**
 * Stores the fixtures and a few simulated days. Each test computes the rows of a view from the rows of the tables in
 * JavaScript, and compares them with the view.
 */
let service: TestService
beforeAll(async () => {
  service = await setup()
  for (const fixture of fixtures) await send(service, fixture)
  const sequences = simulateTraffic({
    ...{ seed: 'agree', users: 3, nights: 4, until: '2025-11-04' },
    ...{ duplicates: 0.1, invalid: 0.1, shuffle: true },
  })
  const credentials = { asleepKey: ASLEEP_KEY, sahhaSecret: SAHHA_SECRET, sahhaKey: undefined }
  await Promise.all(
    sequences.map(async (sequence) => {
      for (const delivery of sequence.filter(({ kind }) => kind !== 'INFERENCE_COMPLETE')) {
        await service.post(delivery.vendor, requestHeaders(delivery, credentials), delivery.body)
      }
    }),
  )
})
afterAll(() => service.close())

type Row = Record<string, string | null>
const rowsOf = (query: string) => service.db.query<Row>(query)
const time = (text: string | null | undefined) =>
  text ? Date.parse(text.replace(' ', 'T').replace('+00', 'Z')) : Number.NEGATIVE_INFINITY
const number = (text: string | null | undefined) => (text ? Number(text) : Number.NEGATIVE_INFINITY)

/** For each key, the row that is last in the given order. */
function newest(
  rows: Row[],
  key: (row: Row) => string,
  ...order: Array<(row: Row) => number>
): Map<string, Row> {
  const newestRows = new Map<string, Row>()
  for (const row of rows) {
    const current = newestRows.get(key(row))
    const difference =
      current && order.map((by) => by(row) - by(current)).find((each) => each !== 0 && !Number.isNaN(each))
    if (!current || (difference ?? 0) > 0) newestRows.set(key(row), row)
  }
  return newestRows
}

const revision = [
  (row: Row) => time(row.created_at_utc),
  (row: Row) => number(row.version),
  (row: Row) => time(row.received_at),
]

it('latest_scores and latest_score_factors have the newest score of each type, and its factors', async () => {
  const scores = await rowsOf('select * from scores')
  const expected = newest(
    scores,
    ({ profile_id, type }) => `${profile_id} ${type}`,
    (row) => time(row.score_date_time),
    ...revision,
  )
  const latest = await rowsOf('select * from latest_scores')
  expect(latest.map(({ score_id }) => score_id).sort()).toEqual(
    [...expected.values()].map(({ id }) => id).sort(),
  )
  expect(latest.length).toBeGreaterThan(15)

  const factors = await rowsOf('select * from score_factors')
  const ids = new Set(latest.map(({ score_id }) => score_id))
  const key = (row: Row) =>
    `${row.score_id} ${row.position} ${row.name} ${row.value} ${row.goal} ${row.score}`
  expect((await rowsOf('select * from latest_score_factors')).map(key).sort()).toEqual(
    factors
      .filter(({ score_id }) => ids.has(score_id ?? ''))
      .map(key)
      .sort(),
  )
})

it('daily_biomarkers has the newest value for each day, type and aggregation', async () => {
  const day = ({ start_date_time, end_date_time, utc_offset_minutes }: Row) => {
    const start = time(start_date_time)
    const middle = end_date_time ? (start + time(end_date_time)) / 2 : start
    return new Date(middle + Number(utc_offset_minutes ?? 0) * 60_000).toISOString().slice(0, 10)
  }
  const daily = (await rowsOf('select * from biomarkers')).filter(
    (row) => row.start_date_time && [null, 'none', 'daily'].includes(row.periodicity ?? null),
  )
  const expected = newest(
    daily,
    (row) => [row.profile_id, row.type, row.aggregation, day(row)].join(' '),
    ...revision,
  )
  const actual = await rowsOf('select * from daily_biomarkers')
  const key = (
    id: string | null | undefined,
    date: string | null | undefined,
    value: string | null | undefined,
  ) => `${id} ${date} ${value}`
  expect(actual.length).toBeGreaterThan(100)
  expect(actual.map((row) => key(row.biomarker_id, row.local_date, row.value_number)).sort()).toEqual(
    [...expected.values()].map((row) => key(row.id, day(row), row.value_number)).sort(),
  )
})

it('data_log_samples has typed columns for the documented properties', async () => {
  const text = (value: unknown) =>
    typeof value === 'object' ? value && JSON.stringify(value) : (value ?? null)

  const samples = await rowsOf('select * from data_logs')
  const expected = samples.map(({ id, additional_properties }) => {
    const properties = Object.entries(JSON.parse(additional_properties ?? '{}') as Record<string, unknown>)
    const property = (name: string) =>
      properties.find(([key]) => key.replaceAll('_', '').toLowerCase() === name)?.[1]
    return {
      id,
      context: text(property('motioncontext')),
      distance: property('totaldistance')?.toString() ?? null,
    }
  })
  const actual = await rowsOf(
    'select sample_id as id, motion_context as context, total_distance as distance from data_log_samples',
  )
  const key = (row: object) => JSON.stringify(Object.values(row)).replaceAll(' ', '')
  expect(actual.map(key).sort()).toEqual(expected.map(key).sort())
  expect(actual.filter(({ distance }) => distance).length).toBeGreaterThan(3)
})

it('delivery_log has every delivery with its outcome and size', async () => {
  const key = (row: Row) =>
    [row.delivery_id, row.owner, row.outcome, row.problem_code, row.body_bytes, row.times_received].join(' ')
  const deliveries = await rowsOf(
    'select d.*, length(encode(b.body, $$hex$$)) / 2 as body_bytes from deliveries as d join delivery_bodies as b using (delivery_id)',
  )
  const expected = deliveries.map((row) => ({
    ...row,
    problem_code: row.problem ? JSON.parse(row.problem).code : null,
  }))
  expect((await rowsOf('select * from delivery_log')).map(key).sort()).toEqual(expected.map(key).sort())
})

it('sleep_nights has local times and durations in minutes', async () => {
  const local = (text: string | null | undefined, timeZone: string) =>
    text ? new Date(text.replace(' ', 'T').replace('+00', 'Z')).toLocaleString('sv', { timeZone }) : null
  const rows =
    await rowsOf(`select s.*, t.sleep_time, t.wake_time, t.time_in_deep, t.time_in_wake, t.deep_latency
    from sleep_sessions s left join sleep_stats t using (user_id, session_id)`)
  const minutes = (seconds: string | null | undefined) => (seconds ? (Number(seconds) / 60).toFixed(2) : null)
  const expected = rows.map((row) => {
    const zone = row.created_timezone ?? row.timezone ?? 'UTC'
    return {
      session_id: row.session_id,
      sleep_date: local(row.wake_time ?? row.end_time ?? row.unexpected_end_time, zone)?.slice(0, 10) ?? null,
      bed: local(row.start_time, zone),
      woke: local(row.wake_time, zone),
      deep_minutes: minutes(row.time_in_deep),
      waso_minutes: minutes(row.time_in_wake),
      deep_latency_minutes: minutes(row.deep_latency),
    }
  })
  const actual =
    await rowsOf(`select session_id, sleep_date, date_trunc('second', local_bed_time) as bed, local_wake_time as woke,
    deep_minutes, waso_minutes, deep_latency_minutes from sleep_nights`)
  const bySession = (
    a: { session_id?: string | null | undefined },
    b: { session_id?: string | null | undefined },
  ) => ((a.session_id ?? '') < (b.session_id ?? '') ? -1 : 1)
  expect(actual.sort(bySession)).toEqual(expected.sort(bySession))
  expect(actual.length).toBeGreaterThan(10)
})
