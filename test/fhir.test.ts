import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../src/db/connect/pool.ts'
import { exportView } from '../src/export/view.ts'
import { biomarker, score, session, USER } from './setup/bodies.ts'
import { sendClinicalData } from './setup/clinical-data.ts'
import { LOINC, type Observation, problems } from './setup/fhir-problems.ts'
import { setup, type TestService } from './setup/service.ts'

type Json = Record<string, unknown>
type Row = Record<string, string | null>

let service: TestService
let observations: Array<Row & { resource: string }>
const resourcesOf = async (condition: string) =>
  (
    await service.db.query<{ resource: string }>(`select resource from fhir_observations where ${condition}`)
  ).map(({ resource }) => JSON.parse(resource) as Observation)

beforeAll(async () => {
  service = await setup()
  await sendClinicalData(service)
  observations = await service.db.query('select * from fhir_observations')
})
afterAll(() => service.close())

it('fhir_observations has nothing but valid resources of both vendors', () => {
  const invalid = observations.flatMap(({ resource, id }) =>
    problems(JSON.parse(resource)).map((problem) => `${id}: ${problem}`),
  )
  expect(invalid).toEqual([])
  expect(observations.filter(({ vendor }) => vendor === 'asleep').length).toBeGreaterThan(50)
  expect(observations.filter(({ vendor }) => vendor === 'sahha').length).toBeGreaterThan(300)
  const codes = new Set(observations.map(({ code }) => code))
  for (const code of [
    'sleepEpisode',
    '8867-4',
    '9279-1',
    '2708-6',
    '29463-7',
    '39156-5',
    '41950-7',
    '93831-6',
  ])
    expect([...codes]).toContain(code)
})

it('every id is unique, and the columns agree with the resource', () => {
  expect(new Set(observations.map(({ id }) => id)).size).toBe(observations.length)
  const instant = (text: string) => Date.parse(text.replace(' ', 'T').replace(/\+00$/, 'Z'))
  for (const row of observations) {
    const resource = JSON.parse(row.resource) as Observation
    const { effectivePeriod, effectiveDateTime, code, id, status } = resource
    expect({ id, status, code: code.coding?.[0]?.code ?? code.text }).toEqual({
      ...{ id: row.id, status: row.status },
      code: row.code,
    })
    expect(code.coding?.[0]?.system ?? row.code_system).toBe(row.code_system)
    expect(Date.parse(effectivePeriod?.start ?? effectiveDateTime ?? '')).toBe(
      instant(row.effective_start ?? ''),
    )
    expect(effectivePeriod ? Date.parse(effectivePeriod.end) : null).toBe(
      row.effective_end ? instant(row.effective_end) : null,
    )
    expect(resource).toMatchObject({ subject: { identifier: { value: row.owner } } })
    expect(Date.parse(resource.issued as string)).toBe(instant(row.received_at ?? ''))
  }
})

it('has every value of the tables as it is, and none that is NULL', async () => {
  const expected = await service.db.query(`
    select delivery_id, 'time_in_sleep' as code, time_in_sleep::text as value, 's' as unit from sleep_stats where time_in_sleep is not null
    union all select delivery_id, 'time_in_light', time_in_light::text, 's' from sleep_stats where time_in_light is not null
    union all select delivery_id, 'time_in_deep', time_in_deep::text, 's' from sleep_stats where time_in_deep is not null
    union all select delivery_id, 'time_in_rem', time_in_rem::text, 's' from sleep_stats where time_in_rem is not null
    union all select delivery_id, type, coalesce(value_number::text, value), null from biomarkers
      where start_date_time is not null and value <> ''
    union all select delivery_id, type, score::text, '1' from scores where score is not null and score_date_time is not null`)
  const found = await service.db.query(`
    select delivery_id, resource #>> '{code,coding,-1,code}' as code,
      coalesce(resource #>> '{valueQuantity,value}', resource ->> 'valueString') as value,
      case when code_system = '${LOINC}' and vendor = 'sahha' or code_system ~ 'biomarker' then null
        else resource #>> '{valueQuantity,code}' end as unit
    from fhir_observations where code <> 'sleepEpisode'`)
  const text = (rows: Row[]) => rows.map((row) => Object.values(row).join(' ')).sort()
  expect(text(found)).toEqual(text(expected))
  expect(found.length).toBeGreaterThan(300)
})

