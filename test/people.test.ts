import { spawn } from 'node:child_process'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { storeAllDays } from '../src/db/days/background.ts'
import { link } from '../src/db/links.ts'
import { resetSession } from '../src/db/migrate/migrate.ts'
import { erase, eraseFenced } from '../src/erase/erase.ts'
import { fencePersons } from '../src/erase/fenced.ts'
import { type Person, personOfOwner, personsOf } from '../src/erase/person.ts'
import { sleepDate } from '../src/vendors/asleep/sleep-date.ts'
import { vendors } from '../src/vendors/index.ts'
import { biomarker, score, session } from './setup/bodies.ts'
import { itOnOneServer } from './setup/one-server.ts'
import { built } from './setup/program.ts'
import { setup, type TestService } from './setup/service.ts'

vi.setConfig({ testTimeout: 60_000 })

let service: TestService
let client: pg.Client

beforeAll(async () => {
  service = await setup({ MAINTENANCE: 'off' })
  client = new pg.Client(service.db.direct)
  await client.connect()
  await resetSession(client, 'public')
})
afterAll(async () => {
  await client.end()
  await service.close()
})
beforeEach(async () => {
  const tables = [
    'deliveries',
    'body_groups',
    'owners',
    'person_links',
    'erasures',
    'scores',
    'biomarkers',
    'sleep_sessions',
  ]
  for (const table of tables) await service.db.query(`delete from ${table}`)
})

const rows = (query: string, ...values: unknown[]) => service.db.query(query, values)
const people = () =>
  rows('select person_id, vendor, owner, user_id, is_linked from people order by vendor, owner')

/** A night of a user, from a local time of the evening on, with so many hours of sleep. */
async function night(
  user: string,
  id: string,
  start: string,
  hours: number,
  zone = 'Asia/Seoul',
  offset = '+09:00',
) {
  const at = (h: number) => new Date(Date.parse(`${start}${offset}`) + h * 3_600_000).toISOString()
  const stat = {
    sleep_time: at(0.25),
    wake_time: at(0.25 + hours),
    time_in_bed: (hours + 0.5) * 3600,
    time_in_sleep: hours * 3600,
    time_in_deep: 3600,
    sleep_efficiency: 0.9,
  }
  const fields = { id, start_time: `${start}${offset}`, end_time: at(hours + 0.5), created_timezone: zone }
  const { status } = await service.asleep(
    session(fields, { user_id: user, missing_data_ratio: 0.02, stat }),
    user,
  )
  expect(status).toBe(200)
}

async function sahha(body: object) {
  expect((await service.sahha({ category: 'activity', ...body })).json.outcome).toBe('stored')
}

describe('people', () => {
  it('are one if the ids of both vendors are equal; a profile without an external id is its own', async () => {
    await night('user-1', 's1', '2025-01-14T23:00:00', 7)
    await sahha(score())
    await sahha(biomarker({ profileId: 'profile-2', externalId: '' }))
    await sahha(biomarker({ profileId: 'profile-3', externalId: null, id: 'b3' }))
    expect(await people()).toEqual([
      { person_id: 'user-1', vendor: 'asleep', owner: 'user-1', user_id: 'user-1', is_linked: 'f' },
      { person_id: 'user-1', vendor: 'sahha', owner: 'profile-1', user_id: 'user-1', is_linked: 'f' },
      { person_id: 'profile-2', vendor: 'sahha', owner: 'profile-2', user_id: '', is_linked: 'f' },
      { person_id: 'profile-3', vendor: 'sahha', owner: 'profile-3', user_id: '', is_linked: 'f' },
    ])
  })

  it('a rejected delivery names nobody, and a profile that gets an external id later keeps the first one', async () => {
    expect(
      (await service.sahha({ ...biomarker(), category: 'activity', id: null, profileId: 'profile-9' }))
        .status,
    ).toBe(422)
    expect(await people()).toEqual([])
    await sahha(biomarker({ externalId: '' }))
    const [before] = await rows('select first_received_at from owners')
    await sahha(biomarker({ value: '2' }))
    await sahha(biomarker({ value: '3', externalId: 'another' }))
    expect(await people()).toMatchObject([{ person_id: 'user-1', owner: 'profile-1' }])
    const [after] = await rows('select first_received_at from owners')
    expect((after?.first_received_at as string) > (before?.first_received_at as string)).toBe(true)
  })
})

