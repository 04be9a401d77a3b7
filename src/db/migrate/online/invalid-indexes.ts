import type pg from 'pg'
import { sqlState } from '../../commit/failure.ts'
import { quoted } from '../migration-files.ts'
import type { OnlineStep } from './step.ts'

/**
 * An index build that fails or is killed (CREATE INDEX CONCURRENTLY) leaves its index behind, INVALID: no query uses it,
 * while `if not exists` takes it for the index. This rebuilds such indexes. A build that goes on shows in the
 * catalogue just so; it holds a lock of its table, by which it is told apart.
 */
export const rebuildInvalidIndexes: OnlineStep = {
  name: 'rebuild invalid indexes',
  isDone: async (client) => (await invalidIndexes(client)).length === 0,
  run: async (client, { log }) => {
    for (const { index, table } of await invalidIndexes(client)) {
      if (await isBuilding(client, table)) return `the build that goes on at table ${table}`
      const still = await invalidIndexes(client)
      if (!still.some((other) => other.index === index)) continue
      // A REINDEX that was killed leaves the index that it was making beside the one that it was to replace.
      const isLeftover = /_cc(new|old)\d*$/.test(index)
      log.info(
        isLeftover ? `dropping what a build left: ${index}` : `rebuilding index ${index}, which is invalid`,
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

/** Our tables are those that a migration made: no one else's index is touched. */
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
 * Whether somebody holds the lock that a build holds. Whoever waited for it would be an older transaction, for whose
 * end the build waits: a deadlock.
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
