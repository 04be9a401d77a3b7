import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sahha } from '../src/vendors/sahha/index.ts'
import { biomarker, dataLog, inference, score, session, USER } from './setup/bodies.ts'
import { emptyServices, signed, type TestService } from './setup/service.ts'

let service: TestService
const emptyService = emptyServices()
beforeEach(async () => {
  service = await emptyService()
})

const rows = (query: string) => service.db.query(query)

describe('identical bytes', () => {
  it('are one delivery, whose arrivals are counted', async () => {
    const first = await service.sahha(biomarker({ category: 'c' }))
    const [before] = await rows('select * from biomarkers')
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => service.sahha(biomarker({ category: 'c' }))),
    )
    for (const answer of answers) {
      expect(answer.json).toEqual({ outcome: 'duplicate', delivery_id: first.json.delivery_id })
    }
    const [ledger, ...others] = await rows('select * from deliveries')
    expect(others).toEqual([])
    expect(ledger).toMatchObject({ times_received: '21', outcome: 'stored' })
    expect(
      ledger?.last_received_at && ledger.received_at && ledger.last_received_at > ledger.received_at,
    ).toBe(true)
    expect(await rows('select * from biomarkers')).toEqual([before])
  })

  it('that arrive concurrently are stored once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => service.sahha(score())))
    const outcomes = answers.map(({ json }) => json.outcome)
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'duplicate')).toHaveLength(49)
    expect(new Set(answers.map(({ json }) => json.delivery_id)).size).toBe(1)
    expect(await rows('select times_received from deliveries')).toEqual([{ times_received: '50' }])
  })

  it('are a duplicate even if other bytes arrived in between', async () => {
    await service.asleep(session({ state: 'first' }), USER)
    await service.asleep(session({ state: 'second' }), USER)
    expect(await service.asleep(session({ state: 'first' }), USER)).toMatchObject({
      json: { outcome: 'duplicate' },
    })
    expect(await rows('select state from sleep_sessions')).toEqual([{ state: 'second' }])
  })

  it('that were rejected are processed again', async () => {
    const body = biomarker({ category: 'c' })
    const wrong = { ...signed(body), 'x-external-id': 'somebody-else' }
    const refused = await service.post('sahha', wrong, body)
    expect(refused.status).toBe(422)
    const accepted = await service.sahha(body)
    expect(accepted).toMatchObject({
      status: 200,
      json: { outcome: 'stored', delivery_id: refused.json.delivery_id },
    })
    expect(await rows('select outcome, problem, times_received, user_id from deliveries')).toEqual([
      { outcome: 'stored', problem: null, times_received: '2', user_id: null },
    ])
    const [row] = await rows(
      'select b.delivery_id, b.received_at = d.received_at as first from biomarkers b join deliveries d on d.owner = b.profile_id',
    )
    expect(row).toEqual({ delivery_id: refused.json.delivery_id, first: 't' })
  })

  it('that are stored stay stored, whatever arrives later', async () => {
    const body = biomarker({ category: 'c' })
    await service.sahha(body)
    const wrong = { ...signed(body), 'x-external-id': 'somebody-else' }
    expect(await service.post('sahha', wrong, body)).toMatchObject({
      status: 200,
      json: { outcome: 'duplicate' },
    })
    expect(await rows('select outcome, problem from deliveries')).toEqual([
      { outcome: 'stored', problem: null },
    ])
  })

  describe('with the name of another event', () => {
    // The body fits both events.
    const body = { ...score({ id: 'both', category: 'c', value: '1' }), factors: [{ name: 'f' }] }
    const SCORE = 'ScoreCreatedIntegrationEvent'
    const BIOMARKER = 'BiomarkerCreatedIntegrationEvent'
    const held = async () => ({
      ledger: await rows('select event, outcome, times_received from deliveries'),
      scores: (await rows('select id from scores')).length,
      factors: (await rows('select name from score_factors')).length,
      biomarkers: (await rows('select id from biomarkers')).length,
    })
    const asBiomarker = { scores: 0, factors: 0, biomarkers: 1 }
    const asScore = { scores: 1, factors: 1, biomarkers: 0 }

    // Only the header decides, even if the body does not fit the event that it names.
    beforeEach(() => {
      vi.spyOn(sahha, 'identify').mockImplementation((headers, body) => {
        const name = String(headers['x-event-type'])
        const event = sahha.events.find((event) => event.name === name)
        return { name, event, owner: body.profileId, user: body.externalId }
      })
    })
    afterEach(() => vi.restoreAllMocks())

    it('are processed again, and the rows of the previous event are deleted', async () => {
      const first = await service.sahha(body, SCORE)
      const second = await service.sahha(body, BIOMARKER)
      expect(second.json).toEqual({ outcome: 'stored', delivery_id: first.json.delivery_id })
      expect(await held()).toEqual({
        ledger: [{ event: BIOMARKER, outcome: 'stored', times_received: '2' }],
        ...asBiomarker,
      })
      expect((await service.sahha(body, BIOMARKER)).json.outcome).toBe('duplicate')
      expect((await service.sahha(body, SCORE)).json.outcome).toBe('stored')
      expect(await held()).toMatchObject(asScore)
      const [row] = await rows(
        'select s.delivery_id = d.delivery_id and s.received_at = d.received_at as same from scores s join deliveries d on d.owner = s.profile_id',
      )
      expect(row).toEqual({ same: 't' })
    })

    it('keep their event if the body does not fit the other one', async () => {
      await service.sahha(body, SCORE)
      expect((await service.sahha(body, 'MysteryEvent')).json.outcome).toBe('duplicate')
      expect(await held()).toMatchObject(asScore)
    })

    it('get the last name within one group', async () => {
      const holder = await service.db.lock('lock table deliveries in access exclusive mode')
      const names = [SCORE, BIOMARKER, BIOMARKER, SCORE, BIOMARKER]
      const answers = names.map((name) => service.sahha(body, name))
      await new Promise((resolve) => setTimeout(resolve, 200))
      await holder.release()
      for (const { json } of await Promise.all(answers))
        expect(['stored', 'duplicate']).toContain(json.outcome)
      expect(await held()).toMatchObject({
        ledger: [{ event: BIOMARKER, times_received: '5' }],
        ...asBiomarker,
      })
    })

    it('get the name that arrived last, in whatever order they are written', async () => {
      await service.sahha(body, SCORE)
      // As if another replica had received the name later and written it earlier.
      await rows(`update deliveries set last_received_at = now() + interval '1 hour'`)
      expect((await service.sahha(body, BIOMARKER)).json.outcome).toBe('duplicate')
      expect(await held()).toMatchObject(asScore)
    })
  })

  it('from two vendors or owners are two deliveries', async () => {
    await service.sahha({})
    await service.post('asleep', { 'x-api-key': 'asleep-test-key', 'x-user-id': USER }, {})
    expect(await rows('select vendor from deliveries order by vendor')).toEqual([
      { vendor: 'asleep' },
      { vendor: 'sahha' },
    ])
  })
})

