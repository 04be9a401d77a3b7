import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from './setup/database.ts'

/** The measures of sleep, compared with values that are computed by hand or epoch by epoch. */

let db: TestDatabase
let users = 0
beforeAll(async () => {
  db = await createDatabase()
})
afterAll(() => db.drop())

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const EPOCH = 30_000

interface Recording {
  /** Start of the recording, local time as if it were UTC. */
  readonly from: string
  /** W, L, D, R or - (no data), each with the number of its epochs of 30 s: `W10 L120`. */
  readonly stages: string
}

const STAGES = { '-': -1, W: 0, L: 1, D: 2, R: 3 } as const

const expand = (stages: string): number[] =>
  stages.split(' ').flatMap((run) => {
    const stage = STAGES[run[0] as keyof typeof STAGES]
    return Array.from({ length: Number(run.slice(1)) }, () => stage)
  })

/** Stores the recordings of a new user, in the time zone UTC. */
async function sleeper(recordings: readonly Recording[]): Promise<string> {
  users += 1
  const user = `sleeper-${users}`
  for (const [at, { from, stages }] of recordings.entries()) {
    const epochs = expand(stages)
    const start = Date.parse(`${from}Z`)
    const isAsleep = (stage: number) => stage > 0
    const first = epochs.findIndex(isAsleep)
    const last = epochs.findLastIndex(isAsleep)
    const instant = (epoch: number) => (first < 0 ? null : new Date(start + epoch * EPOCH).toISOString())
    const key = [user, `session-${at}`]
    const end = new Date(start + epochs.length * EPOCH).toISOString()
    await db.query(
      `insert into sleep_sessions (user_id, session_id, state, created_timezone, start_time, end_time, delivery_id, received_at)
       values ($1, $2, 'COMPLETE', 'UTC', $3, $4, gen_random_uuid(), now())`,
      [...key, `${from}Z`, end],
    )
    await db.query(
      `insert into sleep_stats (user_id, session_id, sleep_time, wake_time, time_in_sleep, delivery_id, received_at)
       values ($1, $2, $3, $4, $5, gen_random_uuid(), now())`,
      [...key, instant(first), instant(last + 1), epochs.filter(isAsleep).length * 30],
    )
    await db.query(
      `insert into sleep_stage_series (user_id, session_id, series, stages, delivery_id, received_at)
       values ($1, $2, 'sleep', $3, gen_random_uuid(), now())`,
      [...key, epochs],
    )
  }
  return user
}

async function value(query: string, ...values: unknown[]): Promise<number | null> {
  const [row] = await db.query(`select (${query})::text as value`, values)
  return row?.value == null ? null : Number(row.value)
}

const nights = (user: string) =>
  db.query(
    `select session_id, sleep_date, local_weekday, round(bed_minutes::numeric, 2) as bed, round(wake_minutes::numeric, 2) as wake,
       midpoint_minutes as middle, is_main_sleep as main, is_nap as nap from sleep_nights where user_id = $1 order by start_time`,
    [user],
  )

describe('sleep_nights', () => {
  it('has one main sleep a day, naps, and times that can be averaged across midnight', async () => {
    const user = await sleeper([
      // Monday, 6 January 2025: to bed before midnight, woke at 06:00.
      { from: '2025-01-05T23:30:00', stages: 'W60 L720' },
      { from: '2025-01-06T14:00:00', stages: 'L60' },
      // Only a nap on Tuesday, and a session without sleep.
      { from: '2025-01-07T13:00:00', stages: 'L120' },
      { from: '2025-01-07T22:00:00', stages: 'W100' },
      // A short night is a night. Of two sleeps the longer one is the main one.
      { from: '2025-01-08T01:00:00', stages: 'L240' },
      { from: '2025-01-08T04:00:00', stages: 'L300' },
      // A long sleep by day, after a night shift.
      { from: '2025-01-09T09:00:00', stages: 'L720' },
    ])
    const rows = await nights(user)
    expect(rows.map(({ main, nap }) => [main, nap])).toEqual([
      ['t', 'f'],
      ['f', 't'],
      ['f', 't'],
      ['f', 'f'],
      ['f', 't'],
      ['t', 'f'],
      ['t', 'f'],
    ])
    expect(rows[0]).toMatchObject({
      sleep_date: '2025-01-06',
      local_weekday: '1',
      bed: '-30.00',
      wake: '360.00',
      middle: '180',
    })
    expect(
      await value(`select avg(bed_minutes) from sleep_nights where user_id = $1 and is_main_sleep`, user),
    ).toBe((-30 + 240 + 540) / 3)
  })
})

/** The index by its definition: every pair of epochs 24 hours apart, in periods from noon to noon that have sleep. */
function regularity(recordings: readonly Recording[]): number | null {
  const asleep = new Set<number>()
  let firstDate = Number.POSITIVE_INFINITY
  for (const { from, stages } of recordings) {
    const start = Date.parse(`${from}Z`)
    const epochs = expand(stages)
    const last = epochs.findLastIndex((stage) => stage > 0)
    const waking = last < 0 ? start + epochs.length * EPOCH : start + (last + 1) * EPOCH
    firstDate = Math.min(firstDate, Math.floor(waking / DAY) * DAY)
    for (const [at, stage] of epochs.entries()) if (stage > 0) asleep.add(start + at * EPOCH)
  }
  const origin = firstDate - 12 * HOUR
  const periods = new Set([...asleep].map((at) => Math.floor((at - origin) / DAY)))
  let [same, all] = [0, 0]
  for (const period of periods) {
    if (!periods.has(period + 1)) continue
    for (let at = origin + period * DAY; at < origin + (period + 1) * DAY; at += EPOCH) {
      all += 1
      if (asleep.has(at) === asleep.has(at + DAY)) same += 1
    }
  }
  return all === 0 ? null : -100 + (200 * same) / all
}

