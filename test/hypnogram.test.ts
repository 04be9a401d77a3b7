import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSessionData } from '../src/hypnogram/data.ts'
import { describe as inSentences } from '../src/hypnogram/describe.ts'
import type { Days, Hypnogram, Night, PlacedHypnogram, StageRun } from '../src/hypnogram/hypnogram.ts'
import { readHypnogram } from '../src/hypnogram/read.ts'
import { readDays } from '../src/hypnogram/read-days.ts'
import { drawSvg } from '../src/hypnogram/svg.ts'
import { drawDaysSvg } from '../src/hypnogram/svg-days.ts'
import { drawText } from '../src/hypnogram/terminal.ts'
import { drawDaysText } from '../src/hypnogram/terminal-days.ts'
import { palettes } from '../src/hypnogram/theme.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'
import { built } from './setup/program.ts'

function runs(provisional: boolean, ...parts: Array<[stage: string, epochs: number]>): StageRun[] {
  let firstEpoch = 0
  return parts.map(([stage, epochs]) => {
    const run = { firstEpoch, epochs, stage, provisional }
    firstEpoch += epochs
    return run
  })
}

const night: Night = {
  date: '3 November 2025',
  bedTime: '23:30',
  endTime: '01:30',
  timeZone: 'Europe/Berlin',
  timeZoneKnown: true,
  efficiency: 0.875,
  isNap: false,
  minutes: {
    ...{ inBed: 120, asleep: 105, light: 65, deep: 30, rem: 10, waso: 6, longestWaso: 4.5, latency: 10 },
    snoring: null,
  },
  recordedMinutes: 120,
  wakeUps: 2,
  peculiarities: ['NO_BREATHING_STABILITY'],
  clockChange: null,
}

const hypnogram: Hypnogram = {
  userId: 'user',
  sessionId: 'session',
  length: 240,
  sleep: runs(false, ['no_data', 10], ['wake', 20], ['light', 90], ['deep', 60], ['light', 40], ['rem', 20]),
  snoring: runs(false, ['no_snoring', 120], ['snoring', 40], ['no_snoring', 80]),
  ticks: [
    { epoch: 60, label: '00:00' },
    { epoch: 180, label: '01:00' },
  ],
  night,
}

const plain = { width: 57, isColoured: false }

describe('drawText', () => {
  it('draws a line for each stage above an axis in local time, and no line wider than the terminal', () => {
    const text = drawText(hypnogram, plain)
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(57)
    expect(text).toMatchInlineSnapshot(`
      "Night ending 3 November 2025, 23:30 – 01:30
      (Europe/Berlin)

      Wake      ████
      REM                                                 ████
      Light         ██████████████████            ████████
      Deep                            ████████████
      No data ··
      Snoring                         ▄▄▄▄▄▄▄▄
              ────────────┬───────────────────────┬───────────
                          00:00                   01:00

      in bed 2 h 00 min · asleep 1 h 45 min · light 1 h 05 min
      · deep 30 min · rem 10 min · awake after onset 6 min ·
      longest awakening 5 min · asleep after 10 min · 2
      wake-ups · efficiency 88 %
      Note: breathing was not analysed.
      "
    `)
  })

  it('marks provisional stages, and shows hours since the start if the start is unknown', () => {
    const { night: _, ...known } = hypnogram
    const running = {
      ...known,
      sleep: runs(true, ['wake', 20], ['light', 100]),
      length: 120,
      ticks: [{ epoch: 0, label: '+0 h' }],
    }
    expect(drawText(running, { ...plain, width: 40 })).toMatchInlineSnapshot(`
      "Session session, in progress, start not
      known yet

      Wake    ▒▒▒▒▒
      REM     
      Light        ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
      Deep    
              ┬──────────────────────────────
              +0 h

      ▒ provisional: the session is not
      complete
      "
    `)
    expect(drawText(running, { ...plain, ids: false })).toMatch(/^Session in progress, start not known yet\n/)
  })

  it('shows in each column the stage that covers most of it', () => {
    const busy = {
      ...hypnogram,
      length: 100,
      sleep: runs(false, ['light', 6], ['wake', 4], ['rem', 90]),
      ticks: [],
    }
    const lines = drawText(busy, { ...plain, width: 19 }).split('\n')
    const [wake, rem, light] = lines.slice(lines.indexOf('') + 1)
    expect([wake, rem, light]).toEqual(['Wake    ', 'REM      █████████', 'Light   █'])
  })

  it('draws a session without stages', () => {
    expect(drawText({ ...hypnogram, length: 0, sleep: [], snoring: [], ticks: [] }, plain)).toContain('Deep')
  })
})

