import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../src/db/migrate/migrate.ts'
import { biomarker, dataLog, score, session, USER } from './setup/bodies.ts'
import { createDatabase } from './setup/database.ts'
import { setup, type TestService } from './setup/service.ts'
import { epochsOf, intervalsOf, type Night } from './setup/stage-model.ts'

let service: TestService
beforeAll(async () => {
  service = await setup()
})
afterAll(() => service.close())

async function send(vendor: 'asleep' | 'sahha', body: object, user = USER) {
  const answer = await (vendor === 'asleep' ? service.asleep(body, user) : service.sahha(body))
  expect(answer.json).toMatchObject({ outcome: 'stored' })
  return answer.json.delivery_id as string
}

/** The one row that a query must return. */
async function onlyRow(query: string, values?: unknown[]) {
  const rows = await service.db.query(query, values)
  expect(rows).toHaveLength(1)
  return rows[0] as Record<string, string | null>
}

describe('the views on nights, with the fixtures of Asleep', () => {
  const folder = join(import.meta.dirname, 'fixtures/asleep')
  const files = readdirSync(folder).filter((name) => name.endsWith('.json') && !name.endsWith('.rows.json'))

  beforeAll(async () => {
    for (const file of files) {
      const body = JSON.parse(readFileSync(join(folder, file), 'utf8'))
      await send('asleep', body, (body.data ?? body.callback_data).user_id)
    }
  })

  it('have the epochs and intervals that a model computes from the tables', async () => {
    const nights = await nightsInTables()
    expect(nights.length).toBeGreaterThan(4)
    const text = (rows: Array<Record<string, string | null>>) => rows.map((row) => Object.values(row))
    for (const night of nights) {
      const key = [night.user_id, night.session_id]
      const epochs = await service.db.query(
        `select series, epoch_index, starts_at, stage, stage_name, provisional from sleep_epochs
         where user_id = $1 and session_id = $2 order by series, epoch_index`,
        key,
      )
      const intervals = await service.db.query(
        `select series, first_epoch, epochs, starts_at, ends_at, duration_seconds, stage, provisional
         from sleep_stage_intervals where user_id = $1 and session_id = $2 order by series, first_epoch`,
        key,
      )
      expect(text(epochs)).toEqual(epochsOf(night))
      expect(text(intervals)).toEqual(intervalsOf(night))
    }
  })

  it('have a night in local time in which daylight saving time starts', async () => {
    expect(
      await onlyRow(`select * from sleep_nights where session_id = '20250309000000_full'`),
    ).toMatchObject({
      sleep_date: '2025-03-09',
      time_zone: 'America/New_York',
      time_zone_known: 't',
      local_bed_time: '2025-03-08 23:10:00',
      local_sleep_time: '2025-03-08 23:25:00',
      local_wake_time: '2025-03-09 07:00:00',
      local_end_time: '2025-03-09 07:10:00',
      in_bed_minutes: '420.00',
      asleep_minutes: '375.00',
      light_minutes: '200.00',
      deep_minutes: '75.00',
      rem_minutes: '100.00',
      waso_minutes: '20.00',
      waso_count: '4',
      deep_latency_minutes: '20.50',
      sleep_efficiency: '0.893',
      peculiarities: '{}',
      has_stats: 't',
    })
  })

  it('have a night without end_time and without stat', async () => {
    expect(
      await onlyRow(`select * from sleep_nights where session_id = '20230301000000_second'`),
    ).toMatchObject({
      sleep_date: '2023-03-01',
      local_end_time: '2023-03-01 23:41:07.5',
      has_stats: 'f',
      asleep_minutes: null,
      peculiarities: '{TOO_SHORT_FOR_ANALYSIS,A_LATER_ADDITION}',
    })
  })
})

async function nightsInTables(): Promise<Night[]> {
  const { db } = service
  const keys = await db.query(
    'select user_id, session_id from sleep_sessions union select user_id, session_id from sleep_stage_windows',
  )
  const array = (text: string | null | undefined) =>
    text === '{}' ? [] : (text ?? '').slice(1, -1).split(',').map(Number)
  const nights: Night[] = []
  for (const { user_id, session_id } of keys) {
    const rowsOf = (table: string) =>
      db.query(`select * from ${table} where user_id = $1 and session_id = $2`, [user_id, session_id])
    const [row] = await rowsOf('sleep_sessions')
    const { state = null, start_time = null } = row ?? {}
    nights.push({
      user_id: user_id as string,
      session_id: session_id as string,
      ...(row && { session: { state, start_time: start_time && new Date(start_time).toISOString() } }),
      final: Object.fromEntries(
        (await rowsOf('sleep_stage_series')).map(({ series, stages }) => [series, array(stages)]),
      ),
      windows: (await rowsOf('sleep_stage_windows')).map(({ series, inference_seq_num, stages }) => ({
        series: series as string,
        k: Number(inference_seq_num),
        stages: array(stages),
      })),
    })
  }
  return nights
}

