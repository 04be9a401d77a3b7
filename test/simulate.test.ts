import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addDays, instantOf, withOffset } from '../src/simulate/local-time.ts'
import { createNight, EPOCH } from '../src/simulate/night.ts'
import { headersOf, type Post, type Sent, send } from '../src/simulate/send.ts'
import { statOf } from '../src/simulate/stat.ts'
import { type TrafficOptions, traffic } from '../src/simulate/traffic.ts'
import { createUser } from '../src/simulate/user.ts'
import { logged } from './setup/log-guard.ts'
import { built } from './setup/program.ts'
import { ASLEEP_KEY, SAHHA_SECRET, setup, signed, type TestService } from './setup/service.ts'

const options: TrafficOptions = {
  seed: 'test',
  users: 2,
  nights: 3,
  until: '2025-11-03',
  duplicates: 0.1,
  invalid: 0.05,
  shuffle: false,
}
const credentials = { asleepKey: ASLEEP_KEY, sahhaSecret: SAHHA_SECRET, sahhaKey: undefined }

const nights = fc
  .record({ seed: fc.string(), number: fc.nat(9), day: fc.nat(400) })
  .map(({ seed, number, day }) => {
    const user = createUser(seed, number, '2025-01-01')
    return { user, night: createNight(user, addDays('2025-01-01', day)) }
  })

describe('the traffic', () => {
  it('is the same for the same options, and another for another seed', () => {
    const small = { ...options, users: 1, nights: 2 }
    expect(traffic(small)).toEqual(traffic(small))
    const bodies = (seed: string) =>
      traffic({ ...small, seed })
        .flat()
        .map(({ body }) => body)
    const others = new Set(bodies('b'))
    expect(bodies('a').filter((body) => others.has(body))).toEqual([])
  })

  it('has the disturbances that were asked for, and otherwise none', () => {
    const lanes = traffic({ ...options, nights: 20 })
    const counts = { duplicate: 0, stored: 0, other: 0 }
    for (const { expected } of lanes.flat())
      counts[expected in counts ? (expected as 'stored') : 'other'] += 1
    expect(counts.duplicate / counts.stored).toBeCloseTo(0.1, 1)
    expect(counts.other / counts.stored).toBeCloseTo(0.05, 1)
    const plain = traffic({ ...options, duplicates: 0, invalid: 0 }).flat()
    expect(new Set(plain.map(({ expected }) => expected))).toEqual(new Set(['stored']))
    expect(new Set(plain.map(({ body }) => body)).size).toBe(plain.length)
  })

  it('is in the order of sending, unless shuffled', () => {
    const [lane = []] = traffic(options)
    const [shuffled = []] = traffic({ ...options, shuffle: true })
    const times = (list: typeof lane) => list.map(({ at }) => at)
    expect(times(lane)).toEqual(times(lane).sort((a, b) => a - b))
    expect(times(shuffled)).not.toEqual(times(lane))
    expect(times(shuffled).sort()).toEqual(times(lane).sort())
  })

  it('has a window every five minutes that ends with its chunk', () => {
    const [lane = []] = traffic({ ...options, users: 2, nights: 1, duplicates: 0, invalid: 0 })
    const windows = lane.filter(({ kind }) => kind === 'INFERENCE_COMPLETE')
    windows.forEach(({ body, at }, chunk) => {
      const { data } = JSON.parse(body)
      expect(data).toMatchObject({ inference_seq_num: chunk, seq_num: 10 * chunk + 9 })
      expect(data.sleep_stages).toHaveLength(10)
      if (chunk > 0) expect(Math.abs(at - (windows[chunk - 1]?.at ?? 0) - 300_000)).toBeLessThan(30_000)
    })
    expect(lane.at(-1)?.kind).toBe('SESSION_COMPLETE')
  })

  it('proves itself as the vendors do', () => {
    const [asleep, sahha] = traffic(options).map(([first]) => first)
    if (!asleep || !sahha) throw new Error('no traffic')
    expect(headersOf(asleep, credentials)).toMatchObject({
      'x-api-key': ASLEEP_KEY,
      'x-user-id': asleep.user,
    })
    expect(headersOf(sahha, credentials)).toMatchObject({
      'X-Signature': signed(sahha.body)['x-signature'],
      'X-External-Id': sahha.user,
      'X-Event-Type': sahha.kind,
    })
  })
})

