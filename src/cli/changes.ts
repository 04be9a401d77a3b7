import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { Command } from 'commander'
import { loadConfig } from '../config/index.ts'
import type { DatabaseSettings } from '../db/connect/database.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connect, connectDirect } from '../db/connect/pool.ts'
import { follow } from '../feed/follow.ts'
import { wholeNumber } from './arguments.ts'
import { interruption } from './interruption.ts'
import { outputClosed, print } from './output.ts'

const HELP = `
Prints one JSON object per line: cursor, change (stored, rejudged or erased), vendor, event, owner, delivery_id and
received_at. The rows of a delivery are those with its owner and delivery_id. docs/operations.md, "Change feed".

With --cursor-file a run continues where the last one ended. The cursor is written after the lines, so the last lines
may come again after a crash.

Examples:
  nightpost changes                             everything that there is, from the beginning
  nightpost changes --since now --follow        only what arrives from now on
  nightpost changes --cursor-file night.cursor > changes.ndjson
  nightpost changes --follow --cursor-file app.cursor | my-consumer
`

interface ChangesOptions {
  since: string
  maxRows?: number
  follow?: boolean
  cursorFile?: string
}

export const changesCommand = new Command('changes')
  .description('Print what was stored, judged again or erased since a cursor, in the order of the commits.')
  .option('--since <cursor>', 'begin after this cursor; or: beginning, now', 'beginning')
  .option('--cursor-file <file>', 'continue after the cursor in this file, if it exists, and keep it current')
  .option('--max-rows <n>', 'print at most so many changes', wholeNumber(1))
  .option('--follow', 'wait for more; ends with SIGTERM or SIGINT, and when nobody reads the output')
  .option('--json', 'print JSON lines, which is also the default')
  .addHelpText('after', HELP)
  .action(async ({ since, maxRows, cursorFile, follow: isEndless = false }: ChangesOptions) => {
    const database = await openDatabase(loadConfig())
    const interrupted = interruption()
    const signal = AbortSignal.any([interrupted.signal, outputClosed])
    try {
      await follow({
        connect: () => connection(database, isEndless),
        since:
          (cursorFile === undefined ? null : cursorIn(cursorFile)) ?? (since === 'beginning' ? null : since),
        isEndless,
        maxRows,
        take: async (changes, cursor) => {
          await print(changes.map(({ line }) => `${line}\n`).join(''))
          if (cursorFile !== undefined && !outputClosed.aborted) keepCursor(cursorFile, cursor)
        },
        warn: (message) => void process.stderr.write(`${message}\n`),
        signal,
      })
    } finally {
      interrupted.end()
      await database.release()
    }
  })

/** For --follow one that keeps its session, if there is one: hints reach no other. */
async function connection(database: DatabaseSettings, isEndless: boolean) {
  const options = { name: 'nightpost changes', use: 'read' } as const
  const direct = isEndless ? await connectDirect(database, options) : null
  return direct ?? connect(database, options)
}

/** Returns null if there is no such file. */
function cursorIn(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim() || null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Replaces the file as a whole, so that it never holds half a cursor. */
function keepCursor(file: string, cursor: string): void {
  const fresh = `${file}.new`
  const descriptor = openSync(fresh, 'w', 0o600)
  try {
    writeSync(descriptor, `${cursor}\n`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(fresh, file)
}
