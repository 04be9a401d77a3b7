import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from './setup/database.ts'
import { type Cells, epochsOf, intervalsOf, type Night } from './setup/stage-model.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase()
})
afterAll(() => db.drop())

const DELIVERY = '019a0000-0000-7000-8000-000000000000'

async function store(nights: Night[]) {
  for (const { user_id, session_id, session, final, windows } of nights) {
    if (session) {
      await db.query(
        `insert into sleep_sessions (user_id, session_id, state, start_time, delivery_id, received_at)
         values ($1, $2, $3, $4, $5, now())`,
        [user_id, session_id, session.state, session.start_time, DELIVERY],
      )
      for (const [series, stages] of Object.entries(final)) {
        await db.query(`insert into sleep_stage_series values ($1, $2, $3, $4, $5, now())`, [
          ...[user_id, session_id, series, stages, DELIVERY],
        ])
      }
    }
    for (const { series, k, stages } of windows) {
      await db.query(
        `insert into sleep_stage_windows (user_id, session_id, series, inference_seq_num, stages, delivery_id, received_at)
         values ($1, $2, $3, $4, $5, $6, now())`,
        [user_id, session_id, series, k, stages, DELIVERY],
      )
    }
  }
}

const cells = (rows: Array<Record<string, string | null>>): Cells[] => rows.map((row) => Object.values(row))

async function epochs({ user_id, session_id }: Night) {
  return cells(
    await db.query(
      `select series, epoch_index, starts_at, stage, stage_name, provisional from sleep_epochs
       where user_id = $1 and session_id = $2 order by series, epoch_index`,
      [user_id, session_id],
    ),
  )
}

async function intervals({ user_id, session_id }: Night) {
  return cells(
    await db.query(
      `select series, first_epoch, epochs, starts_at, ends_at, duration_seconds, stage, provisional
       from sleep_stage_intervals where user_id = $1 and session_id = $2 order by series, first_epoch`,
      [user_id, session_id],
    ),
  )
}

const START = '2025-01-15T02:50:29Z'
const COMPLETE = { state: 'COMPLETE', start_time: START }
let made = 0
const night = (fields: Partial<Night>): Night => ({
  user_id: `user-${++made}`,
  session_id: 'session-1',
  final: {},
  windows: [],
  ...fields,
})
const sleep = (k: number, stages: number[]) => ({ series: 'sleep', k, stages })
const of = (length: number, stage: number) => Array<number>(length).fill(stage)

