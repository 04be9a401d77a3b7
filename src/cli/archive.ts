import { Command } from 'commander'
import { type Archived, archive } from '../archive/archive.ts'
import { loadConfig } from '../config/index.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connectToMigrate, resetSession } from '../db/migrate/migrate.ts'
import { date, milliseconds } from './arguments.ts'
import { interruption } from './interruption.ts'
import { printJson } from './output.ts'
import { progressOn } from './progress.ts'

const HELP = `
The archive has a gzip file of JSON lines for each day, with the bodies in base64, and manifest.json with the SHA-256 sums.
Files that are right and complete are kept, so an interrupted run continues, and a later one adds days. Nothing is deleted
from the database. The files are health data, readable by their owner alone.

Examples:
  nightpost archive --before 2026-11-01 --to /backup/nightpost
  nightpost archive --before 2026-11-01 --to /backup/nightpost --json
  zcat /backup/nightpost/2026-10-31.*.ndjson.gz | jq -r .event | sort | uniq -c

Exits with status 1 if a body or a file is damaged, or if the run was interrupted.
`

export const archiveCommand = new Command('archive')
  .description(
    'Copy deliveries with their bodies into files, and read every file back. nightpost replay --from replays them.',
  )
  .option('--before <date>', 'deliveries that arrived before this UTC day, YYYY-MM-DD', (text) =>
    milliseconds(date(text)),
  )
  .option('--to <directory>', 'the directory of the archive; it is created if it is missing')
  .option('--json', 'print what was done, and what the archive has, as one JSON object')
  .addHelpText('after', HELP)
  .action(async ({ before, to, json = false }: { before?: number; to?: string; json?: boolean }) => {
    if (before === undefined || to === undefined)
      return archiveCommand.error('error: give --before DATE and --to DIRECTORY')
    const config = loadConfig()
    const database = await openDatabase(config)
    const { progress, stop } = progressOn(process.stderr)
    const interrupted = interruption()
    try {
      const client = await connectToMigrate(database)
      try {
        await resetSession(client, database.schema)
        const done = await archive(client, {
          directory: to,
          schema: database.schema,
          periods: [{ from: 0, to: before }],
          checkAll: true,
          signal: interrupted.signal,
          onProgress: (done, total) => progress(done, total, 'deliveries'),
        })
        stop()
        if (json) printJson(done)
        else process.stdout.write(archivedText(done))
      } finally {
        await client.end()
      }
    } catch (error) {
      if (!interrupted.signal.aborted) throw error
      stop()
      process.stderr.write('Interrupted. Run the command again to continue.\n')
      process.exitCode = 1
    } finally {
      stop()
      interrupted.end()
      await database.release()
    }
  })

/** What a run did, for people. */
export function archivedText(done: Archived): string {
  const { first, last } = done.period
  const period = first === null || last === null ? '' : `, ${first.slice(0, 10)} to ${last.slice(0, 10)}`
  return [
    `${done.filesWritten} files of ${done.daysWritten} days written and read back`,
    `${done.filesKept} files read and kept`,
    `${done.deliveries} deliveries of ${done.days} days in ${done.directory}${period}`,
    '',
  ].join('\n')
}