function nightpost(...given: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [program, ...rest] = [process.execPath, ...built('cli/main'), ...given]
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, DATABASE_URL: service.db.direct },
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (data) => (output[name] += data))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? -1, ...output })))
}

describe('nightpost link', () => {
  it('links ids that differ, lists them, and removes the link', async () => {
    await night('G-1', 's1', '2025-01-14T23:00:00', 7)
    await sahha(score())
    const linked = await nightpost('link', '--vendor', 'asleep', '--owner', 'G-1', '--person', 'user-1')
    expect(linked).toEqual({
      code: 0,
      stdout: 'asleep  G-1  linked\nsahha  profile-1  user-1\n',
      stderr: '',
    })
    expect((await people()).map(({ person_id }) => person_id)).toEqual(['user-1', 'user-1'])
    expect(JSON.parse((await nightpost('link', '--json')).stdout)).toEqual([
      { vendor: 'asleep', owner: 'G-1', person_id: 'user-1', linked_at: expect.stringMatching(/Z$/) },
    ])
    expect(await nightpost('link', '--vendor', 'asleep', '--owner', 'G-1', '--remove')).toMatchObject({
      code: 0,
    })
    expect(await nightpost('link', '--vendor', 'asleep', '--owner', 'G-1', '--remove')).toMatchObject({
      code: 1,
    })
    expect((await people()).map(({ person_id }) => person_id)).toEqual(['G-1', 'user-1'])
    expect(await nightpost('link', '--owner', 'G-1', '--person', 'x')).toMatchObject({ code: 2 })
  })

  it('holds for an owner who sends something later, and for one who is recorded at the same moment', async () => {
    await link(client, 'asleep', 'G-later', 'ann')
    await night('G-later', 's1', '2025-01-14T23:00:00', 7)
    const other = new pg.Client(service.db.direct)
    await other.connect()
    await other.query(`begin; insert into owners values ('G-now', 'asleep', 'G-now', 'G-now', now())`)
    const linking = link(client, 'asleep', 'G-now', 'ann')
    await expect
      .poll(() => rows(`select from pg_locks where relation = 'owners'::regclass and not granted`))
      .toHaveLength(1)
    await other.query('commit')
    await other.end()
    await linking
    expect((await people()).map(({ person_id, owner }) => [person_id, owner])).toEqual([
      ['ann', 'G-later'],
      ['ann', 'G-now'],
    ])
  })

  it('does not store the id of a person who was erased', async () => {
    const [asleep, sahhaVendor] = vendors as [(typeof vendors)[number], (typeof vendors)[number]]
    await erase(client, await personOfOwner(client, asleep, 'G-gone'))
    await erase(client, { vendor: sahhaVendor, owners: [], users: ['user-gone'], sharedUsers: [] })
    for (const given of [
      ['--vendor', 'asleep', '--owner', 'G-gone', '--person', 'user-1'],
      ['--vendor', 'sahha', '--owner', 'profile-1', '--person', 'user-gone'],
    ]) {
      const refused = await nightpost('link', ...given)
      expect(refused).toMatchObject({ code: 1, stdout: '' })
      expect(refused.stderr).toMatch(/was erased/)
    }
    expect(await rows('select * from person_links')).toEqual([])
  })
})

