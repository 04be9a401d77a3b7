import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Hypnogram, Night, StageRun } from '../src/hypnogram/hypnogram.ts'
import { readHypnogram } from '../src/hypnogram/read.ts'
import { drawSvg } from '../src/hypnogram/svg.ts'
import { drawText } from '../src/hypnogram/terminal.ts'
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
  minutes: { asleep: 105, light: 65, deep: 30, rem: 10, waso: 0, snoring: null },
  peculiarities: ['NO_BREATHING_STABILITY'],
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

describe('drawText', () => {
  it('draws a line for each stage above an axis in local time', () => {
    expect(drawText(hypnogram, 57, false)).toMatchInlineSnapshot(`
      "Night ending 3 November 2025, 23:30 – 01:30 (Europe/Berlin)

      Wake      ████
      REM                                                 ████
      Light         ██████████████████            ████████
      Deep                            ████████████
      No data ··
      Snoring                         ▄▄▄▄▄▄▄▄
              ────────────┬───────────────────────┬───────────
                          00:00                   01:00

      asleep 1 h 45 min · light 1 h 05 min · deep 30 min · rem 10 min · awake after onset 0 min · efficiency 88 % · NO_BREATHING_STABILITY
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
    expect(drawText(running, 40, false)).toMatchInlineSnapshot(`
      "Session session, in progress, start not known yet

      Wake    ▒▒▒▒▒
      REM     
      Light        ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
      Deep    
              ┬──────────────────────────────
              +0 h

      ▒ provisional: the session is not complete
      "
    `)
  })

  it('shows in each column the stage that covers most of it', () => {
    const busy = {
      ...hypnogram,
      length: 100,
      sleep: runs(false, ['light', 6], ['wake', 4], ['rem', 90]),
      ticks: [],
    }
    const [wake, rem, light] = drawText(busy, 19, false).split('\n').slice(2, 5)
    expect([wake, rem, light]).toEqual(['Wake    ', 'REM      █████████', 'Light   █'])
  })

  it('draws a session without stages', () => {
    expect(drawText({ ...hypnogram, length: 0, sleep: [], snoring: [], ticks: [] }, 57, false)).toContain(
      'Deep',
    )
  })
})

describe('drawSvg', () => {
  const bars = (svg: string, colour: string) =>
    [
      ...svg.matchAll(
        new RegExp(`<rect x="([\\d.]+)" y="\\d+" width="([\\d.]+)" height="20" fill="${colour}"`, 'g'),
      ),
    ].map(([, x, width]) => [Number(x), Number(width)])

  it('draws a bar for each run, proportional to its length', () => {
    const svg = drawSvg(hypnogram)
    const [[first = 0, width = 0] = [], [second = 0] = []] = bars(svg, '#5aa9e6')
    expect(bars(svg, '#5aa9e6')).toHaveLength(2)
    expect(width / (second - first)).toBeCloseTo(90 / 150, 2)
    expect(bars(svg, '#2b4c9b')).toHaveLength(1)
    expect(svg.match(/fill="#d9606a"/g)).toHaveLength(1)
    expect(svg).toContain('grey: no data')
    expect(svg).not.toContain('yellow: provisional')
    expect(svg).toContain('>23:30 – 01:30 (Europe/Berlin)<')
  })

  it('hatches provisional stages, and epochs without a stage', () => {
    const gap = runs(true, ['wake', 20], ['light', 100]).map((run, at) => ({
      ...run,
      firstEpoch: run.firstEpoch + at * 40,
    }))
    const svg = drawSvg({ ...hypnogram, sleep: gap, length: 160 })
    expect(svg.match(/fill="url\(#provisional\)"/g)).toHaveLength(2)
    expect(svg.match(/fill="url\(#unknown\)"/g)).toHaveLength(1)
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

describe('nightpost hypnogram', () => {
  let db: TestDatabase
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-hypnogram-'))
  beforeAll(async () => {
    db = await createDatabase()
    const at = `'019a0000-0000-7000-8000-000000000000', now()`
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

  const read = async (filter: object) => {
    const client = new pg.Client({ connectionString: db.url })
    await client.connect()
    try {
      return await readHypnogram(client, filter)
    } finally {
      await client.end()
    }
  }

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
    expect((await read({ userId: 'b' }))?.ticks.map(({ label }) => label)).toEqual([
      '01:00',
      '02:00',
      '02:00',
    ])
    expect((await read({ userId: 'c' }))?.ticks.map(({ label }) => label)).toEqual(['+0 h', '+1 h', '+2 h'])
  })

  it('reads a complete session without stages', async () => {
    await db.query(`
      insert into sleep_sessions (user_id, session_id, state, start_time, end_time, delivery_id, received_at)
        values ('d', 'no stages', 'COMPLETE', '2025-10-25T22:00:00Z', '2025-10-26T02:40:00Z',
          '019a0000-0000-7000-8000-000000000000', now())`)
    expect(await read({ userId: 'd' })).toMatchObject({ length: 0, ticks: [], night: { bedTime: '22:00' } })
  })

  it('draws in the terminal, writes an SVG file, and fails if there is no such session', async () => {
    const file = join(directory, 'night.svg')
    const run = (...rest: string[]) =>
      promisify(execFile)(process.execPath, [...built('cli/main'), 'hypnogram', ...rest], {
        env: { PATH: process.env.PATH, DATABASE_URL: db.url },
      })
    const [{ stdout }, , failure] = await Promise.all([
      run('--user', 'b'),
      run('--svg', file),
      run('--session', 'none').catch((error) => error),
    ])
    expect(stdout).toMatch(
      /^Night ending 26 October 2025, 00:40 – 03:40 \(Europe\/Berlin\)\n[\s\S]*Light {3}█+/,
    )
    expect(readFileSync(file, 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/)
    expect(failure).toMatchObject({ code: 1, stderr: 'There is no such session.\n' })
  })
})
