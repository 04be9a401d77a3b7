import { Command, Option } from 'commander'
import { loadConfig } from '../config/index.ts'
import { openDatabase } from '../db/connect/open.ts'
import { link, linksOf, type Owner, ownersOfPerson, unlink } from '../db/links.ts'
import { connectToMigrate, isCurrent, resetSession } from '../db/migrate/migrate.ts'
import { vendors } from '../vendors/index.ts'
import { printJson } from './output.ts'

const HELP = `
An Asleep user_id and a Sahha externalId that are equal are one person, and a
Sahha profile without an externalId is a person of its own. Where that is not
so, link the owner with the person by hand. The views people and user_days, and
nightpost erase --person, follow at once. The owner need not have sent anything
yet. To separate two owners with equal ids, link one of them with another name.

Examples:
  nightpost link --vendor asleep --owner G-20250101-a --person user_42
  nightpost link --vendor sahha --owner PROFILE_ID --person user_42
  nightpost link --vendor sahha --owner PROFILE_ID --remove
  nightpost link --person user_42       whom the person's ids name
  nightpost link                        all links

Exits with status 1 if the person was erased, if there was no link to remove,
or if the person has no owner.
`

interface Options {
  vendor?: string
  owner?: string
  person?: string
  remove?: boolean
  json?: boolean
}

export const linkCommand = new Command('link')
  .description('Say which ids of the vendors are one person, where equal ids do not.')
  .addOption(
    new Option('--vendor <name>', 'the vendor of the owner').choices(vendors.map(({ name }) => name)),
  )
  .option('--owner <id>', 'Asleep user_id, Sahha profileId')
  .option('--person <id>', 'the person to whom the owner belongs')
  .option('--remove', 'remove the link of the owner')
  .option('--json', 'print JSON')
  .addHelpText('after', HELP)
  .action(async (options: Options) => {
    const { vendor, owner, person, remove = false } = options
    if ((vendor === undefined) !== (owner === undefined))
      return linkCommand.error('error: give --vendor and --owner together')
    if (owner === '' || person === '') return linkCommand.error('error: the id is empty')
    if (owner !== undefined && remove === (person !== undefined))
      return linkCommand.error('error: give one of --person and --remove')
    if (owner === undefined && remove)
      return linkCommand.error('error: give --vendor and --owner with --remove')

    const database = await openDatabase(loadConfig())
    try {
      const client = await connectToMigrate(database)
      try {
        if (!(await isCurrent(client)))
          throw new Error('The database is not up to date: run nightpost migrate first.')
        await resetSession(client, database.schema)
        if (vendor === undefined || owner === undefined) {
          if (person === undefined) printLinks(await linksOf(client), options.json)
          else printPerson(person, await ownersOfPerson(client, person), options.json)
        } else if (person === undefined) printRemoved(await unlink(client, vendor, owner), options.json)
        else {
          await link(client, vendor, owner, person)
          printPerson(person, await ownersOfPerson(client, person), options.json, owner)
        }
      } finally {
        await client.end()
      }
    } finally {
      await database.release()
    }
  })

function printLinks(links: Awaited<ReturnType<typeof linksOf>>, json = false): void {
  if (json) {
    printJson(links)
    return
  }
  for (const { vendor, owner, person_id } of links)
    process.stdout.write(`${vendor}  ${owner}  ${person_id}\n`)
  if (links.length === 0) process.stderr.write('There are no links. Equal ids are one person.\n')
}

/** `linked` is an owner that was just linked: it may be unknown, because nothing of it arrived yet. */
function printPerson(person: string, owners: readonly Owner[], json = false, linked?: string): void {
  if (owners.length === 0 && linked === undefined) process.exitCode = 1
  if (json) {
    printJson({ person_id: person, owners })
    return
  }
  for (const { vendor, owner, user_id, is_linked } of owners) {
    const name = user_id === owner || user_id === '' ? '' : `  ${user_id}`
    process.stdout.write(`${vendor}  ${owner}${name}${is_linked ? '  linked' : ''}\n`)
  }
  if (owners.length === 0)
    process.stderr.write(`Nothing is stored about an owner of this person${linked ? ' yet' : ''}.\n`)
}

function printRemoved(removed: boolean, json = false): void {
  if (json) printJson({ removed })
  else process.stdout.write(removed ? 'The link is removed.\n' : 'There is no such link.\n')
  if (!removed) process.exitCode = 1
}