it('nightpost erase --person erases and fences the ids of both vendors', async () => {
  await night('G-1', 's1', '2025-01-14T23:00:00', 7)
  await night('G-2', 's2', '2025-01-14T23:00:00', 7)
  await sahha(score())
  await sahha(score({ profileId: 'profile-2', externalId: 'user-2' }))
  for (const owner of ['G-1', 'G-2'])
    await nightpost('link', '--vendor', 'asleep', '--owner', owner, '--person', owner.replace('G', 'user'))

  expect(await nightpost('erase', '--person', 'user-1')).toMatchObject({ code: 2 })
  const erased = await nightpost('erase', '--person', 'user-1', '--yes', '--json')
  expect(erased.code).toBe(0)
  const certificates = JSON.parse(erased.stdout)
  expect(
    certificates.map(({ owners, rowsLeft }: { owners: string[]; rowsLeft: number }) => [owners, rowsLeft]),
  ).toEqual([
    [['G-1', 'user-1'], 0],
    [['profile-1'], 0],
  ])
  expect((await people()).map(({ owner }) => owner)).toEqual(['G-2', 'profile-2'])
  expect(await rows('select owner from person_links')).toEqual([{ owner: 'G-2' }])
  const answers = [
    await service.asleep(session({ id: 's9' }, { user_id: 'G-1' }), 'G-1'),
    await service.sahha(score({ id: 'late', profileId: 'profile-new' })),
  ]
  expect(answers.map(({ json }) => json.outcome)).toEqual(['erased', 'erased'])
  expect(await rows('select owner from owners order by 1')).toEqual([
    { owner: 'G-2' },
    { owner: 'profile-2' },
  ])
  expect((await personsOf(client, vendors, 'user-1')).map(({ owners }) => owners)).toEqual([['user-1'], []])
})

it('an erasure of both vendors that ends after the first one is finished by a second run', async () => {
  await night('G-1', 's1', '2025-01-14T23:00:00', 7)
  await sahha(score())
  for (const [vendor, owner] of [
    ['asleep', 'G-1'],
    ['sahha', 'profile-1'],
  ] as const)
    await nightpost('link', '--vendor', vendor, '--owner', owner, '--person', 'me')
  // As the command does it. The links, which it deletes here, are all that says who "me" is.
  const [ofAsleep] = await fencePersons(client, () => personsOf(client, vendors, 'me'))
  await eraseFenced(client, ofAsleep as Person)
  expect(await rows('select * from person_links')).toEqual([])
  expect((await service.sahha(score({ id: 'meanwhile' }))).json.outcome).toBe('erased')

  const second = await nightpost('erase', '--person', 'me', '--yes', '--json')
  expect(JSON.parse(second.stdout)).toMatchObject([
    { vendor: 'asleep', rowsLeft: 0 },
    { vendor: 'sahha', owners: ['profile-1'], rowsLeft: 0 },
  ])
  expect(await rows('select profile_id from scores')).toEqual([])
  const lifted = await nightpost('erase', '--vendor', 'asleep', '--owner', 'G-1', '--lift', '--json')
  expect(JSON.parse(lifted.stdout)).toEqual({ lifted: 7 })
  await sahha(score({ id: 'back' }))
  expect(await rows('select id from scores')).toEqual([{ id: 'back' }])
})

