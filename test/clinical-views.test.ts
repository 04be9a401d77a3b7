import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { score, session, USER } from './setup/bodies.ts'
import { sendClinicalData } from './setup/clinical-data.ts'
import { setup, type TestService } from './setup/service.ts'

/** Open mHealth documents, judged by the JSON schemas that IEEE published; text arrays as rows; plans. */

let service: TestService
beforeAll(async () => {
  service = await setup()
  await sendClinicalData(service)
})
afterAll(() => service.close())

const ajv = new Ajv({ strict: false, allErrors: true, logger: false })
addFormats.default(ajv)
const folder = join(import.meta.dirname, 'schemas/ieee-1752.1')
// The schemas refer to each other by their file names, and name themselves without a version.
for (const name of readdirSync(folder))
  ajv.addSchema({ ...JSON.parse(readFileSync(join(folder, name), 'utf8')), $id: name })

interface DataPoint {
  readonly header: { readonly schema_id: { readonly name: string; readonly version: string } }
  readonly body: Record<string, { value: number; unit: string } | undefined>
}

function problems(document: DataPoint): string[] {
  const { name, version } = document.header.schema_id
  return [
    { schema: 'data-point-1.0.json', value: document },
    { schema: `${name}-${version}.json`, value: document.body },
  ].flatMap(({ schema, value }) =>
    ajv.validate(schema, value)
      ? []
      : (ajv.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`),
  )
}

const documents = async (condition = 'true') =>
  (await service.db.query(`select document from open_mhealth_sleep_episodes where ${condition}`)).map(
    ({ document }) => JSON.parse(document ?? '') as DataPoint,
  )

describe('open_mhealth_sleep_episodes', () => {
  it('has a valid document of every completed night in which the user slept, with the values of the tables', async () => {
    const found = await documents()
    expect(found.flatMap(problems)).toEqual([])
    const nights = await service.db.query(
      `select t.* from sleep_stats t join sleep_sessions s using (user_id, session_id)
       where s.state = 'COMPLETE' and t.wake_time >= t.sleep_time`,
    )
    const seconds = {
      ...{ total_sleep_time: 'time_in_sleep', wake_after_sleep_onset: 'time_in_wake' },
      ...{ latency_to_sleep_onset: 'sleep_latency', latency_to_arising: 'wakeup_latency' },
      ...{ light_sleep_duration: 'time_in_light', deep_sleep_duration: 'time_in_deep' },
      rem_sleep_duration: 'time_in_rem',
    }
    const sorted = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).sort()
    expect(sorted(found.map(({ body }) => Object.keys(seconds).map((name) => body[name] ?? null)))).toEqual(
      sorted(
        nights.map((night) =>
          Object.values(seconds).map((column) =>
            night[column] == null ? null : { unit: 'sec', value: Number(night[column]) },
          ),
        ),
      ),
    )
    expect(found.length).toBeGreaterThan(10)
  })

  it('has the local times of the night', async () => {
    const [document] = await documents(`session_id = '20250309000000_full'`)
    expect(document?.body).toMatchObject({
      effective_time_frame: {
        time_interval: {
          start_date_time: '2025-03-08T23:25:00-05:00',
          end_date_time: '2025-03-09T07:00:00-04:00',
        },
      },
      ...{ is_main_sleep: true, number_of_awakenings: 4 },
    })
  })

  it('a broken document is refused', async () => {
    const [sound] = await documents()
    const changes: Array<(document: { header: object; body: object }) => void> = [
      ({ header }) => Object.assign(header, { uuid: 'none' }),
      ({ header }) => Object.assign(header, { source_creation_date_time: 'yesterday' }),
      ({ body }) => Object.assign(body, { total_sleep_time: { value: 1, unit: 's' } }),
      ({ body }) => Object.assign(body, { total_sleep_time: { value: '1', unit: 'sec' } }),
      ({ body }) => Object.assign(body, { effective_time_frame: { date_time: '2025-01-01T00:00:00Z' } }),
      ({ body }) => Object.assign(body, { number_of_awakenings: 1.5 }),
    ]
    const refused = changes.map((change) => {
      const copy = structuredClone(sound) as DataPoint
      change(copy)
      return problems(copy).length > 0
    })
    expect(refused).toEqual(changes.map(() => true))
  })

  it('a night that is delivered again gets another UUID, as IEEE 1752.1 asks', async () => {
    const send = async (time_in_sleep: number) => {
      const stat = { time_in_sleep, sleep_time: '2025-01-15T03:00:00Z', wake_time: '2025-01-15T08:00:00Z' }
      await service.asleep(session({ id: 'again' }, { stat }), USER)
      const [row] = await service.db.query(
        `select o.id as omh, f.id as fhir from open_mhealth_sleep_episodes o join fhir_observations f
           on f.owner = o.user_id and f.code = 'sleepEpisode' where o.session_id = 'again'`,
      )
      return row
    }
    const [first, second] = [await send(100), await send(200)]
    expect(second?.omh).not.toBe(first?.omh)
    expect(second?.fhir).toBe(first?.fhir)
  })
})

it('text arrays have one row per element, in their order', async () => {
  const peculiarities = ['NEVER_SLEPT', 'A, "later" addition', '']
  await service.asleep(session({ id: 'labels' }, { peculiarities }), USER)
  await service.sahha(score({ id: 'sources', dataSources: ['sleep', 'age', 'sleep'] }))
  await service.sahha(score({ id: 'no sources', dataSources: [] }))
  expect(
    await service.db.query(
      `select position, peculiarity from sleep_session_peculiarities where session_id = 'labels' order by position`,
    ),
  ).toEqual(peculiarities.map((peculiarity, position) => ({ position: `${position}`, peculiarity })))
  expect(
    await service.db.query(
      `select score_id, position, data_source from score_data_sources where score_id ~ 'sources' order by position`,
    ),
  ).toEqual(
    ['sleep', 'age', 'sleep'].map((data_source, position) => ({
      ...{ score_id: 'sources', position: `${position}`, data_source },
    })),
  )
  const [left] = await service.db.query(
    `select (select count(*) from sleep_session_peculiarities)
        - (select coalesce(sum(cardinality(peculiarities)), 0) from sleep_sessions) as peculiarities,
      (select count(*) from score_data_sources)
        - (select coalesce(sum(cardinality(data_sources)), 0) from scores) as sources`,
  )
  expect(left).toEqual({ peculiarities: '0', sources: '0' })
})

interface Plan {
  'Relation Name'?: string
  'Index Cond'?: string
  Plans?: Plan[]
}

const scans = (plan: Plan): Plan[] => [
  ...(plan['Relation Name'] ? [plan] : []),
  ...(plan.Plans ?? []).flatMap(scans),
]

it.each([
  ['fhir_observations', 'owner', 4],
  ['open_mhealth_sleep_episodes', 'user_id', 2],
  ['sleep_session_peculiarities', 'user_id', 1],
  ['score_data_sources', 'profile_id', 1],
])('a predicate on the owner is an index condition in %s', async (view, owner, tables) => {
  // The tables are so small that Postgres would prefer sequential scans.
  await service.db.query('set enable_seqscan = off; set enable_bitmapscan = off')
  const [row] = await service.db.query(
    `explain (format json) select * from ${view} where ${owner} = 'someone'`,
  )
  const found = scans(JSON.parse(row?.['QUERY PLAN'] as string)[0].Plan).filter(
    (scan) => scan['Relation Name'] !== 'time_zones',
  )
  expect(new Set(found.map((scan) => scan['Relation Name'])).size).toBe(tables)
  for (const scan of found)
    expect(scan['Index Cond'], scan['Relation Name']).toMatch(/\((user_id|profile_id) = 'someone'::text\)/)
})
