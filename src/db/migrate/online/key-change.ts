import { getTableName } from 'drizzle-orm'
import { getTableConfig } from 'drizzle-orm/pg-core'
import type { Target } from '../../../tables/target.ts'
import { primaryKeyOf } from '../../sql/parameters.ts'
import { hasKey } from '../../write/former-key.ts'
import { retryOnLock } from '../lock-retry.ts'
import { quoted } from '../migration-files.ts'
import { deleteRecordOf010 } from '../migration-record.ts'
import type { OnlineStep } from './step.ts'

/** Returns a step for each table whose primary key differs from that of an earlier version. */
export const keyChanges = (targets: readonly Target[]): OnlineStep[] =>
  targets.filter(({ formerKey }) => formerKey !== undefined).map(keyChange)

/**
 * Builds the index of the new key concurrently, then replaces the old key by it. The statements of version 0.1.0 name the old
 * key, so the replacement waits until that version is gone. The writers of this version detect the change
 * (`AdaptingWriter`).
 */
function keyChange(target: Target): OnlineStep {
  const table = getTableName(target.table)
  const columns = primaryKeyOf(target.table).map(({ name }) => name)
  const constraint = getTableConfig(target.table).primaryKeys[0]?.getName() ?? `${table}_pk`
  const index = `${table}_new_key_idx`
  return {
    name: `key of ${table}`,
    isDone: (client) => hasKey(client, table, columns),
    run: async (client, context) => {
      const { rows } = await client.query('select to_regclass(quote_ident($1)) is null as missing', [index])
      if (rows[0].missing) {
        context.log.info(`building the index of the new primary key of ${table}: ${columns.join(', ')}`)
        await client.query(
          `create unique index concurrently ${quoted(index)} on ${quoted(table)} (${columns.map(quoted).join(', ')})`,
        )
      }
      const waitsFor = await context.waitsForVersion010(client)
      if (waitsFor !== null) return waitsFor
      await retryOnLock(
        client,
        `The new primary key of ${table}`,
        context.lockRetry,
        context.log,
        async (query) => {
          const { rows: old } = await query(
            `select conname from pg_constraint where conrelid = to_regclass(quote_ident($1)) and contype = 'p'`,
            [table],
          )
          await query(`alter table ${quoted(table)} drop constraint ${quoted(old[0].conname)}`)
          await query(
            `alter table ${quoted(table)} add constraint ${quoted(constraint)} primary key using index ${quoted(index)}`,
          )
          await deleteRecordOf010(query)
        },
      )
      context.log.info(`${table} has its new primary key: ${columns.join(', ')}`)
      return null
    },
  }
}
