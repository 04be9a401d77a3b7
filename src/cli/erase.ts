import { Command, Option } from 'commander'
import type pg from 'pg'
import { type Config, loadConfig } from '../config/index.ts'
import type { Vendor } from '../contract/vendor.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connectToMigrate, isCurrent, resetSession } from '../db/migrate/migrate.ts'
import { eraseFromArchives } from '../erase/archives.ts'
import { type Certificate, certificateOf, certificateText } from '../erase/certificate.ts'
import { totalOf } from '../erase/count.ts'
import { countInSnapshot, eraseFenced } from '../erase/erase.ts'
import { liftFence } from '../erase/fence.ts'
import { exportFence, readFence } from '../erase/fence-file.ts'
import { fencePersons, withFenced } from '../erase/fenced.ts'
import { type Person, personOfOwner, personOfUser, personsOf } from '../erase/person.ts'
import { reapply } from '../erase/reapply.ts'
import { tracesOf, vacuum } from '../erase/traces.ts'
import { transaction } from '../erase/transaction.ts'
import { vendors } from '../vendors/index.ts'
import { isConfirmed } from './confirm.ts'
import { printJson } from './output.ts'
import { type Progress, progressOn } from './progress.ts'

const HELP = `
From its first moment on, deliveries about the person are answered 200 "erased", and nothing of them is kept: retries, replays
and archives do not bring the person back. The command may be interrupted, and run again. It prints a certificate: what was
there before and after, and where copies remain that it can't reach. docs/privacy.md explains it.

Keep a copy of --export beside each backup, and run --reapply after a restore.

Examples:
  nightpost erase --person user_42                                  all ids of a person, of both vendors; asks first
  nightpost erase --vendor asleep --owner G-20260124-1              a user of Asleep
  nightpost erase --vendor sahha --external-id user_42              all profiles of a person; asks first
  nightpost erase --vendor sahha --owner PROFILE_ID --dry-run       what would be deleted
  nightpost erase --vendor sahha --owner PROFILE_ID --archive /backup/nightpost
  nightpost erase --vendor asleep --owner G-20260124-1 --lift       the person comes back
  nightpost erase --export erasures.json
  nightpost erase --reapply erasures.json                           after a restore

Exits with status 1 if a row is left or nothing was done, and with 2 if it was used wrongly.
`

interface Options {
  vendor?: string
  owner?: string
  externalId?: string
  person?: string
  archive: string[]
  dryRun?: boolean
  yes?: boolean
  lift?: boolean
  export?: string
  reapply?: string
  vacuum: boolean
  json?: boolean
}

export const eraseCommand = new Command('erase')
  .description('Delete everything about one person, and keep nothing that arrives about them later.')
  .addOption(
    new Option('--vendor <name>', 'whose user the person is').choices(vendors.map(({ name }) => name)),
  )
  .option('--owner <id>', "the person's id: Asleep user_id, Sahha profileId")
  .option('--external-id <id>', 'all Sahha profiles with this externalId; asks before it deletes')
  .option('--person <id>', 'a person of all vendors, as the view people has them; asks before it deletes')
  .option('--archive <directory>', 'also remove the person from this archive; may be repeated', collect, [])
  .option('--dry-run', 'show what would be deleted; nothing is written')
  .option('--yes', 'do not ask')
  .option(
    '--lift',
    'let the person come back: deliveries that arrive from now on are stored. One id is enough: those that were erased together come back together',
  )
  .option('--export <file>', 'write the list of erasures, without an id, to a file')
  .option('--reapply <file>', 'erase again whoever is on the list of such a file')
  .option('--no-vacuum', 'leave the removal of deleted rows from disk to autovacuum')
  .option('--json', 'print the certificate, or the counts, as one JSON object')
  .addHelpText('after', HELP)
  .action(async (options: Options) => {
    const { owner, externalId, person } = options
    const ids = [owner, externalId, person].filter((id) => id !== undefined)
    const actions = [ids[0], options.export, options.reapply]
    if (actions.filter((action) => action !== undefined).length !== 1 || ids.length > 1)
      return eraseCommand.error('error: give one of --owner, --external-id, --person, --export and --reapply')
    const vendor = vendors.find(({ name }) => name === options.vendor)
    if (ids.length > 0 && (vendor === undefined) !== (person !== undefined))
      return eraseCommand.error('error: give --vendor with --owner or --external-id, and only with these')
    if (externalId !== undefined && vendor?.userColumn === undefined)
      return eraseCommand.error(`error: ${vendor?.name} has no external ids: give --owner`)
    if (ids[0] === '') return eraseCommand.error('error: the id is empty')

    const config = loadConfig()
    const database = await openDatabase(config)
    const { progress, stop } = progressOn(process.stderr)
    const interruption = new AbortController()
    const interrupt = () => interruption.abort()
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
    try {
      const client = await connectToMigrate(database)
      try {
        if (!(await isCurrent(client)))
          throw new Error('The database is not up to date: run nightpost migrate first.')
        await resetSession(client, database.schema)
        const run = {
          client,
          config,
          schema: database.schema,
          options,
          progress,
          stop,
          signal: interruption.signal,
        }
        if (options.export !== undefined) await exportTo(client, options.export, options.json)
        else if (options.reapply !== undefined) await reapplyFrom(run, options.reapply)
        else await onPerson(run, vendor)
      } finally {
        await client.end()
      }
    } catch (error) {
      if (!interruption.signal.aborted) throw error
      stop()
      process.stderr.write(
        'Interrupted. The fence stands if it was raised. Run the command again to continue.\n',
      )
      process.exitCode = 1
    } finally {
      stop()
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
      await database.release()
    }
  })

