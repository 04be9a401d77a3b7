import { Type } from '@sinclair/typebox'
import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { reconcileText } from '../src/cli/reconcile-text.ts'
import { defineEvent } from '../src/contract/event.ts'
import { elementsOf, memberOf, withMembers } from '../src/contract/json-text.ts'
import { PULL } from '../src/contract/pull.ts'
import { Id, Text } from '../src/contract/schema.ts'
import type { Vendor } from '../src/contract/vendor.ts'
import { adaptingStore } from '../src/db/write/adapting-writer.ts'
import { ReconcileReport } from '../src/reconcile/report.ts'
import { provenance, provenanceComments, pulled, pulledComments } from '../src/tables/columns.ts'
import { rowsFor, type Target, target } from '../src/tables/target.ts'
import { type FakeAnswer, type FakeApi, startFakeApi } from './setup/fake-api.ts'
import { fastLimits, forget, type Reconciler, reconcilerOn } from './setup/reconcile.ts'
import { setup, type TestService } from './setup/service.ts'

const period = { from: '2025-11-01T00:00:00Z', to: '2025-11-05T00:00:00Z' }

let api: FakeApi
let service: TestService
let reconciler: Reconciler
beforeAll(async () => {
  api = await startFakeApi()
  service = await setup({ MAINTENANCE: 'off' })
  const credentials = { asleepKey: 'a-key', sahhaClientId: 'a-client', sahhaClientSecret: 'a-secret' }
  reconciler = reconcilerOn(service.db, { asleepUrl: api.url, sahhaUrl: api.url, credentials }, period)
})
beforeEach(async () => {
  await forget(service.db)
  api.requests.length = 0
})
afterAll(async () => {
  await reconciler.close()
  await Promise.all([service.close(), api.close()])
})

