import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import type { Vendor } from '../contract/vendor.ts'
import { quoted } from '../db/migrate/migration-files.ts'
import type { UnnamedIds } from './ids.ts'
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
  /** Further ids, which an interrupted erasure has left as hashes (`withFenced`). */
  readonly unnamed?: UnnamedIds
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

/**
 * Finds one person of all vendors by the id that the view `people` has: the owners linked with it, and by each vendor's rule those
 * whose ids are equal to it. Returns one `Person` for each vendor; its ids are fenced even if nothing of them is stored.
 */
export async function personsOf(
  client: Client,
  vendors: readonly Vendor[],
  personId: string,
): Promise<Person[]> {
  const { rows } = await client.query(
    'select vendor, owner, user_id from people where person_id = $1 order by owner collate "C"',
    [personId],
  )
  const ofOthers = await client.query(
    'select distinct vendor, user_id from people where user_id = any($1::text[]) and person_id <> $2',
    [rows.map(({ user_id }) => user_id).filter((id) => id !== ''), personId],
  )
  const isShared = ({ vendor, user_id }: { vendor: string; user_id: string }) =>
    ofOthers.rows.some((other) => other.vendor === vendor && other.user_id === user_id)
  const linked = await client.query('select vendor from person_links where owner = $1 and person_id <> $1', [
    personId,
  ])
  const isOfOther = (vendor: string) => linked.rows.some((row) => row.vendor === vendor)
  return vendors.map((vendor) => {
    const mine = rows.filter((row) => row.vendor === vendor.name)
    const owners = mine.map(({ owner }) => owner as string)
    if (vendor.userColumn === undefined) {
      if (!owners.includes(personId) && !isOfOther(vendor.name)) owners.push(personId)
      return { vendor, owners, users: owners, sharedUsers: [] }
    }
    const shared = new Set<string>(mine.filter((row) => isShared(row as never)).map(({ user_id }) => user_id))
    const users = new Set<string>([personId, ...mine.map(({ user_id }) => user_id)])
    users.delete('')
    return {
      vendor,
      owners,
      users: [...users].filter((user) => !shared.has(user)),
      sharedUsers: [...shared],
    }
  })
}

async function usersOf(client: Client, vendor: Vendor, owner: string): Promise<string[]> {
  const { rows } = await client.query(
    unionOf(
      vendor,
      (table, ownerColumn, userColumn) =>
        `select ${userColumn} as id from ${table} where ${ownerColumn} = $1 and ${userColumn} is not null`,
      `select user_id from deliveries where vendor = $2 and owner = $1 and user_id is not null
       union select user_id from owners where vendor = $2 and owner = $1`,
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
      `select owner from deliveries where vendor = $2 and owner <> '' and user_id = $1 and outcome = 'stored'
       union select owner from owners where vendor = $2 and user_id = $1`,
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
