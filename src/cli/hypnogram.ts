import { writeFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import type pg from 'pg'
import { loadConfig } from '../config/index.ts'
import type { DatabaseSettings } from '../db/connect/database.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connect } from '../db/connect/pool.ts'
import { readSessionData } from '../hypnogram/data.ts'
import type { Days, Hypnogram } from '../hypnogram/hypnogram.ts'
import { readHypnogram, type SessionFilter } from '../hypnogram/read.ts'
import { readDays } from '../hypnogram/read-days.ts'
import { drawSvg } from '../hypnogram/svg.ts'
import { drawDaysSvg } from '../hypnogram/svg-days.ts'
import { MAX_WIDTH, MIN_WIDTH } from '../hypnogram/svg-document.ts'
import { drawText } from '../hypnogram/terminal.ts'
import { drawDaysText } from '../hypnogram/terminal-days.ts'
import { THEMES, type Theme } from '../hypnogram/theme.ts'
import { wholeNumber } from './arguments.ts'

interface Options {
  user?: string
  session?: string
  week?: boolean
  nights?: number
  svg?: string
  json?: boolean
  ids: boolean
  theme: Theme
  width?: number
}

const MAX_NIGHTS = 366

export const hypnogramCommand = new Command('hypnogram')
  .description(
    'Draw the hypnogram of a sleep session: the one that ended last, or the last one that matches the options. With --week or --nights, draw the last local days of a user below each other.',
  )
  .option('--user <id>', 'Asleep user id')
  .addOption(new Option('--session <id>', 'Asleep session id').conflicts(['week', 'nights']))
  .addOption(new Option('--week', 'the seven days up to the last session').conflicts('nights'))
  .option('--nights <n>', `so many days, 1 to ${MAX_NIGHTS}`, wholeNumber(1, MAX_NIGHTS))
  .option('--no-ids', 'leave out the ids of the user and the session; dates and the time zone stay')
  .addOption(
    new Option('--svg <file>', 'write an SVG file instead of drawing in the terminal; - is stdout').conflicts(
      'json',
    ),
  )
  .option('--json', 'print the intervals and figures as JSON')
  .addOption(
    new Option('--theme <name>', 'colours of the SVG; auto follows the reader')
      .choices(THEMES)
      .default('auto'),
  )
  .option(
    '--width <pixels>',
    `width of the SVG, ${MIN_WIDTH} to ${MAX_WIDTH} (default: 1000)`,
    wholeNumber(MIN_WIDTH, MAX_WIDTH),
  )
  .addHelpText(
    'after',
    `
Examples:
  nightpost hypnogram --week
  nightpost hypnogram --session 20250115025029_fvivn --svg night.svg
  nightpost hypnogram --nights 14 --no-ids --theme dark --svg - > nights.svg
  nightpost hypnogram --json | jq '.summary.asleep_minutes'`,
  )
  .action(async (options: Options) => {
    const database = await openDatabase(loadConfig())
    try {
      const text = await overConnection(database, (client) => render(client, options))
      if (options.svg === undefined || options.svg === '-') process.stdout.write(text)
      else writeFileSync(options.svg, text)
    } finally {
      await database.release()
    }
  })

async function render(client: pg.Client, options: Options): Promise<string> {
  const nights = options.week ? 7 : options.nights
  if (nights === undefined) {
    const hypnogram = await readHypnogram(client, { userId: options.user, sessionId: options.session })
    if (!hypnogram) throw new Error('There is no such session.')
    if (options.json) {
      const [data] = await readSessionData(client, hypnogram.userId, [hypnogram.sessionId], options.ids)
      return `${JSON.stringify(data, null, 2)}\n`
    }
    return options.svg === undefined ? terminalDrawing(hypnogram, options) : drawSvg(hypnogram, options)
  }
  const days = await readDays(client, options.user, nights)
  if (!days)
    throw new Error('There is no session with local times. A session has them after SESSION_COMPLETE.')
  if (options.json) return `${JSON.stringify(await daysData(client, days, options.ids), null, 2)}\n`
  return options.svg === undefined ? drawDaysText(days, textOptions(options)) : drawDaysSvg(days, options)
}

async function daysData(client: pg.Client, { userId, days }: Days, ids: boolean): Promise<object> {
  const sessionIds = days.flatMap(({ sessions }) => sessions.map(({ sessionId }) => sessionId))
  const data = await readSessionData(client, userId, sessionIds, ids)
  const byId = new Map(sessionIds.map((sessionId, at) => [sessionId, data[at]]))
  return {
    ...(ids && { user_id: userId }),
    days: days.map(({ date, sessions }) => ({
      date,
      sessions: sessions.map(({ sessionId }) => byId.get(sessionId)),
    })),
  }
}

/** Reads a hypnogram over a connection of its own, in read-only transactions. */
export async function readHypnogramFrom(
  database: DatabaseSettings | string,
  filter: SessionFilter,
): Promise<Hypnogram | null> {
  return overConnection(database, (client) => readHypnogram(client, filter))
}

async function overConnection<T>(
  database: DatabaseSettings | string,
  read: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(database, { name: 'nightpost hypnogram', use: 'read' })
  try {
    return await read(client)
  } finally {
    await client.end()
  }
}

/** The hypnogram as text, as wide as the terminal, and in colour if standard output is a terminal. */
export function terminalDrawing(hypnogram: Hypnogram, { ids }: { ids: boolean } = { ids: true }): string {
  return drawText(hypnogram, textOptions({ ids }))
}

function textOptions({ ids }: { ids: boolean }) {
  const { columns = 100, isTTY } = process.stdout
  return { width: Math.min(columns, 140), isColoured: isTTY && !process.env.NO_COLOR, ids }
}