describe('hand-made nights', () => {
  const cases: Array<{ name: string; night: Night; expected: string[] }> = [
    {
      name: 'only no_data: one interval',
      night: night({ session: COMPLETE, final: { sleep: of(5, -1) } }),
      expected: ['0+5 -1 f 02:50:29-02:52:59'],
    },
    {
      name: 'one epoch: one interval',
      night: night({ session: COMPLETE, final: { sleep: [2] } }),
      expected: ['0+1 2 f 02:50:29-02:50:59'],
    },
    {
      name: 'an empty array: no epoch',
      night: night({ session: COMPLETE, final: { sleep: [] } }),
      expected: [],
    },
    {
      name: 'a final array replaces all windows, even if they cover more epochs',
      night: night({ session: COMPLETE, final: { sleep: [1, 1, 0] }, windows: [sleep(3, of(40, 3))] }),
      expected: ['0+2 1 f 02:50:29-02:51:29', '2+1 0 f 02:51:29-02:51:59'],
    },
    {
      name: 'a complete session without the array shows no window',
      night: night({ session: COMPLETE, windows: [sleep(0, of(10, 1))] }),
      expected: [],
    },
    {
      name: 'a session that is not complete shows its windows',
      night: night({ session: { ...COMPLETE, state: 'OPEN' }, windows: [sleep(0, of(10, 1))] }),
      expected: ['0+10 1 t 02:50:29-02:55:29'],
    },
    {
      name: 'windows without a session row have epochs without times',
      night: night({ windows: [sleep(0, of(10, 0)), sleep(1, of(10, 1))] }),
      expected: ['0+10 0 t -', '10+10 1 t -'],
    },
    {
      name: 'of overlapping windows the later one counts, and equal adjacent stages are one interval',
      night: night({ windows: [sleep(3, of(40, 1)), sleep(4, [...of(30, 1), ...of(10, 2)])] }),
      expected: ['0+40 1 t -', '40+10 2 t -'],
    },
    {
      name: 'a long later window covers earlier ones',
      night: night({ windows: [sleep(0, of(10, 1)), sleep(1, of(10, 2)), sleep(2, of(40, 3))] }),
      expected: ['0+30 3 t -'],
    },
    {
      name: 'a gap separates intervals of one stage',
      night: night({ windows: [sleep(0, of(10, 1)), sleep(2, of(10, 1)), sleep(3, of(4, 1))] }),
      expected: ['0+10 1 t -', '20+10 1 t -', '36+4 1 t -'],
    },
    {
      name: 'the epochs of a window before the start of the session are not shown',
      night: night({ windows: [sleep(0, [...of(30, 3), ...of(10, 1)])] }),
      expected: ['0+10 1 t -'],
    },
    {
      name: 'a window entirely before the session does not affect the others',
      night: night({ windows: [sleep(-1, of(40, 3)), sleep(-2, of(5, 2)), sleep(0, of(10, 1))] }),
      expected: ['0+10 1 t -'],
    },
    {
      name: 'only windows before the session: nothing is shown',
      night: night({
        session: { ...COMPLETE, state: 'OPEN' },
        windows: [sleep(-1, of(10, 3)), sleep(-40, [1])],
      }),
      expected: [],
    },
    {
      name: 'a later window that reaches before the session covers all of an earlier one',
      night: night({ windows: [sleep(0, of(25, 3)), sleep(1, [...of(30, 2), ...of(10, 1)])] }),
      expected: ['0+10 2 t -', '10+10 1 t -'],
    },
    {
      name: 'an earlier window that reaches further back than the session starts shows only epochs of the session',
      night: night({ windows: [sleep(0, of(300, 3)), sleep(1, of(15, 2))] }),
      expected: ['0+5 3 t -', '5+15 2 t -'],
    },
    {
      name: 'the smallest sequence number of the column',
      night: night({ windows: [sleep(-(2 ** 31), of(20, 1)), sleep(0, of(10, 0))] }),
      expected: ['0+10 0 t -'],
    },
    {
      name: 'extreme sequence numbers are no error',
      night: night({ windows: [sleep(-3, of(10, 1)), sleep(2 ** 31 - 1, [2, 2]), sleep(0, [])] }),
      expected: ['21474836478+2 2 t -'],
    },
    {
      name: 'undocumented codes are shown',
      night: night({ session: { ...COMPLETE, start_time: null }, final: { sleep: [7, 7, 0] } }),
      expected: ['0+2 7 f -', '2+1 0 f -'],
    },
  ]

  it.each(cases)('$name', async ({ night, expected }) => {
    await store([night])
    const time = (text: string | null | undefined) => text?.slice(11, 19) ?? ''
    expect(
      (await intervals(night)).map(
        ([, first, epochs, starts, ends, , stage, provisional]) =>
          `${first}+${epochs} ${stage} ${provisional} ${time(starts)}-${time(ends)}`,
      ),
    ).toEqual(expected)
    expect(await intervals(night)).toEqual(intervalsOf(night))
    expect(await epochs(night)).toEqual(epochsOf(night))
  })

  it('sleep, breath and snoring are separate series', async () => {
    const three = night({
      session: COMPLETE,
      final: { sleep: [1], breath: [4] },
      windows: [{ series: 'snoring', k: 0, stages: [1, 0] }],
    })
    await store([three])
    expect(await epochs(three)).toEqual([
      ['breath', '0', '2025-01-15 02:50:29+00', '4', null, 'f'],
      ['sleep', '0', '2025-01-15 02:50:29+00', '1', 'light', 'f'],
    ])
  })
})

const stages = (maxLength: number) => fc.array(fc.integer({ min: -1, max: 4 }), { maxLength })
const arbitraryNight = fc
  .record(
    {
      session: fc.record({
        state: fc.constantFrom('OPEN', 'CLOSED', 'COMPLETE', null),
        start_time: fc.constantFrom(START, '2025-03-09T06:10:00Z', null),
      }),
      final: fc.dictionary(fc.constantFrom('sleep', 'breath', 'snoring'), stages(30), { maxKeys: 2 }),
      windows: fc.uniqueArray(
        fc.record({
          series: fc.constantFrom('sleep', 'sleep', 'snoring'),
          k: fc.integer({ min: -6, max: 12 }),
          stages: stages(60),
        }),
        { selector: ({ series, k }) => `${series} ${k}`, maxLength: 8 },
      ),
    },
    { requiredKeys: ['final', 'windows'] },
  )
  .map(({ final, ...rest }) => night({ ...rest, final: rest.session ? { ...final } : {} } as Partial<Night>))

it('the views agree with a model that computes each epoch, for random arrays and windows', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryNight, async (night) => {
      const fresh = { ...night, user_id: `user-${++made}` }
      await store([fresh])
      expect(await epochs(fresh)).toEqual(epochsOf(fresh))
      expect(await intervals(fresh)).toEqual(intervalsOf(fresh))
      const [{ least } = {}] = await db.query(
        'select min(first_epoch) as least from sleep_provisional_slices where user_id = $1',
        [fresh.user_id],
      )
      expect(Number(least ?? 0)).toBeGreaterThanOrEqual(0)
    }),
    { numRuns: 150 },
  )
})
