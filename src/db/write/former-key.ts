import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import type { Target } from '../../tables/target.ts'

type Client = Pick<pg.Pool | pg.ClientBase, 'query'>

/** The targets whose tables still have the primary key of an earlier version, which upserts must name. */
export async function targetsWithFormerKey(
  client: Client,
  targets: readonly Target[],
): Promise<ReadonlySet<Target>> {
  const found = new Set<Target>()
  for (const target of targets) {
    if (target.formerKey && (await hasKey(client, getTableName(target.table), target.formerKey)))
      found.add(target)
  }
  return found
}

export async function hasKey(client: Client, table: string, columns: readonly string[]): Promise<boolean> {
  const { rows } = await client.query(
    `select array_agg(a.attname::text order by k.nth) = $2::text[] as same
     from pg_index as i cross join unnest(i.indkey) with ordinality as k(attnum, nth)
     join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
     where i.indrelid = to_regclass(quote_ident($1)) and i.indisprimary`,
    [table, columns],
  )
  return rows[0].same === true
}