const placed = (fields: Partial<PlacedHypnogram>): PlacedHypnogram => ({
  ...hypnogram,
  firstMinute: 690,
  ...fields,
})
const nap = placed({
  sessionId: 'nap',
  firstMinute: 1500,
  length: 60,
  sleep: runs(false, ['wake', 10], ['light', 50]),
  snoring: [],
  night: {
    ...night,
    isNap: true,
    bedTime: '13:00',
    endTime: '13:30',
    minutes: { ...night.minutes, asleep: 25 },
  },
})
const never = placed({
  sessionId: 'never',
  sleep: runs(false, ['wake', 240]),
  night: {
    ...night,
    minutes: { ...night.minutes, asleep: 0 },
    efficiency: 0,
    peculiarities: ['NO_BREATHING_STABILITY', 'NEVER_SLEPT'],
  },
})
const days: Days = {
  userId: 'user',
  timeZones: ['Europe/Berlin'],
  undated: ['s-now'],
  days: [
    { date: '2025-11-01', sessions: [] },
    {
      date: '2025-11-02',
      sessions: [placed({ night: { ...night, clockChange: { epoch: 60, minutes: -60 } } }), nap],
    },
    { date: '2025-11-03', sessions: [never] },
  ],
}

describe('drawDaysText', () => {
  it('draws a line for each day on a common axis, and says in words what a line can not show', () => {
    const text = drawDaysText(days, { ...plain, width: 80 })
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(text).toMatchInlineSnapshot(`
      "Nights ending Sat 1 Nov to Mon 3 Nov 2025
      Local time (Europe/Berlin); a session in progress is left out

      Sat 1 Nov  no session
      Sun 2 Nov    ▇▃▃▁▁▃                                   ▃   2 h 10 min, with a nap
                 clocks go back 1 h
      Mon 3 Nov    ▇▇▇▇▇▇                                       0 min, 0 %
                 no sleep was found
                 ───┬────────┬────────┬─────────┬────────┬─────
                    00:00    03:00    06:00     09:00    12:00

      ▇ wake  ▅ rem  ▃ light  ▁ deep  · no data
      User user
      All sessions: breathing was not analysed.
      "
    `)
    expect(drawDaysText(days, { ...plain, ids: false })).not.toContain('User')
  })
})