type Stat = {
  [name in
    | `time_in_${'bed' | 'sleep_period' | 'sleep' | 'wake' | 'light' | 'deep' | 'rem' | 'snoring' | 'no_snoring'}`
    | `${'sleep' | 'wakeup'}_latency`
    | 'sleep_efficiency'
    | 'sleep_ratio'
    | 'wake_ratio']: number
} & { sleep_time: string; wake_time: string }

describe('a simulated night', () => {
  it("has a stat that obeys the vendor's arithmetic", () => {
    fc.assert(
      fc.property(nights, ({ user, night }) => {
        const stat = statOf(night, user.timeZone) as Stat | null
        if (night.kind === 'too short') {
          expect(stat).toBeNull()
          return
        }
        if (!stat) throw new Error('no stat')
        const end = night.start + night.sleep.length * EPOCH
        expect(stat.time_in_bed * 1000).toBe(end - night.start)
        expect(stat.time_in_sleep_period).toBe(stat.time_in_sleep + stat.time_in_wake)
        expect(stat.time_in_sleep).toBe(stat.time_in_light + stat.time_in_deep + stat.time_in_rem)
        expect(stat.sleep_efficiency).toBeCloseTo(stat.time_in_sleep / stat.time_in_bed, 2)
        if (night.kind === 'never slept') return
        expect(stat.sleep_ratio + stat.wake_ratio).toBeCloseTo(1, 2)
        expect(Date.parse(stat.sleep_time)).toBe(night.start + stat.sleep_latency * 1000)
        expect(Date.parse(stat.wake_time)).toBe(end - stat.wakeup_latency * 1000)
        expect(stat.time_in_snoring + stat.time_in_no_snoring).toBe(stat.time_in_sleep_period)
      }),
      { numRuns: 300 },
    )
  })

  it('looks like one: five or so cycles of about 90 minutes, deep sleep early, REM late', () => {
    const slept = fc.sample(nights, { numRuns: 200, seed: 1 }).filter(({ night }) => night.kind === 'slept')
    const sum = { deepEarly: 0, deepLate: 0, remEarly: 0, remLate: 0, cycle: 0, cycles: 0, hours: 0 }
    for (const { night } of slept) {
      const half = night.sleep.length / 2
      night.sleep.forEach((stage, at) => {
        if (stage === 2) sum[at < half ? 'deepEarly' : 'deepLate'] += 1
        if (stage === 3) sum[at < half ? 'remEarly' : 'remLate'] += 1
      })
      sum.cycles += night.cycleEnds.length
      sum.cycle += (night.cycleEnds.at(-1) ?? 0) - night.sleep.findIndex((stage) => stage > 0)
      sum.hours += night.sleep.length / 120
    }
    expect(sum.deepEarly).toBeGreaterThan(3 * sum.deepLate)
    expect(sum.remLate).toBeGreaterThan(1.5 * sum.remEarly)
    expect(sum.cycle / sum.cycles / 2).toBeGreaterThan(85)
    expect(sum.cycle / sum.cycles / 2).toBeLessThan(105)
    expect(sum.hours / slept.length).toBeGreaterThan(6.5)
    expect(sum.hours / slept.length).toBeLessThan(9)
  })
})

it('local times follow the zone across changes to and from summer time', () => {
  const local = (date: string, hours: number, zone: string) => withOffset(instantOf(date, hours, zone), zone)
  expect(local('2025-03-09', 1.5, 'America/New_York')).toBe('2025-03-09T01:30:00-05:00')
  expect(local('2025-03-09', 3, 'America/New_York')).toBe('2025-03-09T03:00:00-04:00')
  expect(local('2025-11-02', 24, 'America/New_York')).toBe('2025-11-03T00:00:00-05:00')
  expect(local('2025-10-26', -1, 'Europe/Berlin')).toBe('2025-10-25T23:00:00+02:00')
  expect(local('2025-01-01', 12, 'Asia/Kolkata')).toBe('2025-01-01T12:00:00+05:30')
})

