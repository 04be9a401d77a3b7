import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import type { DatabaseSettings } from '../db/database.ts'
import { openDatabase } from '../db/open.ts'
import { connect } from '../db/pool.ts'
import { loadConfig } from '../environment.ts'
import { type Choice, type Hypnogram, readHypnogram } from '../hypnogram/hypnogram.ts'
import { drawSvg } from '../hypnogram/svg.ts'
import { drawText } from '../hypnogram/terminal.ts'

export const hypnogramCommand = new Command('hypnogram')
  .description('Draw the stages of a sleep session; without a choice, of the session that ended last.')
  .option('--user <id>', 'Asleep user id')
  .option('--session <id>', 'Asleep session id')
  .option('--svg <file>', 'write a picture instead of drawing in the terminal')
  .action(async ({ user, session, svg }: { user?: string; session?: string; svg?: string }) => {
    const database = await openDatabase(loadConfig())
    try {
      const hypnogram = await hypnogramOf(database, { userId: user, sessionId: session })
      if (!hypnogram) throw new Error('No such session.')
      if (svg === undefined) process.stdout.write(drawn(hypnogram))
      else writeFileSync(svg, drawSvg(hypnogram))
    } finally {
      await database.release()
    }
  })

export async function hypnogramOf(
  database: DatabaseSettings | string,
  choice: Choice,
): Promise<Hypnogram | null> {
  const client = await connect(database, { name: 'nightpost hypnogram', use: 'read' })
  try {
    return await readHypnogram(client, choice)
  } finally {
    await client.end()
  }
}

/** As wide as the terminal, in colour where it has any. */
export function drawn(hypnogram: Hypnogram): string {
  const { columns = 100, isTTY } = process.stdout
  return drawText(hypnogram, Math.min(columns, 140), isTTY && !process.env.NO_COLOR)
}