/** The relative luminance of WCAG 2.2. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

describe('the colours of an SVG', () => {
  it.each(['light', 'dark'] as const)('have the contrast of WCAG AA: %s', (theme) => {
    const { background, grid, text, muted, ...graphics } = palettes[theme]
    for (const colour of [text, muted]) expect(contrast(colour, background)).toBeGreaterThanOrEqual(4.5)
    for (const [name, colour] of Object.entries(graphics))
      expect(contrast(colour, background), name).toBeGreaterThanOrEqual(3)

    // Nothing is drawn in another colour, text only in the colours of text, and `grid` marks nothing but lines.
    const svg = `${drawSvg(hypnogram, { theme })}${drawDaysSvg(days, { theme })}`
    const known: string[] = Object.values(palettes[theme])
    for (const [colour] of svg.matchAll(/#[\da-f]{3,8}(?=")/g)) expect(known).toContain(colour)
    for (const [, colour] of svg.matchAll(/<text [^>]*fill="([^"]+)"/g))
      expect([text, muted]).toContain(colour)
    for (const [element] of svg.matchAll(new RegExp(`<[^>]*${grid}[^>]*>`, 'g')))
      expect(element).toMatch(/^<path d="(M[\d. ]+[HV][\d.]+)*" stroke="/)
    expect(svg).not.toContain('<style')
    expect(svg).not.toContain('opacity')
  })

  it('follow the reader if the theme is auto, by a style sheet that every coloured element has a rule in', () => {
    for (const svg of [drawSvg(hypnogram), drawDaysSvg(days)]) {
      const [, sheet = ''] = /<style>@media \(prefers-color-scheme: dark\)\{(.*)\}<\/style>/.exec(svg) ?? []
      const classes = new Set(
        [...svg.matchAll(/ class="([^"]+)"/g)].flatMap(([, names]) => names?.split(' ')),
      )
      for (const name of classes) {
        const colour = name?.split('-').at(-1) as keyof typeof palettes.dark
        expect(sheet).toContain(`.${name}{${name?.split('-')[1]}:${palettes.dark[colour]}}`)
      }
      const coloured = [...svg.matchAll(/<[^>]*="#[\da-f]{6}"[^>]*>/g)].map(([element]) => element)
      expect(coloured.filter((element) => !element.includes(' class="np-'))).toEqual([])
      expect(coloured.length).toBeGreaterThan(20)
    }
  })
})

describe('drawSvg', () => {
  const light = { theme: 'light' } as const
  const bars = (svg: string, colour: string) =>
    [
      ...svg.matchAll(
        new RegExp(
          `<rect x="([\\d.]+)" y="\\d+" width="([\\d.]+)" height="20" rx="[\\d.]+" fill="${colour}"`,
          'g',
        ),
      ),
    ].map(([, x, width]) => [Number(x), Number(width)])

  it('draws a bar for each run, proportional to its length', () => {
    const svg = drawSvg(hypnogram, light)
    const [[first = 0, width = 0] = [], [second = 0] = []] = bars(svg, palettes.light.light)
    expect(bars(svg, palettes.light.light)).toHaveLength(2)
    expect(width / (second - first)).toBeCloseTo(90 / 150, 2)
    expect(bars(svg, palettes.light.deep)).toHaveLength(1)
    expect(svg.split(`fill="${palettes.light.snoring}"`)).toHaveLength(2)
    expect(svg).toContain('hatched: no data')
    expect(svg).not.toContain('hollow: provisional')
    expect(svg).toContain('>23:30 – 01:30 (Europe/Berlin)<')
  })

  it('draws provisional stages hollow, and hatches epochs without a stage, also at the end', () => {
    const gap = runs(true, ['wake', 20], ['light', 100]).map((run, at) => ({
      ...run,
      firstEpoch: run.firstEpoch + at * 40,
    }))
    const svg = drawSvg({ ...hypnogram, sleep: gap, length: 160 }, light)
    expect(svg.match(/fill="#ffffff" stroke="#[\da-f]{6}" stroke-width="1.5"/g)).toHaveLength(2)
    expect(svg.split('fill="url(#hypnogram-missing)"')).toHaveLength(2)
    const cutOff = drawSvg({ ...hypnogram, sleep: gap, length: 200 }, light)
    expect(cutOff.split('fill="url(#hypnogram-missing)"')).toHaveLength(3)
  })

  it('is named and described for a screen reader by its title and desc', () => {
    const svg = drawSvg(hypnogram, { prefix: 'night-7' })
    expect(svg).toContain('role="img" aria-labelledby="night-7-title night-7-description"')
    expect(svg).toContain(
      '<title id="night-7-title">Night ending 3 November 2025, 23:30 – 01:30 (Europe/Berlin)</title>',
    )
    expect(/<desc id="night-7-description">(.*)<\/desc>/.exec(svg)?.[1]).toBe(
      [
        '2 hours in bed, 1 hour 45 minutes asleep.',
        '1 hour 5 minutes of light sleep, 30 minutes of deep sleep, 10 minutes of REM sleep.',
        'Fell asleep after 10 minutes. 2 wake-ups, 6 minutes awake, at most 5 minutes at once.',
        'Sleep efficiency 88 percent. No data for 5 minutes. Breathing was not analysed.',
      ].join(' '),
    )
  })

  it('describes provisional stages, the clock change, and peculiarities that are not documented', () => {
    expect(
      inSentences({
        ...hypnogram,
        sleep: runs(true, ['wake', 20], ['deep', 60], ['rem', 40]),
        length: 120,
        night: {
          ...night,
          minutes: Object.fromEntries(
            Object.keys(night.minutes).map((name) => [name, null]),
          ) as typeof night.minutes,
          wakeUps: null,
          efficiency: null,
          peculiarities: ['TOO_MANY_DEFECTS_IN_SLEEP_STAGES', 'A_LATER_LABEL'],
          clockChange: { epoch: 60, minutes: 60 },
        },
      }),
    ).toBe(
      [
        'Recorded for 2 hours. 1 hour are provisional: 10 minutes awake, 30 minutes of deep sleep,',
        '20 minutes of REM sleep. During the session the clocks go forward by 1 hour.',
        'Too much of the recording is unusable. A later label.',
      ].join(' '),
    )
  })

  it('names neither the user nor the session if ids are left out', () => {
    const { night: _, ...running } = { ...hypnogram, userId: 'G-person', sessionId: '20250115_sess' }
    for (const drawing of [
      drawSvg({ ...running, night }, { ids: false }),
      drawSvg(running, { ids: false }),
      drawDaysSvg({ ...days, userId: 'G-person' }, { ids: false }),
    ])
      expect(drawing).not.toMatch(/G-person|20250115_sess/)
    expect(drawSvg(running)).toMatch(/User G-person[\s\S]*session 20250115_sess/)
  })

  it('keeps all text inside a narrow drawing', () => {
    const long = { ...hypnogram, userId: `G-${'x'.repeat(60)}` }
    for (const svg of [
      drawSvg(long, { width: 320 }),
      drawDaysSvg({ ...days, userId: long.userId }, { width: 320 }),
    ]) {
      for (const [, x, size, rest, content = ''] of svg.matchAll(
        /<text x="([\d.]+)" y="[\d.]+" font-size="(\d+)"([^>]*)>([^<]*)</g,
      )) {
        // A character of Helvetica is 0.55 em wide on average.
        const width = content.length * Number(size) * 0.55
        const anchor = /text-anchor="(\w+)"/.exec(rest ?? '')?.[1]
        const left = Number(x) - (anchor === 'end' ? width : anchor === 'middle' ? width / 2 : 0)
        expect(left, content).toBeGreaterThanOrEqual(0)
        expect(left + width, content).toBeLessThanOrEqual(320)
      }
    }
  })

  it('escapes markup in ids and time zones', () => {
    const svg = drawSvg({
      ...hypnogram,
      userId: '</text><script>&\u0000',
      night: { ...night, timeZone: '<b>' },
    })
    expect(svg).toContain('&lt;/text&gt;&lt;script&gt;&amp;\ufffd')
    expect(svg).not.toContain('<script')
    expect(svg).not.toContain('<b>')
  })
})

describe('drawDaysSvg', () => {
  it('draws the sessions of each day, and reads them aloud', () => {
    const svg = drawDaysSvg(days, { theme: 'light' })
    expect(svg.match(/<g clip-path/g)).toHaveLength(3)
    expect(svg).toContain('>no session<')
    expect(svg).toContain('>clocks go back 1 h (dashed line)<')
    expect(svg).toContain('>no sleep was found<')
    expect(svg).toContain('>with a nap<')
    expect(/<title[^>]*>(.*)<\/title>/.exec(svg)?.[1]).toBe(
      'Nights ending Sat 1 Nov to Mon 3 Nov 2025, Local time (Europe/Berlin); a session in progress is left out',
    )
    expect(/<desc[^>]*>(.*)<\/desc>/.exec(svg)?.[1]).toBe(
      [
        'Sat 1 Nov: no session.',
        'Sun 2 Nov: night from 23:30 to 01:30, 1 hour 45 minutes asleep; nap from 13:00 to 13:30, 25 minutes asleep.',
        'Mon 3 Nov: night from 23:30 to 01:30, 0 minutes asleep, no sleep was found.',
        'All sessions: Breathing was not analysed.',
      ]
        .join(' ')
        .replace('All sessions: Breathing', 'All sessions: breathing'),
    )
  })

  it('draws equal times of day at the same place, and cuts off what lies far from the day', () => {
    const at = (drawing: string, colour: string) =>
      Number(
        new RegExp(`<rect x="([\\d.]+)" y="\\d+" width="[\\d.]+" height="8"[^>]*fill="${colour}"`).exec(
          drawing,
        )?.[1],
      )
    const first = drawDaysSvg({ ...days, days: days.days.slice(1, 2) }, { theme: 'light' })
    const second = drawDaysSvg(
      { ...days, days: [days.days[1] ?? never, days.days[2] ?? never] as never },
      { theme: 'light' },
    )
    expect(at(first, palettes.light.deep)).toBe(at(second, palettes.light.deep))
    const endless = placed({ length: 10_000_000, sleep: runs(false, ['light', 10_000_000]) })
    const [, width] =
      /<clipPath[^>]*><rect x="[\d.]+" y="\d+" width="(\d+)"/.exec(
        drawDaysSvg({ ...days, days: [{ date: '2025-11-03', sessions: [endless] }] }),
      ) ?? []
    expect(Number(width)).toBeLessThan(1000)
  })
})

describe('nightpost hypnogram', { timeout: 60_000 }, () => {
  let db: TestDatabase
  const at = `'019a0000-0000-7000-8000-000000000000', now()`
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-hypnogram-'))
  beforeAll(async () => {
    db = await createDatabase()
    await db.query(`
      insert into sleep_sessions (user_id, session_id, state, timezone, start_time, end_time, delivery_id, received_at) values
        ('a', 'early', 'COMPLETE', 'Asia/Kolkata', '2025-11-01T17:10:00Z', '2025-11-01T20:10:00Z', ${at}),
        ('b', 'late', 'COMPLETE', 'Europe/Berlin', '2025-10-25T22:40:00Z', '2025-10-26T02:40:00Z', ${at});
      insert into sleep_stage_series select user_id, session_id, 'sleep', array_fill(1::smallint, array[360]), ${at} from sleep_sessions;
      insert into sleep_stage_windows (user_id, session_id, series, inference_seq_num, stages, delivery_id, received_at)
        values ('c', 'running', 'sleep', 30, '{0,0,2}', ${at})`)
  })
  afterAll(async () => {
    await db.drop()
    rmSync(directory, { recursive: true })
  })

  const overConnection = async <T>(use: (client: pg.Client) => Promise<T>) => {
    const client = new pg.Client({ connectionString: db.url })
    await client.connect()
    try {
      return await use(client)
    } finally {
      await client.end()
    }
  }
  const read = (filter: object) => overConnection((client) => readHypnogram(client, filter))
  const readDaysOf = (userId: string | undefined, count: number) =>
    overConnection((client) => readDays(client, userId, count))

  it('reads the session that ended last, or the one that the options name', async () => {
    expect((await read({}))?.sessionId).toBe('early')
    expect((await read({ userId: 'b' }))?.sessionId).toBe('late')
    expect((await read({ sessionId: 'running' }))?.userId).toBe('c')
    expect(await read({ sessionId: 'none' })).toBeNull()
  })

  it('has a tick at each whole local hour, in half-hour zones and when daylight saving time ends', async () => {
    expect((await read({ userId: 'a' }))?.ticks).toEqual([
      { epoch: 40, label: '23:00' },
      { epoch: 160, label: '00:00' },
      { epoch: 280, label: '01:00' },
    ])
    const ticks = (await read({ userId: 'b' }))?.ticks.map(({ label }) => label)
    expect(ticks).toEqual(['01:00', '02:00', '02:00', '03:00'])
    expect((await read({ userId: 'c' }))?.ticks.map(({ label }) => label)).toEqual(['+0 h', '+1 h', '+2 h'])
  })

  it('reads a complete session without stages', async () => {
    await db.query(`
      insert into sleep_sessions (user_id, session_id, state, start_time, end_time, delivery_id, received_at)
        values ('d', 'no stages', 'COMPLETE', '2025-10-25T22:00:00Z', '2025-10-26T02:40:00Z',
          '019a0000-0000-7000-8000-000000000000', now())`)
    const hypnogram = await read({ userId: 'd' })
    expect(hypnogram).toMatchObject({
      length: 560,
      sleep: [],
      night: { bedTime: '22:00', recordedMinutes: 280 },
    })
    expect(hypnogram?.ticks).toHaveLength(4)
    expect(hypnogram && drawSvg(hypnogram)).toContain('>No sleep stages were sent<')
  })

  it('finds the change of the clocks, naps, and the reason why an older version analysed nothing', async () => {
    await db.query(`
      insert into sleep_sessions (user_id, session_id, state, validity, created_timezone, start_time, end_time, delivery_id, received_at) values
        ('e', 'forward', 'COMPLETE', 'INVALID: TOO_SHORT_FOR_ANALYSIS', 'Europe/Berlin', '2025-03-29T23:20:00Z', '2025-03-30T05:00:00Z', ${at}),
        ('e', 'nap', 'COMPLETE', 'VALID', 'Europe/Berlin', '2025-03-30T11:00:00Z', '2025-03-30T11:40:00Z', ${at})`)
    expect((await read({ sessionId: 'forward' }))?.night).toMatchObject({
      clockChange: { epoch: 200, minutes: 60 },
      peculiarities: ['TOO_SHORT_FOR_ANALYSIS'],
      isNap: false,
    })
    const nap = await read({ sessionId: 'nap' })
    expect(nap?.night).toMatchObject({ clockChange: null, peculiarities: [], isNap: true })
    expect(nap && drawText(nap, plain)).toMatch(/^Nap on 30 March 2025, 13:00 – 13:40 \(Europe\/Berlin\)\n/)
  })

  it('reads the days of the user whose session ended last, or of the one that the options name', async () => {
    await db.query(`
      insert into sleep_sessions (user_id, session_id, state, created_timezone, start_time, end_time, delivery_id, received_at) values
        ('f', 'old', 'COMPLETE', 'Asia/Seoul', '2025-10-28T14:00:00Z', '2025-10-28T21:00:00Z', ${at}),
        ('f', 'night', 'COMPLETE', 'Asia/Seoul', '2025-11-02T14:00:00Z', '2025-11-02T21:00:00Z', ${at}),
        ('f', 'nap', 'COMPLETE', 'Asia/Seoul', '2025-11-03T05:00:00Z', '2025-11-03T05:30:00Z', ${at}),
        ('f', 'open', 'OPEN', 'Europe/Berlin', '2025-11-03T22:00:00Z', null, ${at});
      insert into sleep_stage_windows (user_id, session_id, series, inference_seq_num, stages, delivery_id, received_at)
        values ('f', 'running', 'sleep', 0, '{0}', ${at})`)
    const days = await readDaysOf(undefined, 3)
    expect(days).toMatchObject({
      userId: 'f',
      timeZones: ['Asia/Seoul', 'Europe/Berlin'],
      undated: ['running'],
    })
    expect(
      days?.days.map(({ date, sessions }) => [
        date,
        ...sessions.map((each) => [each.sessionId, each.firstMinute]),
      ]),
    ).toEqual([
      ['2025-11-02'],
      ['2025-11-03', ['night', 11 * 60], ['nap', 26 * 60]],
      // A session without an end belongs to the day that it is to end on.
      ['2025-11-04', ['open', 11 * 60]],
    ])
    expect((await readDaysOf('b', 7))?.days.map(({ sessions }) => sessions.length)).toEqual([
      0, 0, 0, 0, 0, 0, 1,
    ])
    expect(await readDaysOf('nobody', 7)).toBeNull()
    await db.query(
      `delete from sleep_sessions where user_id = 'f'; delete from sleep_stage_windows where user_id = 'f'`,
    )
  })

  it('draws in the terminal, writes SVG to a file or to stdout, prints JSON, and says what is wrong', async () => {
    const file = join(directory, 'night.svg')
    const run = (...rest: string[]) =>
      promisify(execFile)(process.execPath, [...built('cli/main'), 'hypnogram', ...rest], {
        env: { PATH: process.env.PATH, DATABASE_URL: db.url },
      })
    const [text, , svg, json, missing] = await Promise.all([
      run('--user', 'b'),
      run('--svg', file),
      run('--user', 'b', '--week', '--no-ids', '--theme', 'dark', '--width', '500', '--svg', '-'),
      run('--user', 'b', '--nights', '2', '--json'),
      run('--session', 'none').catch((error) => error),
    ])
    expect(text.stdout).toMatch(
      /^Night ending 26 October 2025, 00:40 – 03:40 \(Europe\/Berlin\), clocks go back 1 h\n[\s\S]*Light {3}█+/,
    )
    expect(readFileSync(file, 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/)
    expect(svg.stdout).toMatch(/^<svg [^>]*width="500"[\s\S]*<\/svg>\n$/)
    expect(svg.stdout).toContain(`fill="${palettes.dark.background}"`)
    const { user_id, days } = JSON.parse(json.stdout)
    expect(user_id).toBe('b')
    expect(days.map(({ date }: { date: string }) => date)).toEqual(['2025-10-25', '2025-10-26'])
    expect(days[1].sessions).toMatchObject([
      {
        user_id: 'b',
        session_id: 'late',
        summary: {
          time_zone: 'Europe/Berlin',
          local_bed_time: '2025-10-26T00:40:00',
          sleep_efficiency: null,
        },
        intervals: [
          {
            ...{ series: 'sleep', stage: 'light', first_epoch: 0, epochs: 360, seconds: 10_800 },
            ...{ local_starts_at: '2025-10-26T00:40:00.000000', starts_utc_offset_minutes: 120 },
            ...{
              local_ends_at: '2025-10-26T02:40:00.000000',
              ends_utc_offset_minutes: 60,
              provisional: false,
            },
          },
        ],
      },
    ])
    expect(missing).toMatchObject({ code: 1, stderr: 'There is no such session.\n' })
  })

  it('prints the data of a session in progress, and no ids if they are left out', async () => {
    const [data] = await overConnection((client) => readSessionData(client, 'c', ['running'], false))
    expect(data).toEqual({
      summary: null,
      intervals: [
        { epochs: 2, first_epoch: 307, seconds: 60, stage: 'wake' },
        { epochs: 1, first_epoch: 309, seconds: 30, stage: 'deep' },
      ].map((interval) => ({
        ...interval,
        ...{ series: 'sleep', provisional: true, local_starts_at: null, local_ends_at: null },
        ...{ starts_utc_offset_minutes: null, ends_utc_offset_minutes: null },
      })),
    })
  })
})