interface Run {
  readonly client: pg.Client
  readonly config: Config
  readonly schema: string
  readonly options: Options
  readonly progress: Progress
  readonly stop: () => void
  readonly signal: AbortSignal
}

async function onPerson(run: Run, vendor: Vendor | undefined): Promise<void> {
  const { client, options } = run
  const find = () => personsNamed(client, vendor, options)
  const persons = await withFenced(client, await find())
  if (options.lift) return await lift(client, persons, options.json)
  if (options.dryRun) return await showHolding(client, persons, options.json)
  const isOwner = options.owner !== undefined
  if (!isOwner && !options.yes && !(await mayErase(options.person ?? options.externalId, persons))) return
  const certificates: Certificate[] = []
  // All ids of all vendors first: if it is interrupted, the rows of one vendor may be the last that know those of the other.
  for (const person of await fencePersons(client, find, run.signal))
    certificates.push(await erasePerson(run, person))
  if (options.json) printJson(certificates.length === 1 ? certificates[0] : certificates)
  else process.stdout.write(certificates.map(certificateText).join('\n'))
  if (certificates.some(({ rowsLeft }) => rowsLeft > 0)) process.exitCode = 1
}

async function personsNamed(
  client: pg.Client,
  vendor: Vendor | undefined,
  { owner, externalId, person }: Options,
): Promise<Person[]> {
  if (vendor === undefined) return await personsOf(client, vendors, person as string)
  if (externalId !== undefined) return [await personOfUser(client, vendor, externalId)]
  return [await personOfOwner(client, vendor, owner as string)]
}

async function mayErase(id: string | undefined, persons: readonly Person[]): Promise<boolean> {
  const owners = persons.flatMap(({ vendor, owners }) => owners.map((owner) => `${vendor.name} ${owner}`))
  process.stderr.write(`${id} has ${owners.length} owners: ${owners.join(', ') || 'none'}\n`)
  if (!process.stdin.isTTY) {
    process.stderr.write('There is no terminal to ask on. To erase without asking, add --yes.\n')
    process.exitCode = 2
    return false
  }
  if (await isConfirmed('Erase all of them?')) return true
  process.stderr.write('Nothing was erased.\n')
  process.exitCode = 1
  return false
}

async function erasePerson(run: Run, person: Person): Promise<Certificate> {
  const { client, config, schema, options, progress, stop, signal } = run
  const erased = await eraseFenced(client, person, { progress, signal })
  const archives = await eraseFromArchives(client, schema, person, options.archive, signal)
  const notVacuumed = options.vacuum ? await vacuum(client, person.vendor, progress) : []
  stop()
  return certificateOf(erased, {
    traces: await tracesOf(client, person.vendor),
    archives,
    notVacuumed,
    deliveryRetentionDays: config.DELIVERY_RETENTION_DAYS,
    now: new Date(),
  })
}

async function showHolding(client: pg.Client, persons: readonly Person[], json = false): Promise<void> {
  const holdings: object[] = []
  for (const person of persons) {
    const { counts, unreadable } = await countInSnapshot(client, person)
    const { vendor, owners, users } = person
    holdings.push({ vendor: vendor.name, owners, users, counts, rows: totalOf(counts), unreadable })
    if (json) continue
    const lines = Object.entries(counts).filter(([, n]) => n > 0)
    for (const [name, n] of lines) process.stdout.write(`${String(n).padStart(10)}  ${name}\n`)
    process.stdout.write(
      `${totalOf(counts)} rows of ${owners.length} owners of ${vendor.name} would go. ${unreadable} deliveries can't be read and name nobody.\n`,
    )
  }
  if (json) printJson(persons.length === 1 ? holdings[0] : holdings)
}

async function lift(client: pg.Client, persons: readonly Person[], json = false): Promise<void> {
  const lifted = await transaction(client, () => liftFence(client, persons))
  if (json) printJson({ lifted })
  else
    process.stdout.write(
      lifted > 0
        ? 'The person may come back: deliveries that arrive from now on are stored.\n'
        : 'This person is not erased.\n',
    )
  if (lifted === 0) process.exitCode = 1
}

async function exportTo(client: pg.Client, path: string, json = false): Promise<void> {
  const ids = await exportFence(client, path)
  if (json) printJson({ file: path, ids })
  else process.stdout.write(`${ids} ids written to ${path}. Keep it as secret as a backup.\n`)
}

async function reapplyFrom({ client, options, progress, stop, signal }: Run, path: string): Promise<void> {
  const file = await readFence(path)
  const done = await reapply(client, vendors, file, { progress, signal })
  if (options.vacuum && done.found + done.rowsDeleted > 0)
    for (const vendor of vendors) await vacuum(client, vendor, progress)
  stop()
  if (options.json) printJson(done)
  else
    process.stdout.write(
      `The list has ${done.ids} ids. The database had something of ${done.found}: ${done.rowsDeleted} rows were deleted, ${done.rowsLeft} are left.\n`,
    )
  if (done.rowsLeft > 0) process.exitCode = 1
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}
