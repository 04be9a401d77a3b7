import { sql } from 'drizzle-orm'
import { getTableConfig } from 'drizzle-orm/pg-core'
import { deliveries } from '../../tables/deliveries.ts'
import { changeFeed } from '../../tables/feed.ts'
import type { Target } from '../../tables/target.ts'
import { fingerprint } from './comparing-statements.ts'
import {
  and,
  byKey,
  columnOf,
  id,
  list,
  parametersOf,
  primaryKeyOf,
  rowsOf,
  type Statement,
  statement,
} from './parameters.ts'
import type { PartStatements } from './upserts.ts'

/** The ledger's columns without `change_position`: its default is the position of a first arrival. */
export const ledgerColumns = getTableConfig(deliveries).columns.filter(
  ({ name }) => name !== deliveries.change_position.name,
)

/** The position in the change feed of what the current transaction judges again. */
export const rejudgedPosition = sql`(select 2 * (pg_current_xact_id()::text::bigint + f.xid_offset) + 1 from ${changeFeed} as f where f.id = 1)`

/** A delivery that was not stored and is not stored now has no change to tell. */
const concernsRows = sql`(d.outcome = 'stored' or r.outcome = 'stored')`

/** The position after a replay: a new one if the verdict changes what the feed tells. Rows that change have `tellRejudged`. */
export const verdictPosition = sql`case when ${concernsRows} and (d.outcome, d.event) is distinct from (r.outcome, r.event) then ${rejudgedPosition}
    else d.change_position end`

/** The position of a delivery that gets another owner. */
export const movedPosition = sql`case when ${concernsRows} then ${rejudgedPosition} else d.change_position end`

/** Gives deliveries whose rows changed a new position. It locks them in the order of all writers. Parameter: their ids. */
export const tellRejudged = statement(
  'tell rejudged',
  [{ name: 'delivery_id', type: 'uuid' }],
  sql`with told as (
  select ${list(primaryKeyOf(deliveries).map(columnOf('d')))} from ${deliveries} as d
  where d.delivery_id = any($1::uuid[])
    and (d.change_position is distinct from ${rejudgedPosition} or d.first_day is not null)
  order by ${list(byKey(primaryKeyOf(deliveries), columnOf('d')))} for update
)
update ${deliveries} as d set change_position = ${rejudgedPosition}, first_day = null, last_day = null
from told where ${and(primaryKeyOf(deliveries).map(({ name }) => sql`d.${id(name)} = told.${id(name)}`))}`,
)

/**
 * Returns the delivery and a hash of the values of each row with one of the given keys; of a part, of each row of the given
 * parents. Parameters: the keys.
 */
export function describeKeyed(
  target: Target,
  parent: Target,
  parentKey?: PartStatements['parentKey'],
): Statement {
  const key = primaryKeyOf(parent.table)
  const same = parentKey ?? key.map(({ name }) => ({ parent: name, part: name }))
  const parameters = key.flatMap(parametersOf)
  return statement(
    `describe keyed ${getTableConfig(target.table).name}`,
    parameters,
    sql`select distinct t.delivery_id, ${fingerprint(target, columnOf('t'))}::text as fingerprint from ${rowsOf(parameters)}
join ${target.table} as t on ${and(same.map(({ parent, part }) => sql`t.${id(part)} = r.${id(parent)}`))}`,
  )
}