describe('the newer row replaces the older one', () => {
  const at = (createdAtUtc: string | null, version: number | null, value: string) =>
    biomarker({ category: 'c', createdAtUtc, version, value })

  it.each([
    ['a later creation', at('2025-01-01T00:00:00Z', 9, 'old'), at('2025-01-01T00:00:00.000001Z', 1, 'new')],
    ['a higher version', at('2025-01-01T00:00:00Z', 1, 'old'), at('2025-01-01T00:00:00Z', 1.1, 'new')],
    ['a version over none', at('2025-01-01T00:00:00Z', null, 'old'), at('2025-01-01T00:00:00Z', -1, 'new')],
    ['a creation over none', at(null, 9, 'old'), at('0001-01-01T00:00:00Z', null, 'new')],
    [
      'an instant, not its text',
      at('2025-01-01T12:00:00+14:00', 1, 'old'),
      at('2024-12-31T23:00:00Z', 1, 'new'),
    ],
  ])('%s, in either order', async (_name, old, fresh) => {
    for (const [first, second] of [
      [old, fresh],
      [fresh, old],
    ] as const) {
      await service.db.query('delete from deliveries; delete from biomarkers')
      await service.sahha(first)
      await service.sahha(second)
      expect(await rows('select value from biomarkers')).toEqual([{ value: 'new' }])
      expect(await rows('select count(*) from deliveries')).toEqual([{ count: '2' }])
    }
  })

  it("by arrival if the vendor's times are equal", async () => {
    await service.sahha(at('2025-01-01T00:00:00Z', 1, 'first'))
    await service.sahha(at('2025-01-01T00:00:00Z', 1, 'second'))
    await service.sahha(at(null, null, 'third'))
    expect(await rows('select value from biomarkers')).toEqual([{ value: 'second' }])
  })

  it('within one group', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        service.sahha(
          at(`2025-01-01T00:00:${String((n * 7) % 40).padStart(2, '0')}Z`, 1, String((n * 7) % 40)),
        ),
      ),
    )
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(await rows('select value from biomarkers')).toEqual([{ value: '39' }])
  })

  it('by the receipt of its batch for a data log sample', async () => {
    const sample = (value: number, receivedAtUtc: string) => dataLog([{ id: 's', value }], { receivedAtUtc })
    await service.sahha(sample(2, '2025-01-02T00:00:00Z'))
    await service.sahha(sample(1, '2025-01-01T00:00:00Z'))
    expect(await rows('select value from data_logs')).toEqual([{ value: '2' }])
  })

  it('replaces all factors of a score together', async () => {
    const factors = (...names: string[]) => names.map((name) => ({ name }))
    await service.sahha(score({ createdAtUtc: '2025-01-02T00:00:00Z', factors: factors('a', 'b', 'c') }))
    await service.sahha(score({ createdAtUtc: '2025-01-03T00:00:00Z', factors: factors('d') }))
    await service.sahha(score({ createdAtUtc: '2025-01-01T00:00:00Z', factors: factors('x', 'y') }))
    expect(await rows('select position, name from score_factors')).toEqual([{ position: '0', name: 'd' }])
  })

  it('keeps only the factors of the newest revision when many arrive concurrently', async () => {
    const revision = (n: number) =>
      score({
        createdAtUtc: `2025-01-01T00:00:${String(n).padStart(2, '0')}Z`,
        factors: Array.from({ length: 1 + (n % 5) }, () => ({ name: `of-${n}` })),
      })
    const order = Array.from({ length: 48 }, (_, n) => (n * 29) % 48)
    const answers = await Promise.all(order.map((n) => service.sahha(revision(n))))
    expect(new Set(answers.map(({ json }) => json.outcome))).toEqual(new Set(['stored']))
    expect(await rows('select position, name from score_factors order by position')).toEqual(
      [0, 1, 2].map((position) => ({ position: String(position), name: 'of-47' })),
    )
  })

  it('replaces the stats and series of a session together', async () => {
    const full = session({ sleep_stages: [0, 1], snoring_stages: [0, 1] }, { stat: { sleep_index: 1 } })
    await service.asleep(full, USER)
    await service.asleep(session({ sleep_stages: [2, 2] }, { stat: null }), USER)
    expect(await rows('select series, stages from sleep_stage_series')).toEqual([
      { series: 'sleep', stages: '{2,2}' },
    ])
    expect(await rows('select * from sleep_stats')).toEqual([])
  })
})

describe('INFERENCE_COMPLETE', () => {
  const early = inference({ inference_seq_num: 0 })
  const late = inference({ inference_seq_num: 1, sleep_stages: [2] })

  it.each([
    ['before', [early, late, session()]],
    ['after', [session(), late, early]],
    ['on both sides of', [late, session(), early]],
  ])('%s its SESSION_COMPLETE gives the same rows', async (_name, bodies) => {
    for (const body of bodies) expect(await service.asleep(body, USER)).toMatchObject({ status: 200 })
    expect(await rows('select inference_seq_num, stages from sleep_stage_windows order by 1')).toEqual([
      { inference_seq_num: '0', stages: '{0,1}' },
      { inference_seq_num: '1', stages: '{2}' },
    ])
    expect(await rows('select state from sleep_sessions')).toEqual([{ state: 'COMPLETE' }])
  })

  it('is stored without a SESSION_COMPLETE', async () => {
    await service.asleep(early, USER)
    expect(await rows('select * from sleep_sessions')).toEqual([])
    expect(await rows('select stages from sleep_stage_windows')).toEqual([{ stages: '{0,1}' }])
  })
})
