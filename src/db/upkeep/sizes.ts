import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import type { Target } from '../../tables/target.ts'
import { distributedSizes } from '../citus/sizes.ts'
import { isDistributed } from '../citus/state.ts'

/** Bytes on disk by kind, with indexes and TOAST. */
export interface LedgerSizes {
  readonly entries: number
  readonly hot_bodies: number
  readonly packed_bodies: number
  readonly rows: number
}

export async function ledgerSizes(
  client: Pick<pg.ClientBase, 'query'>,
  targets: readonly Target[],
): Promise<LedgerSizes> {
  const { rows } = await client.query(
    `select pg_total_relation_size(to_regclass('deliveries'))::float8 as entries,
       (select coalesce(sum(pg_total_relation_size(relid)), 0) from pg_partition_tree(to_regclass('body_groups')))::float8 as hot_bodies,
       (select coalesce(sum(pg_total_relation_size(relid)), 0) from pg_partition_tree(to_regclass('body_packs')))::float8 as packed_bodies,
       (select coalesce(sum(pg_total_relation_size(to_regclass(quote_ident(name)))), 0) from unnest($1::text[]) as name)::float8 as rows`,
    [targets.map(({ table }) => getTableName(table))],
  )
  if (!(await isDistributed(client))) return rows[0]
  const sizes = await distributedSizes(client)
  const sizeOf = (name: string) => sizes.get(name) ?? 0
  return {
    entries: sizeOf('deliveries'),
    hot_bodies: rows[0].hot_bodies,
    packed_bodies: sizeOf('body_packs'),
    rows: targets.reduce((sum, { table }) => sum + sizeOf(getTableName(table)), 0),
  }
}