it('a sleep episode has the seconds of the night as minutes, and the period asleep', async () => {
  const [resource] = await resourcesOf(
    `code = 'sleepEpisode' and resource::text like '%20250309000000_full%'`,
  )
  expect(resource?.effectivePeriod).toEqual({
    start: '2025-03-08T23:25:00-05:00',
    end: '2025-03-09T07:00:00-04:00',
  })
  const values = Object.fromEntries(
    (resource?.component ?? []).map(({ code, valueQuantity, valueInteger }) => [
      code.coding[0].code,
      valueInteger ?? (valueQuantity && `${valueQuantity.value} ${valueQuantity.code}`),
    ]),
  )
  expect(values).toMatchObject({
    ...{
      totalSleepTime: '375 min',
      deepSleepDuration: '75 min',
      '93830-8': '200 min',
      deep_latency: '1230 s',
    },
    ...{ wakeAfterSleepOnset: '20 min', numberOfAwakenings: 4, sleep_efficiency: '0.893 1' },
  })
})

describe('what does not fit', () => {
  const send = async (body: object) => {
    const event = 'score' in body ? 'ScoreCreatedIntegrationEvent' : 'BiomarkerCreatedIntegrationEvent'
    const answer = await service.sahha({ ...body, profileId: 'p', externalId: 'e' }, event)
    expect(answer.json.outcome).toBe('stored')
  }
  const day = { startDateTime: '2025-05-01T00:00:00+09:30', endDateTime: '2025-05-01T23:59:59+09:30' }
  const one = async (id: string) => {
    const [found] = await resourcesOf(`owner = 'p' and resource #>> '{identifier,0,value}' = '${id}'`)
    expect(found && problems(found)).toEqual([])
    return found
  }

  it('a biomarker in another unit has the local code and the unit as text', async () => {
    await send(
      biomarker({
        ...day,
        id: 'lb',
        type: 'weight',
        value: '150.0',
        unit: 'lb',
        periodicity: 'daily',
        aggregation: 'none',
      }),
    )
    expect(await one('lb')).toMatchObject({
      code: { coding: [{ system: 'urn:nightpost:sahha:biomarker', code: 'weight' }], text: 'weight' },
      valueQuantity: { value: 150, unit: 'lb' },
      method: { text: 'daily, none' },
    })
    expect((await one('lb'))?.valueQuantity).not.toHaveProperty('code')
  })

  it('a mean of a week is not the sum of a day, and a maximum is no mean', async () => {
    const steps = { ...day, type: 'steps', value: '9000', unit: 'count' }
    await send(biomarker({ ...steps, id: 'week', periodicity: 'weekly', aggregation: 'average' }))
    await send(biomarker({ ...steps, id: 'hour', periodicity: 'intraday', aggregation: 'total' }))
    await send(
      biomarker({
        ...day,
        id: 'max',
        type: 'heart_rate',
        value: '180',
        unit: 'bpm',
        periodicity: 'daily',
        aggregation: 'maximum',
      }),
    )
    expect((await one('week'))?.code.coding?.[0]?.code).toBe('steps')
    expect((await one('hour'))?.code.coding?.[0]?.code).toBe('55423-8')
    expect((await one('max'))?.code.coding?.[0]?.code).toBe('heart_rate')
  })

  it('a text is a text, also under a type with a LOINC code; a type that is no code has none', async () => {
    await send(
      biomarker({ ...day, id: 'text', type: 'weight', value: 'heavy', unit: 'kg', aggregation: 'none' }),
    )
    await send(biomarker({ ...day, id: 'odd', type: ' two  words', value: '0', unit: '' }))
    expect(await one('text')).toMatchObject({ valueString: 'heavy', code: { coding: [{ code: 'weight' }] } })
    expect((await one('odd'))?.code).toEqual({ text: ' two  words' })
    expect((await one('odd'))?.valueQuantity).toEqual({ value: 0 })
  })

  it('an end before the start, an offset that FHIR does not know, and none', async () => {
    const at = (startDateTime: string, endDateTime: string) => ({ startDateTime, endDateTime })
    await send(biomarker({ ...at('2025-05-02T00:00:00.123456Z', '2025-05-01T00:00:00Z'), id: 'back' }))
    await send(biomarker({ ...at('2025-05-02T00:00:00+15:00', '2025-05-03T00:00:00'), id: 'far' }))
    expect((await one('back'))?.effectiveDateTime).toBe('2025-05-02T00:00:00.123456+00:00')
    expect((await one('far'))?.effectivePeriod).toEqual({
      start: '2025-05-01T09:00:00Z',
      end: '2025-05-03T00:00:00Z',
    })
  })

  it('what has no value or no time has no resource', async () => {
    await send(biomarker({ ...day, id: 'empty', value: '' }))
    await send(biomarker({ id: 'timeless' }))
    await send(score({ id: 'no score', score: null }))
    const ids = await service.db.query(
      `select resource #>> '{identifier,0,value}' as id from fhir_observations where owner = 'p'`,
    )
    expect(ids.filter(({ id }) => ['empty', 'timeless', 'no score'].includes(id ?? ''))).toEqual([])
  })

  it('a total whose day had not ended, and a session that is not complete, are preliminary', async () => {
    const steps = { ...day, type: 'steps', unit: 'count', periodicity: 'daily', aggregation: 'total' }
    await send(biomarker({ ...steps, id: 'noon', createdAtUtc: '2025-05-01T03:00:00Z' }))
    await send(biomarker({ ...steps, id: 'next day', createdAtUtc: '2025-05-02T03:00:00Z' }))
    expect((await one('noon'))?.status).toBe('preliminary')
    expect((await one('next day'))?.status).toBe('final')
    await service.asleep(
      session(
        { id: 'closed', state: 'CLOSED', end_time: '2025-01-15T08:00:00Z' },
        { stat: { time_in_sleep: 0, time_in_deep: null } },
      ),
      USER,
    )
    const closed = await resourcesOf(`owner = '${USER}'`)
    expect(closed.map(({ status, valueQuantity }) => [status, valueQuantity?.value])).toEqual([
      ['preliminary', 0],
    ])
  })
})