describe('sleep_nights', () => {
  const nightWithZone = async (id: string, fields: object, data: object) => {
    await send('asleep', session({ id, end_time: '2025-01-15T22:30:00+00:00', ...fields }, data))
    return onlyRow(
      `select sleep_date, time_zone, time_zone_known, local_end_time from sleep_nights where session_id = $1`,
      [id],
    )
  }

  it.each([
    'Mars/Olympus',
    'UTC+9',
    'IST',
    '',
    'asia/seoul',
    "'; drop table scores",
    'posix/Asia/Seoul',
    'Foo/Bar+3',
  ])('uses UTC if the time zone is %j, and marks it as unknown', async (timezone) => {
    expect(await nightWithZone(`zone ${timezone}`, { created_timezone: timezone }, { timezone })).toEqual({
      sleep_date: '2025-01-15',
      time_zone: 'UTC',
      time_zone_known: 'f',
      local_end_time: '2025-01-15 22:30:00',
    })
  })

  it.each([
    ['created_timezone before timezone', 'Asia/Seoul', 'UTC', '2025-01-16', 'Asia/Seoul'],
    [
      'timezone if created_timezone is unknown',
      'Nowhere',
      'Pacific/Auckland',
      '2025-01-16',
      'Pacific/Auckland',
    ],
    ['UTC if it was sent', 'UTC', 'UTC', '2025-01-15', 'UTC'],
    ['a zone of one word', 'Japan', null, '2025-01-16', 'Japan'],
  ])('uses %s', async (name, created_timezone, timezone, sleep_date, time_zone) => {
    const night = await nightWithZone(name, { created_timezone }, { timezone })
    expect(night).toMatchObject({ sleep_date, time_zone, time_zone_known: 't' })
  })

  it('has no date for a session that has not ended', async () => {
    await send('asleep', session({ id: 'open', state: 'OPEN' }, { peculiarities: ['IN_PROGRESS'] }))
    expect(await onlyRow(`select * from sleep_nights where session_id = 'open'`)).toMatchObject({
      sleep_date: null,
      state: 'OPEN',
      peculiarities: '{IN_PROGRESS}',
    })
  })

  it('has the date of waking, not of getting up', async () => {
    const times = { start_time: '2025-01-15T20:00:00Z', end_time: '2025-01-16T00:30:00Z' }
    await send('asleep', session({ id: 'late', ...times }, { stat: { wake_time: '2025-01-15T23:50:00Z' } }))
    expect(await onlyRow(`select sleep_date from sleep_nights where session_id = 'late'`)).toEqual({
      sleep_date: '2025-01-15',
    })
  })

  it('distinguishes NULL from 0', async () => {
    await send(
      'asleep',
      session({ id: 'zero' }, { stat: { time_in_deep: 0, deep_latency: null, waso_count: 0 } }),
    )
    expect(await onlyRow(`select * from sleep_nights where session_id = 'zero'`)).toMatchObject({
      deep_minutes: '0.00',
      deep_latency_minutes: null,
      rem_minutes: null,
      waso_count: '0',
      has_stats: 't',
    })
  })
})

it('time_zones is refreshed from the server at every migration', async () => {
  const db = await createDatabase()
  try {
    // A test can't change the server's list of time zones, so a table replaces it.
    await db.query(`
      alter materialized view time_zones rename to time_zones_before;
      create table server_zones as select 'Europe/Berlin' as name;
      create materialized view time_zones as select name from server_zones;
      create unique index on time_zones (name);
      insert into server_zones values ('Europe/Kyiv')`)
    await migrate(db.direct)
    expect(await db.query('select name from time_zones order by name')).toEqual([
      { name: 'Europe/Berlin' },
      { name: 'Europe/Kyiv' },
    ])
  } finally {
    await db.drop()
  }
})