describe('Sahha', () => {
  const profile = { profileId: 'profile-1', externalId: 'user-1', accountId: 'account-1' }
  const times = { startDateTime: '2025-11-02T00:00:00+09:00', endDateTime: '2025-11-02T23:59:59+09:00' }
  const steps = {
    category: 'activity',
    type: 'steps',
    periodicity: 'daily',
    aggregation: 'total',
    valueType: 'integer',
  }
  const created = { createdAtUtc: '2025-11-02T20:00:00Z', version: 1 }
  const biomarker = (id: string, value: string, more: object = {}) => ({
    id,
    ...steps,
    value,
    ...times,
    ...more,
  })
  const score = (id: string, more: object) => ({
    id,
    type: 'sleep',
    scoreDateTime: '2025-11-02T00:00:00+09:00',
    ...more,
  })

  /** What Sahha has: its lists as JSON text. */
  const has = (
    lists: { scores?: unknown; biomarkers?: unknown; archetypes?: unknown },
    items: object[] = [profile],
  ) => {
    api.answer = ({ pathname }): FakeAnswer => {
      if (pathname.endsWith('/token')) return { body: { accountToken: 'a-token', expiresIn: 86_400 } }
      if (pathname.endsWith('/search')) {
        const all = items.map((item) => ({ dataLastReceivedAtUtc: '2025-11-03T00:00:00', ...item }))
        return { body: { items: all, totalCount: all.length, currentPage: 0, totalPages: 1 } }
      }
      const [, kind] = /profile\/(score|biomarker|archetypes)\//.exec(pathname) ?? []
      const list = { score: lists.scores, biomarker: lists.biomarkers, archetypes: lists.archetypes }[
        kind as 'score'
      ]
      return list === undefined ? { status: 204 } : { body: list }
    }
  }
  const values = () =>
    service.db.query(
      'select id, value, pulled_at is null as is_sent, account_id, local_date::text from biomarkers order by id',
    )

  it('fills a gap, and replaces nothing that a webhook wrote, although the record has another value', async () => {
    await service.sahha({ ...biomarker('a', '10', created), ...profile })
    has({ biomarkers: [biomarker('a', '12'), biomarker('b', '7', { type: 'floors' })] })
    const run = await reconciler.run('sahha')
    expect(run.byEvent.map(({ reason, records }) => [reason, records])).toEqual([
      ['kept', 1],
      ['missing', 1],
    ])
    const [account_id, local_date] = ['account-1', '2025-11-02']
    expect(await values()).toEqual([
      { id: 'a', value: '10', is_sent: 't', account_id, local_date },
      { id: 'b', value: '7', is_sent: 'f', account_id, local_date },
    ])
    // What is sent afterwards replaces what was pulled, whatever it says of its age.
    await service.sahha({ ...biomarker('b', '8', { type: 'floors' }), ...profile })
    expect((await values())[1]).toMatchObject({ value: '8', is_sent: 't' })
  })

  it('stores no record a second time under another id', async () => {
    await service.sahha({ ...biomarker('a', '10', created), ...profile })
    await service.sahha({ ...score('s', { score: 0.5, ...created }), ...profile })
    has({
      biomarkers: [biomarker('z', '10.0'), biomarker('y', '10')],
      scores: [score('t', { score: 0.5, ...created })],
    })
    const run = await reconciler.run('sahha')
    expect([run.count('missing'), run.count('kept'), run.notes.get('same')]).toEqual([0, 1, 2])
    expect(await values()).toHaveLength(1)
  })

  it('takes a newer revision with its parts, and leaves an older one', async () => {
    const factors = (value: number) => ({ factors: [{ name: 'sleep_duration', value }] })
    const older = { createdAtUtc: '2025-11-01T20:00:00Z', version: 1 }
    await service.sahha({ ...score('new', { score: 0.5, ...factors(1), ...older }), ...profile })
    await service.sahha({
      ...score('old', { type: 'activity', score: 0.5, ...factors(1), ...created }),
      ...profile,
    })
    has({
      scores: [
        score('new', { score: 0.7, ...factors(2), ...created }),
        score('old', { type: 'activity', score: 0.4, ...factors(3), ...older }),
      ],
    })
    const run = await reconciler.run('sahha')
    expect([run.count('differing'), run.count('kept'), run.pulled]).toEqual([1, 1, 1])
    const rows = await service.db.query(
      'select s.id, s.score, f.value from scores as s join score_factors as f on f.score_id = s.id order by s.id',
    )
    expect(rows).toEqual([
      { id: 'new', score: '0.7', value: '2' },
      { id: 'old', score: '0.5', value: '1' },
    ])
  })

  it('keeps every digit, and the text of the record character by character', async () => {
    const record = `{ "id":"s", "type":"sleep", "scoreDateTime":"2025-11-02T00:00:00+09:00",\n "score": 0.90000000000000002220, "note":"a \\"]} b" }`
    has({ scores: `[ ${record} ,\n ${record.replace('"s"', '"t"').replace('"sleep"', '"activity"')}]` })
    expect((await reconciler.run('sahha')).pulled).toBe(2)
    expect((await service.db.query("select score from scores where id = 's'"))[0]?.score).toBe(
      '0.90000000000000002220',
    )
    const [{ body }] = (await service.db.query(
      "select convert_from(body, 'UTF8') as body from delivery_bodies order by body limit 1",
    )) as [{ body: string }]
    expect(body).toContain(record.slice(1, -1).trim())
  })

  it('follows a value that returns to what it was', async () => {
    for (const value of ['10', '12', '10', '12', '10']) {
      has({ biomarkers: [biomarker('a', value)] })
      expect((await reconciler.run('sahha')).pulled).toBe(1)
      expect((await values())[0]?.value).toBe(value)
      expect((await reconciler.run('sahha')).found).toEqual([])
    }
  })

  it('keeps a record that it can not use once, as rejected', async () => {
    has({ biomarkers: [{ ...biomarker('a', '1'), type: 5 }, biomarker('b', '2')] })
    const outcomes = () => service.db.query('select outcome, times_received from deliveries order by outcome')
    await reconciler.run('sahha')
    const after = await outcomes()
    expect(after.map(({ outcome }) => outcome)).toEqual(['rejected', 'stored'])
    await reconciler.run('sahha')
    expect(await outcomes()).toEqual(after)
  })

  it('asks only about profiles that have data in the period, that are named, or that are behind', async () => {
    const asked = () =>
      new Set(api.requests.flatMap(({ line }) => /biomarker\/([^?]+)/.exec(line)?.[1] ?? []))
    const profiles = [
      profile,
      { profileId: 'p2', externalId: 'old', dataLastReceivedAtUtc: '2025-10-01T00:00:00' },
      { profileId: 'p3', externalId: 'never', dataLastReceivedAtUtc: null },
      { profileId: 'p4', externalId: '' },
    ]
    has({}, profiles)
    const run = await reconciler.run('sahha')
    expect(asked()).toEqual(new Set(['user-1']))
    expect([...run.behind]).toEqual(['profile-1'])
    expect([...run.notes]).toEqual([['profiles without an external id, which the API does not give', 1]])
    api.requests.length = 0
    await reconciler.run('sahha', { only: ['p2', 'never'] })
    expect(asked()).toEqual(new Set(['old', 'never']))
    // A delivery that came after the vendor's last data.
    await service.sahha({ ...biomarker('a', '10', created), ...profile })
    api.requests.length = 0
    await reconciler.run('sahha', { onlyBehind: true })
    expect(asked()).toEqual(new Set())
  })

  /** One request at a time, so that the profiles are asked about in the order of the list. */
  const inTurn = { limits: { ...fastLimits, concurrent: 1, attempts: 1 } }
  const two = [profile, { ...profile, profileId: 'profile-2', externalId: 'user-2' }]

  it('asks for a token again after it could not be renewed', async () => {
    has({ biomarkers: [biomarker('a', '1')] }, two)
    const { answer } = api
    const tokens = [
      { body: { accountToken: 'short', expiresIn: 0.001 } },
      { status: 400 },
      { body: { accountToken: 'long', expiresIn: 86_400 } },
    ]
    api.answer = (url, request) =>
      url.pathname.endsWith('/token') ? (tokens.shift() as FakeAnswer) : answer(url, request)
    const run = await reconciler.run('sahha', inTurn)
    expect([run.outcome, run.pulled]).toEqual(['incomplete', 1])
    expect([...run.failures]).toEqual([['POST /api/v1/oauth/account/token was answered 400', 1]])
  })

  it('goes on asking for all categories after one profile was refused', async () => {
    has({}, two)
    const { answer } = api
    api.answer = (url, request) =>
      url.pathname.endsWith('/biomarker/user-1') ? { status: 400 } : answer(url, request)
    const run = await reconciler.run('sahha', inTurn)
    expect([...run.failures]).toEqual([['GET /api/v1/profile/biomarker/… was answered 400', 1]])
    expect(api.requests.find(({ line }) => line.includes('/biomarker/user-2'))?.line).toContain(
      'categories=reproductive',
    )
  })

  it('names nobody in a failure, also if the id looks like a part of the route', async () => {
    has({}, [{ ...profile, externalId: 'anna-b' }])
    const { answer } = api
    api.answer = (url, request) =>
      url.pathname.endsWith('/score/anna-b') ? { status: 400 } : answer(url, request)
    const run = await reconciler.run('sahha')
    expect([...run.failures.keys()]).toEqual(['GET /api/v1/profile/score/… was answered 400'])
  })

  it('takes an answer without a list of profiles for a failure', async () => {
    has({})
    const { answer } = api
    api.answer = (url, request) =>
      url.pathname.endsWith('/search') ? { body: { error: 'none' } } : answer(url, request)
    const run = await reconciler.run('sahha')
    expect([run.outcome, run.reason]).toEqual([
      'failed',
      'GET /api/v1/account/profile/search: the answer has no items',
    ])
  })

  it('counts days that have results and no data log', async () => {
    const on = (day: string) => ({ startDateTime: `${day}T00:00:00Z`, endDateTime: `${day}T23:59:59Z` })
    const log = { logType: 'activity', dataType: 'steps', receivedAtUtc: '2025-11-02T00:00:00Z' }
    const sample = { id: 'l', value: 1, unit: 'count', ...on('2025-11-02') }
    await service.sahha({ ...profile, ...log, dataLogs: [sample] })
    for (const day of ['2025-11-02', '2025-11-03'])
      await service.sahha({ ...biomarker(day, '1', { ...created, ...on(day) }), ...profile })
    has({})
    expect((await reconciler.run('sahha')).suspectDays).toBe(1)
  })
})

