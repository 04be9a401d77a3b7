import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { records, run } from '../docs/generate/cookbook.ts'
import { cookbookTraffic, simulateInto } from '../docs/generate/simulated.ts'
import { cookbookModel, isNeeded, type Night } from './setup/cookbook-model.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'
import { regularityOf } from './setup/regularity.ts'
import { deviation, line, mean, percentile, sum } from './setup/statistics.ts'

const page = readFileSync(join(import.meta.dirname, '../docs/sql-cookbook.md'), 'utf8')

/** The query below a heading of the cookbook. */
function queryOf(heading: string): string {
  const section = page.split(`\n### ${heading}\n`)[1]?.split('\n### ')[0] ?? ''
  return /```sql\n([\s\S]*?)\n```/.exec(section)?.[1] ?? ''
}

const traffic = cookbookTraffic().map((sequence) => sequence.filter(isNeeded))
const { persons, nights, scores, biomarkers, exercises, delays } = cookbookModel(traffic)

let db: TestDatabase
let client: pg.Client
beforeAll(async () => {
  db = await createDatabase()
  client = new pg.Client({ connectionString: db.url })
  await client.connect()
  await simulateInto(db.url, client, traffic)
}, 120_000)
afterAll(async () => {
  await client.end()
  await db.drop()
})

/** The rows of the answer, with numbers where the column has numbers. */
async function answer(heading: string): Promise<Array<Record<string, unknown>>> {
  const result = await run(client, queryOf(heading))
  const isNumber = new Map(result.columns.map((column) => [column.name, column.isNumber]))
  return records(result).map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, isNumber.get(name) && value ? Number(value) : value]),
    ),
  )
}

/** A number that Postgres rounded to so many digits: half a unit is its greatest error, and a little for halves. */
const rounded = (value: number | null, digits: number) =>
  value === null || Number.isNaN(value) ? null : expect.closeTo(value, digits - 0.01)

const short = (person: string) => person.slice(-4)
const main = nights.filter(({ isMain }) => isMain)
const minutes = ({ stat }: Night, field: string) => (stat?.[field] ?? Number.NaN) / 60
const weekday = (date: string) => new Date(`${date}T00:00:00Z`).getUTCDay() || 7
const isFree = ({ date }: Night) => weekday(date) > 5
const plus = (date: string, days: number) =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
const dates = Array.from({ length: 28 }, (_, at) => plus('2025-10-13', at))

/** Minutes from midnight as Postgres cuts a time to HH24:MI. */
function time(value: number): string {
  const ofDay = (value + 1440) % 1440
  return new Date(Math.floor(ofDay) * 60_000).toISOString().slice(11, 16)
}

const nightOf = (person: string, date: string) =>
  main.find((night) => night.person === person && night.date === date)
const found = (values: typeof scores, person: string, date: string, type: string) =>
  values.find((one) => one.person === person && one.date === date && one.type === type)?.value ?? null
const byPerson = <Row>(rowsOf: (person: string) => Row[]) => persons.flatMap(rowsOf)