describe('latest_scores', () => {
  const profileId = 'profile-scores'
  const factor = (name: string, value: number) => ({
    id: name,
    name,
    value,
    goal: 8,
    score: 0.9,
    state: 'high',
    unit: 'hour',
  })

  beforeAll(async () => {
    const day = (date: string) => ({ profileId, scoreDateTime: `${date}T00:00:00+12:00` })
    await send(
      'sahha',
      score({
        ...day('2025-07-13'),
        id: 'b',
        score: 0.7,
        factors: [factor('sleep_duration', 7), factor('sleep_debt', 1)],
      }),
    )
    await send(
      'sahha',
      score({
        ...day('2025-07-12'),
        id: 'a',
        score: 0.9,
        createdAtUtc: '2025-07-20T00:00:00Z',
        factors: [factor('sleep_duration', 9)],
      }),
    )
    await send(
      'sahha',
      score({
        ...day('2025-07-12'),
        id: 'c',
        type: 'activity',
        score: 0.1,
        createdAtUtc: '2025-07-12T01:00:00Z',
      }),
    )
    await send(
      'sahha',
      score({
        ...day('2025-07-12'),
        id: 'd',
        type: 'activity',
        score: 0.2,
        createdAtUtc: '2025-07-12T02:00:00Z',
      }),
    )
    await send('sahha', score({ profileId, id: 'e', type: 'activity', score: 0.3, scoreDateTime: null }))
  })

  it('has the score of the newest day for each type, in its newest revision', async () => {
    expect(
      await service.db.query(
        `select type, score_id, score, local_date from latest_scores where profile_id = $1 order by type`,
        [profileId],
      ),
    ).toEqual([
      { type: 'activity', score_id: 'd', score: '0.2', local_date: '2025-07-12' },
      { type: 'sleep', score_id: 'b', score: '0.7', local_date: '2025-07-13' },
    ])
  })

  it('has the factors of the latest scores as rows of latest_score_factors', async () => {
    expect(
      await service.db.query(
        `select type, type_score, name, value, goal from latest_score_factors where profile_id = $1 order by position`,
        [profileId],
      ),
    ).toEqual([
      { type: 'sleep', type_score: '0.7', name: 'sleep_duration', value: '7', goal: '8' },
      { type: 'sleep', type_score: '0.7', name: 'sleep_debt', value: '1', goal: '8' },
    ])
  })
})

describe('daily_biomarkers', () => {
  const profileId = 'profile-days'
  const daily = (fields: object) =>
    biomarker({ profileId, periodicity: 'daily', aggregation: 'total', ...fields })
  const period = (start: string, end: string | null) => ({ startDateTime: start, endDateTime: end })
  const day = period('2025-07-12T00:00:00+12:00', '2025-07-12T23:59:59+12:00')

  beforeAll(async () => {
    await send('sahha', daily({ id: 'early', value: '10', ...day, createdAtUtc: '2025-07-12T01:00:00Z' }))
    await send('sahha', daily({ id: 'late', value: '30', ...day, createdAtUtc: '2025-07-12T09:00:00Z' }))
    await send('sahha', daily({ id: 'between', value: '20', ...day, createdAtUtc: '2025-07-12T05:00:00Z' }))
    await send(
      'sahha',
      daily({ id: 'week', periodicity: 'weekly', value: '99', ...day, createdAtUtc: '2025-07-14T00:00:00Z' }),
    )
    await send('sahha', daily({ id: 'other', aggregation: 'average', value: '5', ...day }))
    await send('sahha', daily({ id: 'none', aggregation: null, periodicity: null, value: 'x', ...day }))
    await send('sahha', daily({ id: 'nowhere', value: '1' }))
    await send(
      'sahha',
      daily({
        id: 'sleep',
        type: 'sleep_duration',
        value: '7.5',
        ...period('2025-07-11T18:00:00+12:00', '2025-07-12T17:59:59+12:00'),
      }),
    )
    await send(
      'sahha',
      daily({
        id: 'exclusive',
        type: 'floors',
        value: '3',
        ...period('2025-07-12T00:00:00+12:00', '2025-07-13T00:00:00+12:00'),
      }),
    )
    await send(
      'sahha',
      daily({ id: 'open', type: 'weight', value: '70', ...period('2025-07-12T23:30:00+12:00', null) }),
    )
    await send(
      'sahha',
      daily({
        id: 'short-day',
        type: 'distance',
        value: '4',
        ...period('2025-03-09T00:00:00-05:00', '2025-03-09T23:59:59-04:00'),
      }),
    )
  })

  it('has the newest value for each local day, type and aggregation', async () => {
    expect(
      await service.db.query(
        `select type, aggregation, local_date, value, value_number from daily_biomarkers where profile_id = $1
         order by type, aggregation nulls last`,
        [profileId],
      ),
    ).toEqual([
      { type: 'distance', aggregation: 'total', local_date: '2025-03-09', value: '4', value_number: '4' },
      { type: 'floors', aggregation: 'total', local_date: '2025-07-12', value: '3', value_number: '3' },
      {
        type: 'sleep_duration',
        aggregation: 'total',
        local_date: '2025-07-12',
        value: '7.5',
        value_number: '7.5',
      },
      { type: 'steps', aggregation: 'average', local_date: '2025-07-12', value: '5', value_number: '5' },
      { type: 'steps', aggregation: 'total', local_date: '2025-07-12', value: '30', value_number: '30' },
      { type: 'steps', aggregation: null, local_date: '2025-07-12', value: 'x', value_number: null },
      { type: 'weight', aggregation: 'total', local_date: '2025-07-12', value: '70', value_number: '70' },
    ])
  })
})