describe('Asleep', () => {
  const listed = (at: number) => ({
    session_id: `session-${at}`,
    state: 'COMPLETE',
    session_start_time: '2025-11-02T00:00:00+00:00',
    session_end_time: '2025-11-02T08:00:00+00:00',
    created_timezone: 'UTC',
  })
  const result = (id: string) => ({
    timezone: 'UTC',
    peculiarities: [],
    session: {
      id,
      state: 'COMPLETE',
      start_time: '2025-11-02T00:00:00+00:00',
      end_time: '2025-11-02T08:00:00+00:00',
    },
    stat: null,
  })
  const isList = ({ pathname }: URL) => pathname === '/data/v1/sessions'
  const night = ({ pathname }: URL) => ({
    body: { detail: 'success', result: result(pathname.split('/').at(-1) ?? '') },
  })

  it('reads the whole list, although pages are shorter than they were asked for', async () => {
    const all = Array.from({ length: 130 }, (_, at) => listed(at))
    api.answer = (url) => {
      if (!isList(url)) return night(url)
      const offset = Number(url.searchParams.get('offset'))
      return { body: { result: { sleep_session_list: all.slice(offset, offset + 50) } } }
    }
    const run = await reconciler.run('asleep', { only: ['user-1'] })
    expect([run.count('missing'), run.pulled, run.calls]).toEqual([130, 130, 134])
  })

  it('ends, although the list gives the same page for ever', async () => {
    const page = Array.from({ length: 100 }, (_, at) => listed(at))
    api.answer = (url) => (isList(url) ? { body: { result: { sleep_session_list: page } } } : night(url))
    const run = await reconciler.run('asleep', { only: ['user-1'] })
    expect([run.pulled, run.calls]).toEqual([100, 102])
  })

  it('leaves out what it can not read, and goes on', async () => {
    api.answer = (url) => {
      if (isList(url))
        return {
          body: {
            result: { sleep_session_list: [null, 5, { state: 'COMPLETE' }, ...[1, 2, 3].map(listed)] },
          },
        }
      if (url.pathname.endsWith('-1'))
        return { body: { result: { ...result('session-1'), padding: 'x'.repeat(20_000) } } }
      if (url.pathname.endsWith('-2'))
        return { status: 302, headers: { location: 'http://example.invalid/' } }
      return night(url)
    }
    const run = await reconciler.run('asleep', {
      only: ['user-1'],
      limits: { ...fastLimits, answerBytes: 10_000 },
    })
    expect([run.outcome, run.pulled, run.failed]).toEqual(['incomplete', 1, 2])
    expect([...run.failures.keys()].join()).toMatch(/more than 10000 bytes.*answered 302/)
  })

  it('does not store a session of somebody else', async () => {
    api.answer = (url) =>
      isList(url)
        ? { body: { result: { sleep_session_list: [listed(1)] } } }
        : { body: { result: { user_id: 'user-2', ...result('session-1') } } }
    const run = await reconciler.run('asleep', { only: ['user-1'] })
    expect([run.outcome, run.pulled, run.failed]).toEqual(['incomplete', 0, 1])
    expect(await service.db.query('select * from deliveries')).toEqual([])
  })
})

