import type pg from 'pg'
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
const parametersOf = ({ vendor, owners, users, sharedUsers }: Person) => [
  vendor.name,
  owners,
  [...owners, ...users].filter((id) => !sharedUsers.includes(id)),
]

const used = (table: NameTable, person: Person) => parametersOf(person).slice(0, table === 'owners' ? 2 : 3)

export async function countNames(client: Client, person: Person): Promise<Record<NameTable, number>> {
  const counts: Partial<Record<NameTable, number>> = {}
  for (const table of nameTables) {
    const { rows } = await client.query(
      `select count(*)::int as n from ${table} where ${CONDITIONS[table]}`,
      used(table, person),
    )
    counts[table] = rows[0].n
  }
  return counts as Record<NameTable, number>
}

/** Deletes a person's rows of one table. Returns how many. An owner who was linked with the person is a person of its own then. */
export async function deleteNames(client: pg.ClientBase, table: NameTable, person: Person): Promise<number> {
  return transaction(client, async () => {
    const { rowCount } = await client.query(
      `delete from ${table} where ${CONDITIONS[table]}`,
      used(table, person),
    )
    if (table === 'person_links')
      await client.query(
        `update owners set person_id = coalesce(nullif(user_id, ''), owner)
         where person_id = any($1::text[]) and person_id <> coalesce(nullif(user_id, ''), owner)`,
        [parametersOf(person)[2]],
      )
    return rowCount ?? 0
  })
}
