import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import { tellRewritten } from '../db/links.ts'
import { quoted } from '../db/migrate/migration-files.ts'
import { primaryKeyOf } from '../db/sql/parameters.ts'
import type { Person } from './person.ts'
import type { PersonTable } from './person-tables.ts'
import { transaction } from './transaction.ts'

/** Rows that one transaction deletes. */
const BATCH = 10_000

/** Deletes a person's rows of one table, in transactions of bounded size. Returns how many. */
export async function deleteRows(
  client: pg.ClientBase,
  { target, ownerColumn }: PersonTable,
  { owners, vendor }: Person,
  progress: (deleted: number) => void,
  signal?: AbortSignal,
): Promise<number> {
  const [table, owner] = [quoted(getTableName(target.table)), quoted(ownerColumn)]
  const rest = primaryKeyOf(target.table)
    .filter(({ name }) => name !== ownerColumn)
    .map(({ name }) => quoted(name))
    .join(', ')
  // A range of the primary key, which is deleted at the same speed however many rows there are.
  const last = `select ${rest} from ${table} where ${owner} = $1 order by ${rest} offset ${BATCH - 1} limit 1`
  const deleteBatch = `delete from ${table} where ${owner} = $1 and (${rest}) <= (${last})`
  const deleteRest = `delete from ${table} where ${owner} = $1`
  let all = 0
  const run = async (statement: string, id: string) => {
    signal?.throwIfAborted()
    const { rowCount } = await transaction(client, async () => {
      const deleted = await client.query(statement, [id])
      // Days that are computed between two batches are made of what is left.
      if (deleted.rowCount && (target.day ?? target.partOf?.day))
        await tellRewritten(client, vendor.name, [id])
      return deleted
    })
    all += rowCount ?? 0
    if (rowCount) progress(all)
    return rowCount ?? 0
  }
  for (const id of owners) {
    while ((await run(deleteBatch, id)) > 0);
    await run(deleteRest, id)
  }
  return all
}