describe('an imaginary vendor', () => {
  const naps = pgTable(
    'naps',
    { user_id: text().notNull(), id: text().notNull(), value: text(), ...provenance, ...pulled },
    (t) => [primaryKey({ columns: [t.user_id, t.id] })],
  )
  const comment = { user_id: 'The user.', id: 'The nap.', value: 'Its value.' }
  const napTarget = target(naps, {
    about: 'Naps.',
    comments: { ...comment, ...provenanceComments, ...pulledComments },
  }) as unknown as Target
  const nap = defineEvent({
    name: 'nap',
    schema: Type.Object({ user: Id(), id: Id(), value: Text() }),
    example: { user: 'u', id: 'n', value: 'v' },
    normalise: ({ user, id, value }) => [
      rowsFor(napTarget as never, [{ user_id: user, id, value }] as never),
    ],
  })
  const vendor: Vendor = {
    name: 'imaginary',
    credentials: {},
    schemes: { [PULL]: { userHeader: 'x-user', required: true } },
    headers: Type.Object({}),
    keptHeaders: ['x-user'],
    proofs: {},
    events: [nap],
    targets: [napTarget],
    normaliserVersion: 1,
    authenticator: () => null,
    identify: (_headers, body) => ({ name: 'nap', event: nap, owner: body.user, user: body.user }),
    example: () => ({ headers: {}, body: '' }),
    pull: {
      settings: { IMAGINARY_URL: { description: 'Address' } },
      url: 'IMAGINARY_URL',
      required: ['IMAGINARY_URL'],
      compared: [{ target: napTarget, unlike: [] }],
      open: ({ request }) => ({
        people: async function* () {
          const { json } = await request({ path: '/people' })
          for (const id of json as string[]) yield { owner: id, user: id }
        },
        findings: async function* ({ user }) {
          const { text, askedAt } = await request({ path: '/naps/:user', params: { user } })
          for (const record of elementsOf(text)) {
            const body = withMembers(record, { user })
            yield { event: 'nap', get: async () => ({ body, headers: { 'x-user': user }, askedAt }) }
          }
        },
      }),
    },
  }

  it('is pulled from by what its folder declares', async () => {
    await service.db.query(
      'create table naps (user_id text, id text, value text, delivery_id uuid, received_at timestamptz, pulled_at timestamptz, primary key (user_id, id))',
    )
    const run = (value: string) => {
      api.answer = ({ pathname }) => ({ body: pathname === '/people' ? ['a', 'b'] : [{ id: 'n', value }] })
      const store = adaptingStore(reconciler.pool, [napTarget])
      return reconciler.run('', { vendor, store, setting: () => api.url })
    }
    expect((await run('1')).count('missing')).toBe(2)
    expect((await run('1')).found).toEqual([])
    expect((await run('2')).count('differing')).toBe(2)
    const rows = await service.db.query(
      'select user_id, value, pulled_at = received_at as is_pulled from naps order by 1',
    )
    expect(rows).toEqual(['a', 'b'].map((user_id) => ({ user_id, value: '2', is_pulled: 't' })))
  })
})