it('a 503 and a lost connection are tried again, other refusals are not', async () => {
  const answers: Array<Error | number> = [new Error('lost'), 503, 200]
  const post: Post = async () => {
    const answer = answers.shift() ?? 401
    if (answer instanceof Error) throw answer
    return { status: answer, said: answer === 200 ? 'stored' : 'unauthorized', retryAfterSeconds: 0 }
  }
  const [first, second] = traffic({ ...options, users: 1, nights: 1, duplicates: 0, invalid: 0 })[0] ?? []
  if (!first || !second) throw new Error('no traffic')
  const results: Sent[] = []
  await send([[first, second]], post, credentials, Number.POSITIVE_INFINITY, (sent) => results.push(sent))
  expect(results.map(({ said, isExpected, retries }) => ({ said, isExpected, retries }))).toEqual([
    { said: 'stored', isExpected: true, retries: 2 },
    { said: 'unauthorized', isExpected: false, retries: 0 },
  ])
})

describe('nightpost simulate', { timeout: 60_000 }, () => {
  let service: TestService
  let url: string
  beforeAll(async () => {
    service = await setup()
    url = await service.app.listen({ port: 0, host: '127.0.0.1' })
  })
  afterAll(() => service.close())

  async function run(environment: Record<string, string>, ...rest: string[]) {
    const child = spawn(
      process.execPath,
      [...built('cli/main'), 'simulate', '--url', url, '--users', '2', '--nights', '4', ...rest],
      { env: { PATH: process.env.PATH, ...environment } },
    )
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        output += data
      })
    }
    const [code] = await once(child, 'exit')
    for (const line of output.split('\n')) logged(line)
    return { code, output }
  }
  const proven = { ASLEEP_API_KEYS: ASLEEP_KEY, SAHHA_WEBHOOK_SECRETS: SAHHA_SECRET }

  it('gets every answer that it expects, in disorder and with faults', async () => {
    const { code, output } = await run(proven, '--duplicates', '0.1', '--invalid', '0.05', '--shuffle')
    expect(output).toContain('every answer as expected.')
    expect(code).toBe(0)
    const [{ stored, repeated } = { stored: null, repeated: null }] = await service.db.query(
      `select count(*) filter (where outcome = 'stored') as stored, max(times_received) as repeated from deliveries`,
    )
    expect(Number(stored)).toBeGreaterThan(300)
    expect(Number(repeated)).toBeGreaterThan(1)
  })

  it('stores nothing the second time', async () => {
    const { code, output } = await run(proven)
    expect(output).toMatch(/INFERENCE_COMPLETE +│ +(\d+) │ +· │ +\1 /)
    expect(code).toBe(0)
  })

  it('exits with 1 where answers are not the expected ones', async () => {
    const { code, output } = await run({ ASLEEP_API_KEYS: 'wrong' }, '--nights', '1')
    expect(output).toContain('expected stored, was answered unauthorized')
    expect(code).toBe(1)
  })

  it('leaves nights whose intervals add up to their stat', async () => {
    const totals = await service.db.query(
      `select t.session_id, t.time_in_light = i.light and t.time_in_deep = i.deep and t.time_in_rem = i.rem
         and t.time_in_wake = i.wake_in_period and t.time_in_bed = i.all_seconds as equal
       from sleep_stats t cross join lateral (
         select coalesce(sum(duration_seconds) filter (where stage_name = 'light'), 0) as light,
           coalesce(sum(duration_seconds) filter (where stage_name = 'deep'), 0) as deep,
           coalesce(sum(duration_seconds) filter (where stage_name = 'rem'), 0) as rem,
           coalesce(sum(duration_seconds) filter (where stage_name = 'wake'
             and starts_at >= t.sleep_time and ends_at <= t.wake_time), 0) as wake_in_period,
           sum(duration_seconds) as all_seconds
         from sleep_stage_intervals v
         where v.user_id = t.user_id and v.session_id = t.session_id and v.series = 'sleep' and not v.provisional) i`,
    )
    expect(totals.length).toBeGreaterThan(1)
    expect(totals.filter(({ equal }) => equal !== 't')).toEqual([])
  })

  it('leaves one night in progress, of windows alone', async () => {
    const provisional = await service.db.query(
      `select session_id, max(epoch_index) + 1 as epochs, count(*) as rows from sleep_epochs
       where provisional and series = 'sleep' group by session_id`,
    )
    expect(provisional).toHaveLength(1)
    expect(provisional[0]?.epochs).toBe(provisional[0]?.rows)
  })
})
