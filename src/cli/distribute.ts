import { Command } from 'commander'
import { loadConfig } from '../config/index.ts'
import { type Distributed, distribute, NotDistributable } from '../db/citus/distribute.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connectToMigrate, isCurrent, resetSession } from '../db/migrate/migrate.ts'
import { onlineSteps, pendingSteps } from '../db/migrate/online/steps.ts'
import { vendors } from '../vendors/index.ts'
import { wholeNumber } from './arguments.ts'
import { printJson } from './output.ts'

const HELP = `
Stop every replica first. The rows stay, and a run that was interrupted is finished by the next one. There is no way back but a
dump: docs/scale.md says when it is worth it.

Examples:
  nightpost distribute --dry-run
  nightpost distribute --shards 64
  nightpost distribute --json
`

export const distributeCommand = new Command('distribute')
  .description(
    'Distribute the tables by owner over the nodes of a Citus cluster. Later migrations keep new tables distributed.',
  )
  .option(
    '--shards <n>',
    'shards of each table (default: citus.shard_count of the server)',
    wholeNumber(1, 1024),
  )
  .option('--dry-run', 'say what would be done, and do nothing')
  .option('--json', 'print one JSON object: nodes, shards, distributed, copied, before, local')
  .addHelpText('after', HELP)
  .action(async ({ json, dryRun = false, shards }: { json?: boolean; dryRun?: boolean; shards?: number }) => {
    const database = await openDatabase(loadConfig())
    try {
      const client = await connectToMigrate(database)
      try {
        await resetSession(client, database.schema)
        if (!(await isCurrent(client)))
          throw new NotDistributable('The database is not up to date: run nightpost migrate first.')
        const left = await pendingSteps(client, onlineSteps(vendors))
        if (left.length > 0)
          throw new NotDistributable(
            `Online steps of an upgrade are not done: ${left.map(({ name }) => name).join(', ')}. Run nightpost migrate, or let the service run until its metric nightpost_online_steps_pending is 0.`,
          )
        const done = await distribute(client, {
          targets: vendors.flatMap(({ targets }) => targets),
          ...{ dryRun, log: (message: string) => void process.stderr.write(`${message}\n`) },
          ...(shards !== undefined && { shards }),
        })
        if (json) printJson({ dryRun, ...done })
        else process.stdout.write(text(done, dryRun))
      } finally {
        await client.end()
      }
    } finally {
      await database.release()
    }
  })

function text({ nodes, shards, distributed, copied, before, local }: Distributed, dryRun: boolean): string {
  const line = (what: string, names: readonly string[]) =>
    names.length > 0 ? `${what}: ${names.join(', ')}\n` : ''
  const did = dryRun ? 'would be ' : ''
  return [
    `${nodes} nodes with ${shards} shards of each table\n`,
    line(`${did}distributed by owner`, distributed),
    line(`${did}copied to every node`, copied),
    line('done before', before),
    line('on the coordinator alone', local),
  ].join('')
}
