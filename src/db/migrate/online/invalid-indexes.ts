import type pg from 'pg'
import { sqlState } from '../../commit/failure.ts'
import { quoted } from '../migration-files.ts'
import type { OnlineStep } from './step.ts'

/**
 * Rebuilds invalid indexes. A CREATE INDEX CONCURRENTLY that fails or is killed leaves an INVALID index: no query uses it, but
 * `if not exists` finds it. The index of a build that is running is invalid as well, but that build has a lock of the table.
 */
export const rebuildInvalidIndexes: OnlineStep = {
  name: 'rebuild invalid indexes',
  isDone: async (client) => (await invalidIndexes(client)).length === 0,
  run: async (client, { log }) => {
    for (const { index, table } of await invalidIndexes(client)) {
      if (await isBuilding(client, table)) return `the index build that is running on table ${table}`
      const still = await invalidIndexes(client)
      if (!still.some((other) => other.index === index)) continue
      // A REINDEX CONCURRENTLY that is killed leaves the index that it was building beside the original.
      const isLeftover = /_cc(new|old)\d*$/.test(index)
      log.info(
        isLeftover
          ? `dropping index ${index}, which a failed REINDEX left`
          : `rebuilding invalid index ${index}`,
      )
      await client.query(
        isLeftover
          ? `drop index concurrently ${quoted(index)}`
          : `reindex index concurrently ${quoted(index)}`,
      )
    }
    return null
  },
}

/** Returns the invalid indexes of the schema, with their tables. */
async function invalidIndexes(
  client: Pick<pg.ClientBase, 'query'>,
): Promise<Array<{ index: string; table: string }>> {
  const { rows } = await client.query(
    `select c.relname as index, t.relname as table from pg_index as i
     join pg_class as c on c.oid = i.indexrelid join pg_class as t on t.oid = i.indrelid
     where not i.indisvalid and c.relnamespace = current_schema()::regnamespace order by 1`,
  )
  return rows
}

/**
 * Returns true if another session has the lock that an index build takes. This must not wait for the lock: the build waits for
 * the end of older transactions, so that would be a deadlock.
 */
async function isBuilding(client: pg.ClientBase, table: string): Promise<boolean> {
  try {
    await client.query(`begin; lock table ${quoted(table)} in share update exclusive mode nowait; commit`)
    return false
  } catch (error) {
    await client.query('rollback')
    if (sqlState(error) === '55P03') return true
    throw error
  }
}
