import { getTableName } from 'drizzle-orm'
import { getTableConfig } from 'drizzle-orm/pg-core'
import type { Target } from '../../../tables/target.ts'
import { primaryKeyOf } from '../../sql/parameters.ts'
import { hasKey } from '../../write/former-key.ts'
import { quoted } from '../migration-files.ts'
import { retireFormerRecord } from '../migration-record.ts'
import { patiently } from '../patience.ts'
import type { OnlineStep } from './step.ts'

/** Tables whose primary key has become another get it while the service runs. */
export const keyChanges = (targets: readonly Target[]): OnlineStep[] =>
  targets.filter(({ formerKey }) => formerKey !== undefined).map(keyChange)

/**
 * The index of the new key is built beside the old one. Version 0.1.0 names the old key in its statements, so the keys
 * change places once it is gone; this version's writers notice, and name the new one.
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
        context.log.info(`building the index of the new key of ${table}: ${columns.join(', ')}`)
        await client.query(
          `create unique index concurrently ${quoted(index)} on ${quoted(table)} (${columns.map(quoted).join(', ')})`,
        )
      }
      const waitsFor = await context.isRidOf010(client)
      if (waitsFor !== null) return waitsFor
      await patiently(client, `The new key of ${table}`, context.patience, context.log, async (query) => {
        const { rows: old } = await query(
          `select conname from pg_constraint where conrelid = to_regclass(quote_ident($1)) and contype = 'p'`,
          [table],
        )
        await query(`alter table ${quoted(table)} drop constraint ${quoted(old[0].conname)}`)
        await query(
          `alter table ${quoted(table)} add constraint ${quoted(constraint)} primary key using index ${quoted(index)}`,
        )
        await retireFormerRecord(query)
      })
      context.log.info(`${table} has its new key: ${columns.join(', ')}`)
      return null
    },
  }
}