describe('user_days', () => {
  it('has one row per person and day, with both vendors', async () => {
    await night('user-1', 's1', '2025-01-14T23:30:00', 7)
    await night('user-1', 'nap', '2025-01-15T14:00:00', 1)
    await night('user-1', 's2', '2025-01-15T23:30:00', 6)
    const day = {
      startDateTime: '2025-01-15T00:00:00+09:00',
      endDateTime: '2025-01-15T23:59:59+09:00',
      periodicity: 'daily',
    }
    const at = (value: string, createdAtUtc: string, fields = {}) =>
      sahha(
        biomarker({
          id: `${value}-${createdAtUtc}`,
          value,
          createdAtUtc,
          aggregation: 'total',
          unit: 'count',
          ...day,
          ...fields,
        }),
      )
    await at('8000', '2025-01-15T09:00:00Z')
    await at('7000', '2025-01-15T08:00:00Z')
    await at('1', '2025-01-15T10:00:00Z', { aggregation: 'minimum' })
    await at('9', '2025-01-15T10:00:00Z', { periodicity: 'weekly' })
    await at('71.5', '2025-01-15T10:00:00Z', { type: 'weight', unit: 'kg' })
    await at('55', '2025-01-15T10:00:00Z', { type: 'heart_rate_resting', unit: 'Hz' })
    // A sleep from the evening on belongs to the day of waking.
    await at('400', '2025-01-15T10:00:00Z', {
      type: 'sleep_duration',
      unit: 'minute',
      startDateTime: '2025-01-14T18:00:00+09:00',
      endDateTime: '2025-01-15T17:59:59+09:00',
    })
    await sahha(score({ scoreDateTime: '2025-01-15T00:00:00+09:00', score: 0.8125 }))
    await sahha(score({ id: 'r', type: 'readiness', scoreDateTime: '2025-01-17T00:00:00+09:00', score: 0 }))
    const columns = `person_id, local_date, local_weekday, session_id, local_bed_time, bed_minutes, wake_minutes, asleep_minutes, deep_minutes,
      rem_minutes, nap_count, nap_minutes, session_count, is_provisional, missing_data_ratio, profile_id, sleep_score, readiness_score,
      steps, weight_kg, resting_heart_rate_bpm, device_asleep_minutes`
    const empty = Object.fromEntries(columns.split(/,\s+/).map((name) => [name, null]))
    const of = { ...empty, person_id: 'user-1' }
    expect(await rows(`select ${columns} from user_days order by local_date`)).toEqual([
      {
        ...of,
        ...{
          local_date: '2025-01-15',
          local_weekday: '3',
          session_id: 's1',
          local_bed_time: '2025-01-14 23:30:00',
        },
        ...{ bed_minutes: '-30', wake_minutes: '405', asleep_minutes: '420', deep_minutes: '60' },
        ...{
          nap_count: '1',
          nap_minutes: '60',
          session_count: '2',
          is_provisional: 'f',
          missing_data_ratio: '0.02',
        },
        ...{
          profile_id: 'profile-1',
          sleep_score: '0.8125',
          steps: '8000',
          weight_kg: '71.5',
          device_asleep_minutes: '400',
        },
      },
      {
        ...of,
        ...{
          local_date: '2025-01-16',
          local_weekday: '4',
          session_id: 's2',
          local_bed_time: '2025-01-15 23:30:00',
        },
        ...{ bed_minutes: '-30', wake_minutes: '345', asleep_minutes: '360', deep_minutes: '60' },
        ...{ nap_count: '0', session_count: '1', is_provisional: 'f', missing_data_ratio: '0.02' },
      },
      {
        ...of,
        ...{ local_date: '2025-01-17', local_weekday: '5', nap_count: '0', session_count: '0' },
        ...{ profile_id: 'profile-1', readiness_score: '0' },
      },
    ])
  })

  it('has one main sleep per person, also of two linked users', async () => {
    await night('G-1', 's1', '2025-01-14T23:00:00', 5)
    await night('G-2', 's2', '2025-01-14T23:00:00', 7)
    for (const owner of ['G-1', 'G-2']) await link(client, 'asleep', owner, 'ann')
    expect(
      await rows(
        'select person_id, user_id, session_id, asleep_minutes, nap_count, session_count from user_days',
      ),
    ).toEqual([
      {
        person_id: 'ann',
        user_id: 'G-2',
        session_id: 's2',
        asleep_minutes: '420',
        nap_count: '1',
        session_count: '2',
      },
    ])
  })

  itOnOneServer('plan')('reaches an index of each table by the person, and by the day', async () => {
    await rows(`insert into owners select 'G-' || n, 'asleep', 'G-' || n, 'G-' || n, now() from generate_series(1, 5000) as n
      union all select 'profile-' || n, 'sahha', 'G-' || n, 'G-' || n, now() from generate_series(1, 5000) as n`)
    await rows(`insert into sleep_sessions (user_id, session_id, sleep_date, delivery_id, received_at)
      select 'G-' || n, 's' || d, date '2025-01-01' + d, gen_random_uuid(), now() from generate_series(1, 5000) as n, generate_series(1, 4) as d`)
    await rows(`insert into sleep_stats (user_id, session_id, delivery_id, received_at)
      select user_id, session_id, delivery_id, received_at from sleep_sessions`)
    await rows(`insert into scores (profile_id, id, type, local_date, delivery_id, received_at)
      select 'profile-' || n, 'x' || d, 'sleep', date '2025-01-01' + d, gen_random_uuid(), now() from generate_series(1, 5000) as n, generate_series(1, 4) as d`)
    await rows(`insert into biomarkers (profile_id, id, type, periodicity, start_date_time, delivery_id, received_at)
      select 'profile-' || n, 'x' || d, 'steps', 'daily', date '2025-01-01' + d, gen_random_uuid(), now() from generate_series(1, 5000) as n, generate_series(1, 4) as d`)
    for (const table of ['owners', 'sleep_sessions', 'sleep_stats', 'scores', 'biomarkers', 'person_links'])
      await rows(`analyze ${table}`)
    const scanned = async (where: string) => {
      const plan = await rows(`explain select * from user_days where ${where}`)
      return plan
        .map((row) => /Seq Scan on (\w+)/.exec(Object.values(row)[0] as string)?.[1])
        .filter(
          (table) => table !== undefined && !['time_zones', 'person_links', 'stored_days'].includes(table),
        )
    }
    expect(await scanned(`person_id = 'G-7'`)).toEqual([])
    expect(await scanned(`person_id = 'G-7' and local_date between '2025-01-02' and '2025-01-04'`)).toEqual(
      [],
    )
    expect((await scanned(`local_date = '2025-01-09'`)).filter((table) => table !== 'owners')).toEqual([])

    // The same while days are stored, and some persons have changed data.
    await storeAllDays(client, {
      schema: 'public',
      targets: vendors.flatMap(({ targets }) => targets),
      signal: new AbortController().signal,
    })
    await rows('analyze stored_days')
    await rows(`update owners set change_position = 9e15 where owner in ('G-7', 'profile-8')`)
    expect(await rows('select stored_days_are_complete() as is')).toEqual([{ is: 't' }])
    const used = async (where: string) =>
      (await rows(`explain (analyze, timing off) select * from user_days where ${where}`))
        .map((row) => Object.values(row)[0] as string)
        .filter((line) => !line.includes('never executed'))
        .map((line) => /(?:Seq Scan on|Scan using|Bitmap Index Scan on) (\w+)/.exec(line)?.[1])
    const day = await used(`local_date = '2025-01-04'`)
    expect(day).toContain('stored_days_local_date_idx')
    expect(day).toContain('owners_person_hash_idx')
    expect(
      day.filter((name) => ['scores', 'biomarkers', 'sleep_sessions', 'owners'].includes(name ?? '')),
    ).toEqual([])
    const person = await used(`person_id = 'G-8'`)
    expect(person).toContain('stored_days_person_id_local_date_pk')
    expect(
      person.filter((name) => ['scores', 'biomarkers', 'sleep_sessions', 'stored_days'].includes(name ?? '')),
    ).toEqual([])
  })
})

