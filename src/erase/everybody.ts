import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import type { Vendor } from '../contract/vendor.ts'
import { isDistributed } from '../db/citus/state.ts'
import { quoted } from '../db/migrate/migration-files.ts'
import { nameTables } from './names.ts'
import { personTables } from './person-tables.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** The ids that the tables have of all persons of a vendor. */
export interface Everybody {
  readonly owners: ReadonlySet<string>
  readonly users: ReadonlySet<string>
}

/**
 * Reads the ids of everybody. It takes seconds where the ledger has millions of deliveries, because no index has the user ids.
 * Packs name no vendor, so an owner of another vendor may be among them.
 */
export async function everybodyOf(client: Client, vendor: Vendor): Promise<Everybody> {
  const tables = personTables([vendor])
  const owners = new Set<string>()
  for (const table of ['deliveries', ...nameTables])
    for (const owner of await distinct(client, table, 'owner', `vendor = '${vendor.name}'`)) owners.add(owner)
  for (const owner of await distinct(client, 'body_packs', 'owner')) owners.add(owner)
  for (const { target, ownerColumn } of tables)
    for (const owner of await distinct(client, getTableName(target.table), ownerColumn)) owners.add(owner)
  const { userColumn } = vendor
  const users = new Set<string>(userColumn === undefined ? owners : [])
  const more = [
    ...tables
      .filter(({ target }) => userColumn !== undefined && userColumn in target.comments)
      .map(
        ({ target }) =>
          `select ${quoted(userColumn as string)} as id from ${quoted(getTableName(target.table))}`,
      ),
    'select user_id as id from deliveries where vendor = $1',
    'select user_id from owners where vendor = $1',
    'select person_id from person_links',
  ]
  const { rows } = await client.query(
    `select distinct id from (${more.join(' union all ')}) as every where id <> ''`,
    [vendor.name],
  )
  for (const { id } of rows) users.add(id)
  return { owners, users }
}

/** The distinct values of the first column of a primary key, found from one to the next by the index; on Citus in each shard. */
async function distinct(client: Client, table: string, column: string, where = 'true'): Promise<string[]> {
  const [t, c] = [quoted(table), quoted(column)]
  const onCitus = `select distinct ${c} as id from ${t} where ${where} and ${c} <> ''`
  if (await isDistributed(client)) return (await client.query(onCitus)).rows.map(({ id }) => id)
  const { rows } = await client.query(
    `with recursive each as (
       (select ${c} as id from ${t} where ${where} order by ${c} limit 1)
       union all
       select (select ${c} from ${t} where ${c} > each.id and ${where} order by ${c} limit 1) from each where each.id is not null
     ) select id from each where id is not null and id <> ''`,
  )
  return rows.map(({ id }) => id)
}
