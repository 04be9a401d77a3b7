import { getTableName } from 'drizzle-orm'
import { bodyPacks } from '../../tables/bodies.ts'
import { deliveries } from '../../tables/deliveries.ts'
import { owners, personLinks } from '../../tables/people.ts'
import type { Target } from '../../tables/target.ts'
import { primaryKeyOf } from '../sql/parameters.ts'

/** A table that is distributed over the nodes, and the column with the owner of each row. */
export interface DistributedTable {
  readonly name: string
  readonly column: string
}

/**
 * Copied to every node: what is small, changes rarely, and is joined with the rows of every owner. A write of such a table is a
 * two-phase commit of all nodes, so no delivery writes one.
 */
export const REFERENCE_TABLES = ['time_zones', 'erasures', 'erasure_key', 'change_feed'] as const

/** On the coordinator alone: what no query joins with the rows of an owner. `body_groups` stays empty there. */
export const LOCAL_TABLES = [
  ...['body_groups', 'unverified_deliveries', 'upkeep_tasks', 'event_activity', 'reconcile_runs'],
  ...['stored_days', 'stored_days_state'],
  'nightpost_migrations',
] as const

/**
 * The tables that are distributed by the owner, which is the first column of their keys, in the order in which they are
 * distributed: tables with parts before their parts, because of the foreign keys. The ledger is last, so that a database whose
 * ledger is distributed is distributed as a whole.
 */
export function distributedTables(targets: readonly Target[]): DistributedTable[] {
  const parents = targets.filter(({ partOf }) => partOf === undefined)
  const parts = targets.filter(({ partOf }) => partOf !== undefined)
  return [
    owners,
    personLinks,
    bodyPacks,
    ...[...parents, ...parts].map(({ table }) => table),
    deliveries,
  ].map((table) => ({ name: getTableName(table), column: primaryKeyOf(table)[0]?.name as string }))
}
