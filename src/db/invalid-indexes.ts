import type pg from 'pg'
import { quoted } from './migration-files.ts'
import type { OnlineStep } from './online-step.ts'

/**
 * An index build that fails or is killed (CREATE INDEX CONCURRENTLY) leaves its index behind, INVALID: no query uses it,
 * while `if not exists` takes it for the index. This rebuilds such indexes. A build that goes on shows in the
 * catalogue just so; it holds a lock of its table, so that the rebuilding waits for its end and then looks again.
 */
export const rebuildInvalidIndexes: OnlineStep = {
  name: 'rebuild invalid indexes',
  isDone: async (client) => (await invalidIndexes(client)).length === 0,
  run: async (client, { log }) => {
    for (const { index, table } of await invalidIndexes(client)) {
      await waitForBuild(client, table)
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
async function invalidIndexes(client: pg.ClientBase): Promise<Array<{ index: string; table: string }>> {
  const { rows } = await client.query(
    `select c.relname as index, t.relname as table from pg_index as i
     join pg_class as c on c.oid = i.indexrelid join pg_class as t on t.oid = i.indrelid
     where not i.indisvalid and c.relnamespace = current_schema()::regnamespace order by 1`,
  )
  return rows
}

/** The lock is the one that a build holds, and no obstacle to anybody who reads or writes rows. */
async function waitForBuild(client: pg.ClientBase, table: string): Promise<void> {
  await client.query(`begin; lock table ${quoted(table)} in share update exclusive mode; commit`)
}