describe('data_log_samples', () => {
  it('has typed columns for the documented properties, however their keys and values are spelled', async () => {
    const sample = (id: string, additionalProperties: object | null) => ({
      id,
      value: 1,
      parentId: '',
      additionalProperties,
    })
    await send(
      'sahha',
      dataLog(
        [
          sample('1', {
            TotalDistance: 5200.5,
            TotalEnergyBurned: '320',
            DeviceScreenOn: true,
            MotionContext: 'walking',
          }),
          sample('2', { totalDistance: '5.2E3', device_screen_on: 'False', meal_type: 'lunch', unknown: 1 }),
          sample('3', { TotalDistance: 'far', TotalEnergyBurned: '1e999999', DeviceScreenOn: 'maybe' }),
          sample('4', null),
          sample('5', { TotalDistance: null, totalDistance: -1, BodyPosition: ['sitting'] }),
          sample('6', { isScreenOn: '1' }),
          sample('7', { isScreenOn: '0' }),
        ],
        { profileId: 'profile-logs' },
      ),
    )
    expect(
      await service.db.query(
        `select sample_id as id, total_distance, total_energy_burned, device_screen_on, motion_context, meal_type, body_position, parent_id
         from data_log_samples where profile_id = 'profile-logs' order by 1`,
      ),
    ).toEqual(
      [
        ...[
          ['5200.5', '320', 't', 'walking', null, null],
          ['5200', null, 'f', null, 'lunch', null],
          NO_PROPERTIES,
          NO_PROPERTIES,
        ],
        ['-1', null, null, null, null, '["sitting"]'],
        [null, null, 't', null, null, null],
        [null, null, 'f', null, null, null],
      ].map((values, at) => {
        const [
          total_distance,
          total_energy_burned,
          device_screen_on,
          motion_context,
          meal_type,
          body_position,
        ] = values
        return {
          id: `${at + 1}`,
          total_distance,
          total_energy_burned,
          device_screen_on,
          motion_context,
          meal_type,
          body_position,
          parent_id: null,
        }
      }),
    )
  })
  const NO_PROPERTIES = Array<null>(6).fill(null)
})

describe('delivery_log', () => {
  it('has the outcome and the size of each delivery', async () => {
    const body = biomarker({ id: 'logged', profileId: 'profile-log', category: 'activity' })
    await send('sahha', body)
    await service.sahha(body)
    const refused = await service.sahha({ profileId: 'profile-log', type: 1, category: 'x' })
    expect(refused.status).toBe(422)
    expect(
      await service.db.query(
        `select vendor, event, outcome, problem_code, body_bytes, times_received from delivery_log
         where owner = 'profile-log' order by outcome`,
      ),
    ).toEqual([
      {
        vendor: 'sahha',
        event: 'BiomarkerCreatedIntegrationEvent',
        outcome: 'rejected',
        problem_code: 'invalid_body',
        body_bytes: '51',
        times_received: '1',
      },
      {
        vendor: 'sahha',
        event: 'BiomarkerCreatedIntegrationEvent',
        outcome: 'stored',
        problem_code: null,
        body_bytes: `${JSON.stringify(body).length}`,
        times_received: '2',
      },
    ])
  })
})

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  'Index Cond'?: string
  Plans?: Plan[]
}

/** The nodes of a plan that scan a table. */
const scans = (plan: Plan): Plan[] => [
  ...(plan['Relation Name'] ? [plan] : []),
  ...(plan.Plans ?? []).flatMap(scans),
]

describe('a predicate on the owner is an index condition in', () => {
  it.each([
    ['sleep_provisional_slices', 'user_id'],
    ['sleep_epochs', 'user_id'],
    ['sleep_stage_intervals', 'user_id'],
    ['sleep_nights', 'user_id'],
    ['latest_scores', 'profile_id'],
    ['latest_score_factors', 'profile_id'],
    ['daily_biomarkers', 'profile_id'],
    ['data_log_samples', 'profile_id'],
    ['delivery_log', 'owner'],
  ])('%s', async (view, owner) => {
    // The tables are so small that Postgres would prefer sequential scans.
    await service.db.query('set enable_seqscan = off; set enable_bitmapscan = off')
    const row = await onlyRow(`explain (format json) select * from ${view} where ${owner} = 'someone'`)
    const found = scans(JSON.parse(row['QUERY PLAN'] as string)[0].Plan).filter(
      (scan) => scan['Relation Name'] !== 'time_zones',
    )
    expect(found.length).toBeGreaterThan(0)
    for (const scan of found) expect(scan['Index Cond'], scan['Relation Name']).toContain(owner)
  })
})