describe('the answer to', () => {
  it('bedtime by weekday', async () => {
    const expected = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].map((woke_on, at) => {
      const of = main.filter(({ date }) => weekday(date) === at + 1)
      const [to_bed, woke] = [time(mean(of.map(({ bed }) => bed))), time(mean(of.map(({ wake }) => wake)))]
      return { woke_on, nights: of.length, to_bed, woke }
    })
    expect(await answer('Bedtime by weekday')).toEqual(expected)
  })

  it('sleep regularity', async () => {
    const expected = persons.map((person) => {
      const of = main.filter((night) => night.person === person)
      const reference = mean(of.filter(isFree).map(({ midpoint }) => midpoint))
      const lengths = of.flatMap(({ date, midpoint }) => {
        const before = nightOf(person, plus(date, -1))
        return before ? [Math.hypot(midpoint - reference, midpoint - before.midpoint)] : []
      })
      return {
        person: short(person),
        regularity_index: rounded(regularityOf(nights.filter((night) => night.person === person)), 1),
        phase_deviation_h: rounded(mean(lengths) / 60, 2),
      }
    })
    expect(await answer('Sleep regularity')).toEqual(expected)
  })

  it('social jet lag', async () => {
    const expected = persons.map((person) => {
      const of = main.filter((night) => night.person === person)
      const [work, free] = [false, true].map((is) =>
        mean(of.filter((night) => isFree(night) === is).map(({ midpoint }) => midpoint)),
      ) as [number, number]
      const jet_lag_min = rounded(Math.abs(free - work), 0)
      return { person: short(person), jet_lag_min, work_days: time(work), free_days: time(free) }
    })
    expect(await answer('Social jet lag')).toEqual(expected)
  })

  it('nights with REM latency under 60 minutes', async () => {
    const expected = main
      .filter((night) => minutes(night, 'rem_latency') < 60)
      .map((night) => ({
        ...{ person: short(night.person), local_date: night.date },
        ...{ rem_latency: minutes(night, 'rem_latency'), rem: minutes(night, 'time_in_rem') },
      }))
      .sort((a, b) => a.local_date.localeCompare(b.local_date) || (a.person < b.person ? -1 : 1))
    expect(expected.length).toBeGreaterThan(2)
    expect(await answer('Nights with REM latency under 60 minutes')).toEqual(expected)
  })

  it('the hypnogram as JSON', async () => {
    const night = main.filter(({ person }) => person === persons[0]).at(-1) as Night
    const runs: Array<{ stage: string; starts_at: number; seconds: number }> = []
    for (const [at, code] of night.stages.entries()) {
      const stage = { '-1': 'no_data', 0: 'wake', 1: 'light', 2: 'deep', 3: 'rem' }[code] ?? ''
      const last = runs.at(-1)
      if (last?.stage === stage) last.seconds += 30
      else runs.push({ stage, starts_at: night.start + at * 30_000, seconds: 30 })
    }
    const [row] = await answer('Hypnogram as JSON')
    const given = JSON.parse(row?.hypnogram as string) as Array<{ starts_at: string }>
    expect(given.map((one) => ({ ...one, starts_at: Date.parse(one.starts_at) }))).toEqual(runs)
  })

  it('deep sleep against next-day readiness', async () => {
    const expected = byPerson((person) => {
      const days = dates.flatMap((date) => {
        const [night, readiness] = [nightOf(person, date), found(scores, person, date, 'readiness')]
        return night && readiness !== null ? [{ date, deep: minutes(night, 'time_in_deep'), readiness }] : []
      })
      const { correlation } = line(days.map(({ deep, readiness }) => [deep, readiness]))
      return days.map(({ date, deep, readiness }) => ({
        ...{ person: short(person), local_date: date, deep_min: deep, readiness },
        correlation: rounded(correlation, 2),
      }))
    })
    expect(await answer('Deep sleep against next-day readiness')).toEqual(expected)
  })

  it('the rolling mean of seven days', async () => {
    const person = persons[0] as string
    const asleep = (date: string) => {
      const night = nightOf(person, date)
      return night ? [minutes(night, 'time_in_sleep') / 60] : []
    }
    const isOf = (row: { person: string; date: string }, date: string) =>
      row.person === person && row.date === date
    const known = dates.filter((date) => [...nights, ...scores, ...biomarkers].some((row) => isOf(row, date)))
    const expected = known.map((date) => {
      const week = Array.from({ length: 7 }, (_, ago) => plus(date, -ago)).flatMap(asleep)
      return {
        ...{ local_date: date, asleep_h: rounded(asleep(date)[0] ?? null, 2), nights: week.length },
        mean_h: rounded(mean(week), 2),
      }
    })
    expect(known).toHaveLength(dates.length - 1)
    expect(expected.some(({ asleep_h }) => asleep_h === null)).toBe(true)
    expect(await answer('Rolling mean of seven days')).toEqual(expected)
  })

  it('HRV after late exercise', async () => {
    const expected = byPerson((person) =>
      [false, true].map((late) => {
        const values = dates
          .filter((date) => {
            const before = plus(date, -1)
            return (
              exercises.some((one) => one.person === person && one.date === before && one.hour >= 18) === late
            )
          })
          .flatMap((date) => found(biomarkers, person, date, 'heart_rate_variability_rmssd') ?? [])
        return {
          ...{ person: short(person), exercised_late: late ? 't' : 'f', days: values.length },
          hrv_ms: rounded(mean(values), 1),
          error_ms: rounded(deviation(values) / Math.sqrt(values.length), 1),
        }
      }),
    )
    expect(await answer('HRV after late exercise')).toEqual(expected)
  })

  it('the weight trend', async () => {
    const expected = byPerson((person) => {
      const weighed = dates.flatMap((date, day) => {
        const weight = found(biomarkers, person, date, 'weight')
        return weight === null ? [] : [{ date, day, weight }]
      })
      const { slope, intercept } = line(weighed.map(({ day, weight }) => [day, weight]))
      return weighed.map(({ date, day, weight }) => ({
        ...{ person: short(person), local_date: date, weight_kg: weight },
        ...{ trend_kg: rounded(intercept + slope * day, 2), kg_per_week: rounded(slope * 7, 2) },
      }))
    })
    expect(await answer('Weight trend')).toEqual(expected)
  })

  const lastDays = dates.filter((date) => date >= '2025-11-07')

  it('one row per person and day', async () => {
    const expected = byPerson((person) =>
      lastDays.map((date) => {
        const night = nightOf(person, date)
        const naps = nights.filter((nap) => nap.isNap && nap.person === person && nap.date === date)
        const biomarker = (type: string) => found(biomarkers, person, date, type)
        return {
          ...{ person: short(person), local_date: date, to_bed: night ? time(night.bed) : null },
          ...{ asleep: night ? minutes(night, 'time_in_sleep') : null, naps: naps.length },
          ...{ sleep_score: found(scores, person, date, 'sleep'), steps: biomarker('steps') },
          resting_hr: biomarker('heart_rate_resting'),
          hrv: biomarker('heart_rate_variability_rmssd'),
          weight_kg: biomarker('weight'),
        }
      }),
    )
    expect(sum(expected.map(({ naps }) => naps))).toBeGreaterThan(0)
    expect(await answer('One row per person and day')).toEqual(expected)
  })

  it('missing nights', async () => {
    const expected = byPerson((person) =>
      dates
        .filter((date) => nightOf(person, date) === undefined)
        .map((date) => {
          const sessions = nights.filter((night) => night.person === person && night.date === date)
          return { person: short(person), day: date, sessions: sessions.length }
        }),
    )
    expect(new Set(expected.map(({ sessions }) => sessions))).toEqual(new Set([0, 1]))
    expect(await answer('Missing nights')).toEqual(expected)
  })

  it('the delay from the vendor to the row', async () => {
    const interval = (ms: number) => new Date(ms).toISOString().slice(11, 19)
    const expected = (['biomarker', 'night', 'score'] as const).map((data) => {
      const all = delays[data]
      return {
        ...{
          data,
          rows: all.length,
          median: interval(percentile(all, 0.5)),
          p95: interval(percentile(all, 0.95)),
        },
        longest: interval(Math.max(...all)),
      }
    })
    expect(await answer('Delay from the vendor to the row')).toEqual(expected)
  })

  it('export', async () => {
    const expected = byPerson((person) =>
      lastDays.map((date) => {
        const night = nightOf(person, date)
        return [
          ...[short(person), date, night ? minutes(night, 'time_in_sleep') : ''],
          ...[found(scores, person, date, 'sleep'), found(biomarkers, person, date, 'steps')],
        ].join()
      }),
    )
    const { copied } = await run(client, queryOf('Export'))
    expect(copied?.trimEnd().split('\n')).toEqual([
      'person,local_date,asleep_minutes,sleep_score,steps',
      ...expected,
    ])
  })
})

it.each([
  ...['Bedtime by weekday', 'Sleep regularity', 'Social jet lag', 'Nights with REM latency under 60 minutes'],
  ...['Hypnogram as JSON', 'Deep sleep against next-day readiness', 'Rolling mean of seven days'],
  ...['HRV after late exercise', 'Weight trend', 'One row per person and day', 'Missing nights'],
  ...['Delay from the vendor to the row', 'Export'],
])('%s takes at most six lines of SQL', (heading) => {
  const lines = queryOf(heading).split('\n')
  expect(lines.length, queryOf(heading)).toBeLessThanOrEqual(6)
  expect(queryOf(heading)).toMatch(/;$/)
  expect(lines.filter((text) => text.length > 120)).toEqual([])
})