it('sleepDate agrees with Postgres about which names are zones, and about the date', async () => {
  const zones = await rows('select name from time_zones')
  const odd = [
    'europe/berlin',
    'EUROPE/BERLIN',
    'Europe/BERLIN',
    'EST',
    'CET',
    'PST8PDT',
    '+09:00',
    'UTC+9',
    'Nowhere/Else',
    'Factory',
    'posix/UTC',
  ]
  const names = [...zones.map(({ name }) => name as string), ...odd]
  // The middle of a winter and of a summer, at the hours where zones differ. Rules of these years are the same everywhere.
  const instants = ['2021-01-15T10:30:00Z', '2021-07-15T13:30:00Z', '2021-07-15T00:10:00.123456Z']
  const expected = await rows(
    `select n.name, i.instant, (i.instant::timestamptz at time zone coalesce(z.name, 'UTC'))::date as date
     from unnest($1::text[]) as n(name) cross join unnest($2::text[]) as i(instant) left join time_zones as z on z.name = n.name`,
    names,
    instants,
  )
  expect(expected).toHaveLength(names.length * instants.length)
  const wrong = expected.filter(
    ({ name, instant, date }) => sleepDate(instant as string, name, null) !== date,
  )
  expect(wrong).toEqual([])
  expect(sleepDate(null, 'Asia/Seoul', null)).toBeNull()
  expect(sleepDate('2025-01-14T20:00:00Z', undefined, 'Asia/Seoul')).toBe('2025-01-15')
})