const SRI = 'select sleep_regularity_index($1)'

describe('sleep_regularity_index', () => {
  const eight = 'L960'
  const on = (days: readonly string[]) => days.map((from) => ({ from, stages: eight }))

  it.each([
    [
      'the same hours every day',
      on(['2025-01-01T23:00:00', '2025-01-02T23:00:00', '2025-01-03T23:00:00']),
      100,
    ],
    // Four hours are common, four differ on each side: 16 of 24 hours are equal.
    [
      'four hours later the next day',
      on(['2025-01-01T20:00:00', '2025-01-03T00:00:00']),
      -100 + (200 * 16) / 24,
    ],
    ['a day without a recording', on(['2025-01-01T23:00:00', '2025-01-03T23:00:00']), null],
    ['one night', on(['2025-01-01T23:00:00']), null],
    ['no sleep', [{ from: '2025-01-01T23:00:00', stages: 'W960' }], null],
  ])('%s', async (_, recordings, expected) => {
    const index = await value(SRI, await sleeper(recordings))
    if (expected === null) expect(index).toBeNull()
    else expect(index).toBeCloseTo(expected, 8)
    expect(regularity(recordings)).toEqual(expected === null ? null : expect.closeTo(expected, 8))
  })

  it('is what its definition gives, epoch by epoch', { timeout: 60_000 }, async () => {
    const run = fc.tuple(fc.constantFrom('W', 'L', 'D', 'R', '-'), fc.integer({ min: 1, max: 400 }))
    const recording = fc.record({
      day: fc.integer({ min: 0, max: 4 }),
      minute: fc.integer({ min: 0, max: 2 * 1439 }),
      runs: fc.array(run, { minLength: 1, maxLength: 6 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(recording, { selector: ({ day }) => day, minLength: 1 }),
        async (all) => {
          // Recordings may overlap.
          const recordings = all.map(({ day, minute, runs }) => ({
            from: new Date(Date.parse('2025-03-01T12:00:00Z') + day * DAY + Math.floor(minute / 2) * 30_000)
              .toISOString()
              .slice(0, 19),
            stages: runs.map(([stage, n]) => `${stage}${n}`).join(' '),
          }))
          const expected = regularity(recordings)
          const actual = await value(SRI, await sleeper(recordings))
          if (expected === null) expect(actual).toBeNull()
          else expect(actual).toBeCloseTo(expected, 6)
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('by midpoints', () => {
  // Saturday 4 and Sunday 5 January 2025 are free. Midpoints: 03:00 on work days, 05:00 and 06:00 on free days.
  const week = [
    ...['2024-12-30', '2024-12-31', '2025-01-01', '2025-01-02', '2025-01-03'].map((day) => ({
      from: `${day}T00:00:00`,
      stages: 'L720',
    })),
    { from: '2025-01-04T02:00:00', stages: 'L720' },
    { from: '2025-01-05T03:00:00', stages: 'L720' },
    // A nap counts for neither.
    { from: '2025-01-05T15:00:00', stages: 'L60' },
  ]

  it('social jet lag is the difference between free days and work days', async () => {
    const user = await sleeper(week)
    expect(await value('select social_jet_lag_minutes($1)', user)).toBe(150)
    expect(await value(`select social_jet_lag_minutes($1, free_days => '{7}')`, user)).toBe(
      360 - (5 * 180 + 300) / 6,
    )
    expect(await value(`select social_jet_lag_minutes($1, to_date => '2025-01-03')`, user)).toBeNull()
  })

  it('composite phase deviation is the mean length of mistiming and irregularity', async () => {
    const user = await sleeper(week)
    // The reference is 05:30. Four work days: 2.5 h and 0. Then 0.5 h and 2 h, and 0.5 h and 1 h.
    const expected = (4 * 2.5 + Math.hypot(0.5, 2) + Math.hypot(0.5, 1)) / 6
    expect(await value('select composite_phase_deviation_hours($1)', user)).toBeCloseTo(expected, 10)
    expect(
      await value('select composite_phase_deviation_hours($1, reference_minutes => 180)', user),
    ).toBeCloseTo((0 + Math.hypot(2, 2) + Math.hypot(3, 1)) / 6, 10)
  })
})

it('fragmentation counts awakenings and changes to light sleep per hour of sleep', async () => {
  // Two hours asleep. Awakenings: 1 (the final one does not count). To light from deep or REM: 2.
  const user = await sleeper([{ from: '2025-01-01T23:00:00', stages: 'W20 L60 D60 L30 W4 L30 R30 L30 W40' }])
  expect(await value(`select sleep_fragmentation_index($1, 'session-0')`, user)).toBe(3 / 2)
  const awake = await sleeper([{ from: '2025-01-01T23:00:00', stages: 'W20' }])
  expect(await value(`select sleep_fragmentation_index($1, 'session-0')`, awake)).toBeNull()
})
