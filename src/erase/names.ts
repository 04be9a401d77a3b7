import type pg from 'pg'
import { isDistributed } from '../db/citus/state.ts'
import { OWN_PERSON } from '../db/links.ts'
import { isRewritten } from '../db/sql/owner-statements.ts'
import { countDays, deleteDaysOfNobody, deleteOwners } from './days.ts'
import type { Person } from './person.ts'
import { transaction } from './transaction.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** The tables that say who is who, and which of their rows are about a person. A link may name the person as that of another owner. */
const CONDITIONS = {
  owners: 'vendor = $1 and owner = any($2::text[])',
  person_links: '(vendor = $1 and owner = any($2::text[])) or person_id = any($3::text[])',
} as const

export type NameTable = keyof typeof CONDITIONS

export const nameTables = Object.keys(CONDITIONS) as NameTable[]

/** A link of others to an id that others share stays. */
const idsOf = ({ owners, users, sharedUsers }: Person) =>
  [...owners, ...users].filter((id) => !sharedUsers.includes(id))

const used = (table: NameTable, person: Person) => [
  ...[person.vendor.name, person.owners],
  ...(table === 'owners' ? [] : [idsOf(person)]),
]

/** Counts the rows that say who a person is, and the days of `user_days` that are stored. */
export async function countNames(client: Client, person: Person): Promise<Record<string, number>> {
  const counts: Record<string, number> = { stored_days: await countDays(client, person, idsOf(person)) }
  for (const table of nameTables) {
    const { rows } = await client.query(
      `select count(*)::int as n from ${table} where ${CONDITIONS[table]}`,
      used(table, person),
    )
    counts[table] = rows[0].n
  }
  return counts
}

/** Deletes the rows that say who a person is, and the stored days. Returns how many of each table. */
export async function deleteNames(client: pg.ClientBase, person: Person): Promise<Record<string, number>> {
  const { owners, days } = await transaction(client, () => deleteOwners(client, person, idsOf(person)))
  const links = await transaction(client, () => deleteLinks(client, person))
  return { stored_days: days, owners, person_links: links }
}

/** An owner who was linked with the person is a person of its own then. No trace of the former one is kept. */
async function deleteLinks(client: pg.ClientBase, person: Person): Promise<number> {
  const { rowCount } = await client.query(
    `delete from person_links where ${CONDITIONS.person_links}`,
    used('person_links', person),
  )
  const isOnCitus = await isDistributed(client)
  await client.query(
    `update owners as o set person_id = ${OWN_PERSON}${isOnCitus ? '' : `, ${isRewritten}`}
     where o.person_id = any($1::text[]) and o.person_id <> ${OWN_PERSON}`,
    [idsOf(person)],
  )
  if (!isOnCitus) await deleteDaysOfNobody(client, idsOf(person))
  return rowCount ?? 0
}
