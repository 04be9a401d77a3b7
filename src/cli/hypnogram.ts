import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { loadConfig } from '../config/index.ts'
import type { DatabaseSettings } from '../db/connect/database.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connect } from '../db/connect/pool.ts'
import type { Hypnogram } from '../hypnogram/hypnogram.ts'
import { readHypnogram, type SessionFilter } from '../hypnogram/read.ts'
import { drawSvg } from '../hypnogram/svg.ts'
import { drawText } from '../hypnogram/terminal.ts'

export const hypnogramCommand = new Command('hypnogram')
  .description(
    'Draw the hypnogram of a sleep session: the one that ended last, or the last one that matches the options.',
  )
  .option('--user <id>', 'Asleep user id')
  .option('--session <id>', 'Asleep session id')
  .option('--svg <file>', 'write an SVG file instead of drawing in the terminal')
  .addHelpText('after', '\nExamples:\n  nightpost hypnogram --svg night.svg\n')
  .action(async ({ user, session, svg }: { user?: string; session?: string; svg?: string }) => {
    const database = await openDatabase(loadConfig())
    try {
      const hypnogram = await readHypnogramFrom(database, { userId: user, sessionId: session })
      if (!hypnogram) throw new Error('There is no such session.')
      if (svg === undefined) process.stdout.write(terminalDrawing(hypnogram))
      else writeFileSync(svg, drawSvg(hypnogram))
    } finally {
      await database.release()
    }
  })

/** Reads a hypnogram over a connection of its own, in read-only transactions. */
export async function readHypnogramFrom(
  database: DatabaseSettings | string,
  filter: SessionFilter,
): Promise<Hypnogram | null> {
  const client = await connect(database, { name: 'nightpost hypnogram', use: 'read' })
  try {
    return await readHypnogram(client, filter)
  } finally {
    await client.end()
  }
}

/** The hypnogram as text, as wide as the terminal, and in colour if standard output is a terminal. */
export function terminalDrawing(hypnogram: Hypnogram): string {
  const { columns = 100, isTTY } = process.stdout
  return drawText(hypnogram, Math.min(columns, 140), isTTY && !process.env.NO_COLOR)
}
