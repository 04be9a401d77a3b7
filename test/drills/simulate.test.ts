import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asleepDeliveries } from '../../src/tools/simulate/asleep.ts'
import { addDays, instantOf, localTimestamp } from '../../src/tools/simulate/local-time.ts'
import { createNap, createNight, EPOCH_MS } from '../../src/tools/simulate/night.ts'
import { requestHeaders } from '../../src/tools/simulate/request-headers.ts'
import { sahhaDeliveries } from '../../src/tools/simulate/sahha.ts'
import { type Post, type SentDelivery, send } from '../../src/tools/simulate/send.ts'
import { statOf } from '../../src/tools/simulate/stat.ts'
import {
  simulateLossyTraffic,
  simulateTraffic,
  type TrafficOptions,
} from '../../src/tools/simulate/traffic.ts'
import { createUser } from '../../src/tools/simulate/user.ts'
import { guardLine } from '../setup/log-guard.ts'
import { metricsOf } from '../setup/metrics.ts'
import { built } from '../setup/program.ts'
import { ASLEEP_KEY, SAHHA_SECRET, setup, signed, type TestService } from '../setup/service.ts'

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

describe('simulateTraffic', () => {
  it('returns the same bytes for the same options and other bodies for another seed', () => {
    const small = { ...options, users: 1, nights: 2 }
    expect(simulateTraffic(small)).toEqual(simulateTraffic(small))
    const bodies = (seed: string) =>
      simulateTraffic({ ...small, seed })
        .flat()
        .map(({ body }) => body)
    const others = new Set(bodies('b'))
    expect(bodies('a').filter((body) => others.has(body))).toEqual([])
  })

  it('adds the shares of duplicates and faulty deliveries that the options ask for', () => {
    const sequences = simulateTraffic({ ...options, nights: 20 })
    const counts = { duplicate: 0, stored: 0, other: 0 }
    for (const { expectedResult } of sequences.flat())
      counts[expectedResult in counts ? (expectedResult as 'stored') : 'other'] += 1
    expect(counts.duplicate / counts.stored).toBeCloseTo(0.1, 1)
    expect(counts.other / counts.stored).toBeCloseTo(0.05, 1)
    const undisturbed = simulateTraffic({ ...options, duplicates: 0, invalid: 0 }).flat()
    expect(new Set(undisturbed.map(({ expectedResult }) => expectedResult))).toEqual(new Set(['stored']))
    expect(new Set(undisturbed.map(({ body }) => body)).size).toBe(undisturbed.length)
  })

  it('returns the deliveries in the order of sending unless shuffled', () => {
    const [sequence = []] = simulateTraffic(options)
    const [shuffled = []] = simulateTraffic({ ...options, shuffle: true })
    const times = (list: typeof sequence) => list.map(({ sentAt }) => sentAt)
    expect(times(sequence)).toEqual(times(sequence).sort((a, b) => a - b))
    expect(times(shuffled)).not.toEqual(times(sequence))
    expect(times(shuffled).sort()).toEqual(times(sequence).sort())
  })

  it('sends INFERENCE_COMPLETE every five minutes, each ending with the last epoch of its chunk', () => {
    const [sequence = []] = simulateTraffic({ ...options, users: 2, nights: 1, duplicates: 0, invalid: 0 })
    const inferences = sequence.filter(({ kind }) => kind === 'INFERENCE_COMPLETE')
    inferences.forEach(({ body, sentAt }, chunk) => {
      const { data } = JSON.parse(body)
      expect(data).toMatchObject({ inference_seq_num: chunk, seq_num: 10 * chunk + 9 })
      expect(data.sleep_stages).toHaveLength(10)
      if (chunk > 0)
        expect(Math.abs(sentAt - (inferences[chunk - 1]?.sentAt ?? 0) - 300_000)).toBeLessThan(30_000)
    })
    expect(sequence.at(-1)?.kind).toBe('SESSION_COMPLETE')
  })

  it('has the headers that each vendor authenticates with', () => {
    const [asleep, sahha] = simulateTraffic(options).map(([first]) => first)
    if (!asleep || !sahha) throw new Error('no traffic')
    expect(requestHeaders(asleep, credentials)).toMatchObject({
      'x-api-key': ASLEEP_KEY,
      'x-user-id': asleep.user,
    })
    expect(requestHeaders(sahha, credentials)).toMatchObject({
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
  it('has a stat whose durations and ratios agree, as in the vendor documentation', () => {
    fc.assert(
      fc.property(nights, ({ user, night }) => {
        const stat = statOf(night, user.timeZone) as Stat | null
        if (night.kind === 'too short' || night.kind === 'defects') {
          expect(stat).toBeNull()
          return
        }
        if (!stat) throw new Error('no stat')
        const end = night.start + night.sleep.length * EPOCH_MS
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

  it('resembles a real night: cycles of about 90 minutes, deep sleep early, REM sleep late', () => {
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

describe('the sessions of three users in 120 days', () => {
  const users = [0, 1, 2].map((number) => createUser('rare', number, '2025-01-01'))
  const dates = Array.from({ length: 120 }, (_, day) => addDays('2025-01-01', day))
  const sessions = users.flatMap((user) => dates.map((date) => ({ user, night: createNight(user, date) })))

  it('are sometimes never slept, too short, unusable, or have REM sleep at once', () => {
    const shares = (kind: string) =>
      sessions.filter(({ night }) => night.kind === kind).length / sessions.length
    for (const kind of ['never slept', 'too short', 'defects']) {
      expect(shares(kind), kind).toBeGreaterThan(0.005)
      expect(shares(kind), kind).toBeLessThan(0.06)
    }
    const latencies = sessions.flatMap(({ user, night }) => {
      const stat = statOf(night, user.timeZone) as { rem_latency: number | null } | null
      return stat?.rem_latency ?? []
    })
    const short = latencies.filter((seconds) => seconds < 15 * 60).length / latencies.length
    expect(short).toBeGreaterThan(0.005)
    expect(short).toBeLessThan(0.1)
  })

  it('name in peculiarities why Asleep gives no figures', () => {
    const unusable = sessions.find(({ user, night }) => night.kind === 'defects' && user.version === 'V3')
    const shape = unusable && asleepDeliveries(unusable.user, unusable.night, false).at(-1)
    const { data } = JSON.parse(shape?.body ?? '{}')
    expect(data.stat).toBeNull()
    expect(data.peculiarities).toContain('TOO_MANY_DEFECTS_IN_SLEEP_STAGES')
    expect(data.missing_data_ratio).toBeGreaterThan(0.3)
  })

  it('have naps between them, in the afternoon and of at most two hours', () => {
    const naps = users.flatMap((user) => dates.flatMap((date) => createNap(user, date) ?? []))
    expect(naps.length / sessions.length).toBeGreaterThan(0.05)
    expect(naps.length / sessions.length).toBeLessThan(0.2)
    for (const nap of naps) {
      expect(nap.sleep.length / 2).toBeGreaterThan(15)
      expect(nap.sleep.length / 2).toBeLessThan(120)
      expect(nap.snoring).toHaveLength(nap.sleep.length)
    }
  })

  it('come again later with other stages and other figures, if they are analysed again', () => {
    const twice = sessions
      .filter(({ user, night }) => user === users[0] && night.kind === 'slept')
      .map(({ user, night }) =>
        asleepDeliveries(user, night, false).filter(({ kind }) => kind === 'SESSION_COMPLETE'),
      )
      .filter((completions) => completions.length === 2)
    expect(twice.length).toBeGreaterThan(0)
    for (const completions of twice) {
      const [first, second] = completions.map(({ body }) => JSON.parse(body).data)
      expect(second.session.id).toBe(first.session.id)
      expect(second.session.sleep_stages).not.toEqual(first.session.sleep_stages)
      expect(second.stat).not.toEqual(first.stat)
      expect(completions[1]?.sentAt).toBeGreaterThan(completions[0]?.sentAt ?? 0)
    }
  })
})

interface Log {
  logType: string
  dataType: string
  dataLogs: Array<{
    id: string
    parentId: string | null
    value: number
    unit: string
    startDateTime: string
    endDateTime: string
    additionalProperties: Record<string, unknown>
  }>
}

describe('what Sahha sends about three users in four weeks', () => {
  const users = [0, 1, 2].map((number) => createUser('sahha', number, '2025-10-06'))
  const dates = Array.from({ length: 28 }, (_, day) => addDays('2025-10-06', day))
  const deliveries = users.map((user) => dates.flatMap((date) => sahhaDeliveries(user, date)))
  const all = deliveries.flat()
  const logsOf = (number: number) =>
    (deliveries[number] ?? [])
      .filter(({ kind }) => kind === 'DataLogReceivedIntegrationEvent')
      .map(({ body }) => JSON.parse(body) as Log)
  const samplesOf = (number: number, dataType: string) =>
    logsOf(number)
      .filter((log) => log.dataType === dataType)
      .flatMap(({ dataLogs }) => dataLogs)
  const [ios, android] = [0, 1]

  it('has about the mixture of kinds that was observed: 58 %, 33 %, 7 % and 2 %', () => {
    const share = (kind: string) =>
      all.filter((delivery) => delivery.kind.startsWith(kind)).length / all.length
    expect(Math.abs(share('Biomarker') - 0.58)).toBeLessThan(0.03)
    expect(Math.abs(share('Score') - 0.33)).toBeLessThan(0.03)
    expect(Math.abs(share('DataLog') - 0.07)).toBeLessThan(0.03)
    expect(Math.abs(share('Archetype') - 0.02)).toBeLessThan(0.01)
  })

  it('is the same in any order of generation', () => {
    const [user] = users
    const inReverse = [...dates]
      .reverse()
      .map((date) => user && sahhaDeliveries(user, date))
      .reverse()
    expect(inReverse.flat()).toEqual(deliveries[0])
  })

  it('has every kind of sample that devices record, within plausible limits', () => {
    const limits: Record<string, [unit: RegExp, low: number, high: number]> = {
      weight: [/^kg$/, 40, 120],
      oxygen_saturation: [/^percent$/, 85, 100],
      blood_glucose: [/^mg\/dL$|^mmol\/L$/, 4, 200],
      blood_pressure_systolic: [/^mmHg$/, 85, 165],
      blood_pressure_diastolic: [/^mmHg$/, 50, 110],
      body_temperature: [/^degC$/, 35.5, 40],
      sleeping_wrist_temperature: [/^degC$/, 33, 38],
      heart_rate: [/^bpm$/, 40, 190],
      steps: [/^count$/, 0, 20_000],
      device_lock: [/^boolean$|^$/, 0, 1],
      exercise_session_running: [/^minute$/, 1, 90],
      exercise_lap: [/^minute$/, 1, 90],
      exercise_event_lap: [/^minute$/, 1, 90],
      exercise_segment_running: [/^minute$/, 1, 90],
    }
    const logs = users.flatMap((_, number) => logsOf(number))
    expect(new Set(logs.map(({ dataType }) => dataType))).toEqual(new Set(Object.keys(limits)))
    for (const { dataType, dataLogs } of logs) {
      const [unit, low, high] = limits[dataType] ?? [/^never$/, 0, 0]
      for (const sample of dataLogs) {
        expect(sample.unit, dataType).toMatch(unit)
        expect(sample.value, dataType).toBeGreaterThanOrEqual(low)
        expect(sample.value, dataType).toBeLessThanOrEqual(high)
        expect(Date.parse(sample.endDateTime)).toBeGreaterThanOrEqual(Date.parse(sample.startDateTime))
      }
    }
  })

  it('has glucose in the unit of the platform, with meals, before and after', () => {
    const samples = samplesOf(android, 'blood_glucose')
    expect(new Set(samples.map(({ unit }) => unit))).toEqual(new Set(['mmol/L']))
    const after = samples.filter(
      ({ additionalProperties: { relationToMeal } }) => relationToMeal === 'after_meal',
    )
    const fasting = samples.filter(
      ({ additionalProperties: { relationToMeal } }) => relationToMeal === 'fasting',
    )
    expect(new Set(after.map(({ additionalProperties: { mealType } }) => mealType))).toEqual(
      new Set(['breakfast', 'lunch', 'dinner']),
    )
    const mean = (list: typeof samples) => list.reduce((sum, { value }) => sum + value, 0) / list.length
    expect(mean(after)).toBeGreaterThan(mean(fasting) + 0.5)
  })

  it('has ids and additional properties as the platform spells them', () => {
    const pressures = (number: number) =>
      ['systolic', 'diastolic'].map((which) => samplesOf(number, `blood_pressure_${which}`))
    const [systolic = [], diastolic = []] = pressures(android)
    expect(systolic.length).toBeGreaterThan(1)
    expect(systolic.map(({ id }) => id)).toEqual(diastolic.map(({ id }) => id))
    const [iosSystolic = [], iosDiastolic = []] = pressures(ios)
    expect(iosSystolic.map(({ id }) => id)).not.toEqual(iosDiastolic.map(({ id }) => id))
    expect(systolic[0]?.id).toMatch(/^[\da-f]{8}-[\da-f]{4}-3/)
    expect(iosSystolic[0]?.id).toMatch(/^[\dA-F]{8}-[\dA-F]{4}-5/)
    expect(systolic[0]?.additionalProperties).toEqual({ bodyPosition: 'sitting', measurementLocation: 'arm' })
    expect(iosSystolic[0]?.additionalProperties).toEqual({
      BodyPosition: 'sitting',
      MeasurementLocation: 'arm',
    })
    expect(samplesOf(ios, 'device_lock')[0]?.additionalProperties).toEqual({ DeviceScreenOn: true })
    expect(samplesOf(android, 'device_lock')[0]?.additionalProperties).toEqual({
      isScreenOn: '1',
      isLocked: '0',
    })
  })

  it('has laps and segments that name their session, and on Android share an id', () => {
    const sessions = samplesOf(android, 'exercise_session_running')
    const laps = samplesOf(android, 'exercise_lap')
    expect(laps.length).toBeGreaterThan(sessions.length)
    expect(new Set(laps.map(({ parentId }) => parentId))).toEqual(new Set(sessions.map(({ id }) => id)))
    expect(samplesOf(android, 'exercise_segment_running').map(({ id }) => id)).toEqual(
      laps.map(({ id }) => id),
    )
    // The value is the minutes of the session on Android, and 1 on iOS.
    expect(sessions.every(({ value }) => value >= 20)).toBe(true)
    expect(samplesOf(ios, 'exercise_session_running').every(({ value }) => value === 1)).toBe(true)
  })
})

it('local timestamps have the UTC offset of the zone before and after daylight saving time changes', () => {
  const local = (date: string, hours: number, zone: string) =>
    localTimestamp(instantOf(date, hours, zone), zone)
  expect(local('2025-03-09', 1.5, 'America/New_York')).toBe('2025-03-09T01:30:00-05:00')
  expect(local('2025-03-09', 3, 'America/New_York')).toBe('2025-03-09T03:00:00-04:00')
  expect(local('2025-11-02', 24, 'America/New_York')).toBe('2025-11-03T00:00:00-05:00')
  expect(local('2025-10-26', -1, 'Europe/Berlin')).toBe('2025-10-25T23:00:00+02:00')
  expect(local('2025-01-01', 12, 'Asia/Kolkata')).toBe('2025-01-01T12:00:00+05:30')
})

it('send retries after a 503 and a lost connection, but not after other refusals', async () => {
  const answers: Array<Error | number> = [new Error('lost'), 503, 200]
  const post: Post = async () => {
    const answer = answers.shift() ?? 401
    if (answer instanceof Error) throw answer
    return { status: answer, result: answer === 200 ? 'stored' : 'unauthorized', retryAfterSeconds: 0 }
  }
  const [first, second] =
    simulateTraffic({ ...options, users: 1, nights: 1, duplicates: 0, invalid: 0 })[0] ?? []
  if (!first || !second) throw new Error('no traffic')
  const results: SentDelivery[] = []
  await send([[first, second]], post, credentials, Number.POSITIVE_INFINITY, (sent) => results.push(sent))
  expect(results.map(({ result, isExpected, retries }) => ({ result, isExpected, retries }))).toEqual([
    { result: 'stored', isExpected: true, retries: 2 },
    { result: 'unauthorized', isExpected: false, retries: 0 },
  ])
})

describe('nightpost simulate', { timeout: 120_000 }, () => {
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
      [...built('cli/main'), 'simulate', '--url', url, '--users', '2', '--nights', '1', ...rest],
      { env: { PATH: process.env.PATH, ...environment } },
    )
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        output += data
      })
    }
    const [code] = await once(child, 'exit')
    for (const line of output.split('\n')) guardLine(line)
    return { code, output }
  }
  const rightCredentials = { ASLEEP_API_KEYS: ASLEEP_KEY, SAHHA_WEBHOOK_SECRETS: SAHHA_SECRET }

  it('makes a week that is stored whole, and in which nothing drifts', async () => {
    const week = { ...options, seed: 'week', nights: 7, duplicates: 0, invalid: 0 }
    // Of the windows, a few of nights that are complete.
    const wanted = simulateTraffic(week).flatMap((sequence) => {
      const windows = sequence.filter(({ kind }) => kind === 'INFERENCE_COMPLETE')
      return sequence.filter((delivery) => {
        const at = windows.indexOf(delivery)
        return at < 0 || (at % 20 === 0 && at < windows.length / 2)
      })
    })
    const answers: Array<{ status: number; outcome: string | undefined }> = []
    for (let at = 0; at < wanted.length; at += 64) {
      const sent = wanted.slice(at, at + 64).map(async (delivery) => {
        const headers = requestHeaders(delivery, credentials)
        const { status, json } = await service.post(delivery.vendor, headers, delivery.body)
        answers.push({ status, outcome: json.outcome })
      })
      await Promise.all(sent)
    }
    expect(answers.length).toBeGreaterThan(800)
    expect(new Set(answers.map(({ status, outcome }) => `${status} ${outcome}`))).toEqual(
      new Set(['200 stored']),
    )
    const metrics = await metricsOf(service.app)
    expect(metrics.text).toContain('# HELP nightpost_unknown_fields_total')
    for (const kind of ['unknown_fields', 'unknown_values', 'mistyped_fields', 'dropped_records'])
      expect(metrics.all(`nightpost_${kind}_total`), kind).toEqual([])
    const [shared] = await service.db.query(
      `select count(*) as pairs from data_logs s join data_logs d on d.profile_id = s.profile_id and d.id = s.id
       where s.data_type = 'blood_pressure_systolic' and d.data_type = 'blood_pressure_diastolic'`,
    )
    expect(Number(shared?.pairs)).toBeGreaterThan(0)
  })

  it('gets only expected answers to shuffled, duplicate and faulty deliveries', async () => {
    const { code, output } = await run(
      rightCredentials,
      '--duplicates',
      '0.1',
      '--invalid',
      '0.05',
      '--shuffle',
    )
    expect(output).toContain('every answer as expected.')
    expect(code).toBe(0)
    const [{ stored, repeated } = { stored: null, repeated: null }] = await service.db.query(
      `select count(*) filter (where outcome = 'stored') as stored, max(times_received) as repeated from deliveries`,
    )
    expect(Number(stored)).toBeGreaterThan(1000)
    expect(Number(repeated)).toBeGreaterThan(1)
  })

  it('stores nothing new in a second run with the same options', async () => {
    const { code, output } = await run(rightCredentials)
    expect(output).toMatch(/INFERENCE_COMPLETE +│ +(\d+) │ +· │ +\1 /)
    expect(code).toBe(0)
  })

  /** Runs the command until it has printed something that `isReady`, then whatever `act` does, and interrupts it. */
  async function serve(
    rest: string[],
    isReady: (output: string) => boolean,
    act: (output: string) => unknown,
  ) {
    const child = spawn(
      process.execPath,
      [
        ...built('cli/main'),
        'simulate',
        '--url',
        url,
        '--users',
        '2',
        '--nights',
        '1',
        '--serve',
        '0',
        ...rest,
      ],
      { env: { PATH: process.env.PATH, ...rightCredentials } },
    )
    let output = ''
    const exit = once(child, 'exit')
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (data) => {
        output += data
        if (isReady(output)) resolve()
      })
      exit.then(() => reject(new Error(output)))
    })
    await act(output)
    child.kill('SIGTERM')
    const [code] = await exit
    for (const line of output.split('\n')) guardLine(line)
    return { code, output }
  }

  it('withholds deliveries, says how many, and answers about them as the vendors do', async () => {
    const { code } = await serve(
      ['--drop', '0.3', '--without', 'INFERENCE_COMPLETE', '--json'],
      (output) => output.endsWith('}\n'),
      async (output) => {
        const { withheld, withheldNeverPulled, sent, deliveries, settings } = JSON.parse(output)
        const without = ['INFERENCE_COMPLETE']
        const traffic = { ...options, seed: '1', nights: 1, duplicates: 0, invalid: 0, drop: 0.3, without }
        const lossy = simulateLossyTraffic(traffic)
        expect({ withheld, sent }).toEqual({
          withheld: lossy.withheld.length,
          sent: lossy.sequences.flat().length,
        })
        const counts = Object.fromEntries(
          deliveries.map((row: { delivery: string; withheld: number }) => [row.delivery, row.withheld]),
        )
        expect(withheldNeverPulled).toBeGreaterThan(0)
        expect(counts['sahha DataLogReceivedIntegrationEvent']).toBe(withheldNeverPulled)
        expect(settings).toMatchObject({ SAHHA_CLIENT_ID: 'simulated-client' })
        expect(settings).not.toHaveProperty('ASLEEP_API_KEYS')
        const answer = await fetch(`${settings.ASLEEP_API_URL}/data/v1/sessions`, {
          headers: { 'x-api-key': ASLEEP_KEY, 'x-user-id': lossy.withheld[0]?.user ?? '' },
        })
        expect(answer.status).toBe(200)
      },
    )
    expect(code).toBe(0)
  })

  it('serves without sending, with faults, and tells what was asked', async () => {
    const { code, output } = await serve(
      ['--no-send', '--faults', 'plan-after=0'],
      (text) => text.includes('SAHHA_CLIENT_SECRET'),
      async (text) => {
        const base = /ASLEEP_API_URL=(\S+)/.exec(text)?.[1]
        const answer = await fetch(`${base}/data/v1/sessions`)
        expect([answer.status, await answer.json()]).toEqual([403, { detail: 'Plan expired' }])
      },
    )
    expect(output).toMatch(/asleep GET \/data\/v1\/sessions +│ 1 /)
    expect(code).toBe(0)
  })

  it('exits with status 1 if an answer is unexpected', async () => {
    const { code, output } = await run({ ASLEEP_API_KEYS: 'wrong' }, '--nights', '1')
    expect(output).toContain('expected stored, was answered unauthorized')
    expect(code).toBe(1)
  })

  it('stores nights whose intervals add up to their stat', async () => {
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

  it('leaves one night in progress, which has windows and no SESSION_COMPLETE', async () => {
    const provisional = await service.db.query(
      `select session_id, max(epoch_index) + 1 as epochs, count(*) as rows from sleep_epochs
       where provisional and series = 'sleep' group by session_id`,
    )
    expect(provisional).toHaveLength(1)
    expect(provisional[0]?.epochs).toBe(provisional[0]?.rows)
  })
})