describe('parts of a JSON text', () => {
  it('are as they are written', () => {
    expect(elementsOf(' [ 1.0 , "a,]" ,{"b":[1,2]} , [] , null,1e400]')).toEqual([
      '1.0',
      '"a,]"',
      '{"b":[1,2]}',
      '[]',
      'null',
      '1e400',
    ])
    expect(elementsOf('[]')).toEqual([])
    expect(elementsOf('{"a":1}')).toEqual([])
    const text = ' {"a" : {"b":"\\"}"} , "c\\"d":-0.10,"a" : 2.50 } '
    expect([memberOf(text, 'a'), memberOf(text, 'c"d'), memberOf(text, 'x')]).toEqual([
      '2.50',
      '-0.10',
      undefined,
    ])
    expect(withMembers('{}', { u: 1 })).toBe('{"u":1}')
    expect(withMembers(' { "v" : 1.0 } ', { u: 'x' })).toBe('{"u":"x","v" : 1.0}')
  })
})

it('a run that failed does not say that nothing is missing', () => {
  const report = new ReconcileReport('asleep')
  expect(reconcileText(report, false)).toContain('Nothing is missing')
  report.end('failed', 'the vendor refused the key.')
  const text = reconcileText(report, false)
  expect(text).toContain('The run is failed: the vendor refused the key.')
  expect(text).not.toContain('Nothing is missing')
})