it('a broken resource is refused', () => {
  const sound = JSON.parse(observations.find(({ code }) => code === '8867-4')?.resource ?? '') as Record<
    string,
    never
  >
  expect(problems(sound)).toEqual([])
  const broken = (change: (resource: Record<string, Json>) => void) => {
    const copy = structuredClone(sound)
    change(copy)
    return problems(copy)
  }
  const changes: Array<(resource: Record<string, Json> & Json) => void> = [
    (r) => delete r.status,
    (r) => Object.assign(r, { status: 'finished' }),
    (r) => Object.assign(r, { surprise: 1 }),
    (r) => Object.assign(r, { id: 'a'.repeat(65) }),
    (r) => Object.assign(r, { issued: '2025-01-01T00:00:00' }),
    (r) => Object.assign(r, { valueString: 'two values' }),
    (r) => Object.assign(r, { dataAbsentReason: { text: 'but there is a value' } }),
    (r) => delete r.category,
    (r) => delete r.subject,
    (r) => delete r.valueQuantity?.system,
    (r) => Object.assign(r.valueQuantity ?? {}, { code: 'bpm' }),
    (r) => Object.assign(r.valueQuantity ?? {}, { value: '60' }),
    (r) => Object.assign(r.effectivePeriod ?? {}, { end: '1999-01-01T00:00:00Z' }),
  ]
  expect(changes.map((change) => broken(change).length > 0)).toEqual(changes.map(() => true))
})

it('nightpost export --column resource writes one resource per line', async () => {
  const client = await connect(service.db.url, { name: 'nightpost export', use: 'read' })
  const pieces: Uint8Array[] = []
  const [{ owner } = { owner: '' }] = observations
  await exportView(client, {
    ...{ view: 'fhir_observations', format: 'ndjson', column: 'resource', filter: { owner: owner ?? '' } },
    ...{ out: null, byDay: false, onProgress: () => {}, signal: new AbortController().signal },
    stdout: async (piece) => void pieces.push(piece),
  }).finally(() => client.end())
  const lines = Buffer.concat(pieces).toString().trimEnd().split('\n')
  const text = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).sort()
  expect(text(lines.map((line) => JSON.parse(line)))).toEqual(text(await resourcesOf(`owner = '${owner}'`)))
})

it('docs/connect.md lists the codes that fhir_loinc_codes has', async () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/connect.md'), 'utf8')
  const listed = [...page.matchAll(/^\| `(\w+)` in `([^`]+)` \| ([\d-]+) (.+?) \| `([^`]+)` \|/gm)].map(
    (row) => row.slice(1),
  )
  const codes = await service.db.query(
    'select type, sent_unit, code, display, unit_code from fhir_loinc_codes',
  )
  expect(listed.sort()).toEqual(codes.map((row) => Object.values(row)).sort())
})
