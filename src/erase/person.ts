import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import type { Vendor } from '../contract/vendor.ts'
import { quoted } from '../db/migrate/migration-files.ts'
import { personTables } from './person-tables.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** One person as a vendor knows them. */
export interface Person {
  readonly vendor: Vendor
  /** The owners of the person's rows and deliveries: Asleep `user_id`, Sahha `profileId`. */
  readonly owners: readonly string[]
  /** The user ids that headers and bodies name: Asleep `user_id`, Sahha `externalId`. */
  readonly users: readonly string[]
  /** User ids of the person that owners who are not erased have, too. What names nothing else stays. */
  readonly sharedUsers: readonly string[]
}

/** Finds the user ids of one owner. An owner of whom nothing is stored is a person, too. */
export async function personOfOwner(client: Client, vendor: Vendor, owner: string): Promise<Person> {
  if (vendor.userColumn === undefined) return { vendor, owners: [owner], users: [owner], sharedUsers: [] }
  const users = (await usersOf(client, vendor, owner)).filter((user) => user !== '')
  const sharedUsers: string[] = []
  for (const user of users) {
    const owners = await ownersOf(client, vendor, user)
    if (owners.some((other) => other !== owner)) sharedUsers.push(user)
  }
  return { vendor, owners: [owner], users: users.filter((user) => !sharedUsers.includes(user)), sharedUsers }
}

/** Finds all owners of one user id, of a vendor whose owners are not its users (`Vendor.userColumn`). */
export async function personOfUser(client: Client, vendor: Vendor, user: string): Promise<Person> {
  return { vendor, owners: await ownersOf(client, vendor, user), users: [user], sharedUsers: [] }
}

async function usersOf(client: Client, vendor: Vendor, owner: string): Promise<string[]> {
  const { rows } = await client.query(
    unionOf(
      vendor,
      (table, ownerColumn, userColumn) =>
        `select ${userColumn} as id from ${table} where ${ownerColumn} = $1 and ${userColumn} is not null`,
      'select user_id from deliveries where vendor = $2 and owner = $1 and user_id is not null',
    ),
    [owner, vendor.name],
  )
  return rows.map(({ id }) => id)
}

async function ownersOf(client: Client, vendor: Vendor, user: string): Promise<string[]> {
  const { rows } = await client.query(
    unionOf(
      vendor,
      (table, ownerColumn, userColumn) =>
        `select ${ownerColumn} as id from ${table} where ${userColumn} = $1`,
      `select owner from deliveries where vendor = $2 and owner <> '' and user_id = $1 and outcome = 'stored'`,
    ),
    [user, vendor.name],
  )
  return rows.map(({ id }) => id)
}

/** A query for the distinct ids in all tables of a vendor that have the column of its user ids. */
function unionOf(
  vendor: Vendor,
  select: (table: string, ownerColumn: string, userColumn: string) => string,
  ofLedger: string,
): string {
  const { userColumn = '' } = vendor
  const selects = personTables([vendor])
    .filter(({ target }) => userColumn in target.comments)
    .map(({ target, ownerColumn }) =>
      select(quoted(getTableName(target.table)), quoted(ownerColumn), quoted(userColumn)),
    )
  return `${[...selects, ofLedger].join(' union ')} order by 1`
}
