import { type SQL, sql } from 'drizzle-orm'
import { getTableConfig } from 'drizzle-orm/pg-core'
import { bodyGroups } from '../../tables/bodies.ts'
import { deliveries } from '../../tables/deliveries.ts'
import type { Target } from '../../tables/target.ts'
import type { Plan } from '../write/plan.ts'
import { ledgerColumns } from './feed-statements.ts'
import { isStorable, subject } from './fence.ts'
import { ownerParameters, recordOwnersSql } from './owner-statements.ts'
import {
  byKey,
  fromParameter,
  id,
  list,
  names,
  type Parameter,
  parametersOf,
  primaryKeyOf,
  rowsOf,
  type Statement,
  statement,
} from './parameters.ts'
import {
  givenColumns,
  insertSql,
  isPullable,
  type PartStatements,
  returningWritten,
  upsertSql,
} from './upserts.ts'

const ledgerKey = primaryKeyOf(deliveries)
/** Without `body_group`, which is the same for the whole group. */
const entryColumns = ledgerColumns.filter(({ name }) => name !== deliveries.body_group.name)
const rowParameters = entryColumns.flatMap(parametersOf)
const groupId: Parameter = { name: 'group_id', type: 'uuid', isScalar: true }
const groupBytes: Parameter = { name: 'group_bytes', type: 'bytea', isScalar: true }
const entryParameters = [...rowParameters, subject, groupId, groupBytes]
const placeOf = (name: string) => {
  const at = entryParameters.findIndex((parameter) => parameter.name === name)
  const { type, isScalar } = entryParameters[at] as Parameter
  return sql.raw(`$${at + 1}::${type}${isScalar ? '' : '[]'}`)
}

/**
 * Inserts the deliveries of a group that are not in the ledger, and upserts their rows, in one statement and one round trip.
 * Returns two kinds of rows. One is for a delivery that is not inserted, usually none: its `delivery_id`, with NULL as `table`.
 * The ledger has it already, or it concerns an erased person. Its rows are not written. The other is for a row with parts that
 * replaced an older row: its `delivery_id`, `table` and `key`. The parts of a row are inserted here only if the row is new. The parts of a row that replaced another must be
 * deleted first, by a statement whose snapshot is taken after the row is locked.
 * Parameters: the ledger's columns, then for each target its columns and those of its parts. `pulled_at` is among them only
 * with `withPulled`: what vendors send has none.
 */
export function insertGroup(
  plans: readonly Pick<Plan, 'target' | 'key' | 'parts'>[],
  withPulled = false,
): Statement {
  const parameters = [...entryParameters]
  const place = (target: Target) => {
    const first = parameters.length + 1
    parameters.push(...givenColumns(target, withPulled).flatMap(parametersOf))
    return first
  }
  const writes = plans.map(({ target, key, parts }) => [
    sql`, ${writtenName(target)} as (${upsertSql(target, key, place(target), whereNew, returningWritten(target), { withPulled })})`,
    ...parts.map(
      ({ target: part, parentKey }) =>
        sql`, ${writtenName(part)} as (${insertSql(part, place(part), whereParentIsNew(target, parentKey))})`,
    ),
  ])
  // Postgres executes a CTE when the query reads it, and the CTEs that the query does not read last, in reverse order. They are
  // listed in reverse order here, so that Postgres locks rows in the order of the plans.
  const inOrder = writes.reverse().flat()
  const replaced = plans.filter(({ parts }) => parts.length > 0).map(({ target }) => selectReplaced(target))
  const targets = plans.map(({ target, key }) => `${getTableConfig(target.table).name}${key.suffix}`)
  const isPulled = withPulled && plans.some(({ target }) => isPullable(target))
  return statement(
    `insert group ${isPulled ? 'pulled ' : ''}${targets.join(' ')}`,
    parameters,
    sql`with new_deliveries as (${insertDeliveriesSql()}), new_bodies as (${insertBodiesSql()}), new_owners as (${insertOwnersSql()})${sql.join(inOrder)}
select r.delivery_id, null as table, null::jsonb as key
from unnest(${placeOf('delivery_id')}) as r(delivery_id) ${whereNotNew} ${sql.join(replaced)}`,
  )
}

const writtenName = ({ table }: Target) => id(`written ${getTableConfig(table).name}`)

// `is true` makes the planner use a hashed subplan instead of a join.
const isNewDelivery = sql`(r.delivery_id in (select n.delivery_id from new_deliveries as n))`
const whereNew = sql`where ${isNewDelivery} is true`
const whereNotNew = sql`where ${isNewDelivery} is not true`

function whereParentIsNew(parent: Target, parentKey: PartStatements['parentKey']): SQL {
  const mine = list(parentKey.map(({ part }) => sql`r.${id(part)}`))
  const theirs = list(parentKey.map(({ parent }) => sql`o.${id(parent)}`))
  return sql`where ((${mine}, r.delivery_id)
  in (select ${theirs}, o.delivery_id from ${writtenName(parent)} as o where o.is_new)) is true`
}

function selectReplaced(target: Target): SQL {
  const key = list(
    primaryKeyOf(target.table).flatMap(({ name }) => [sql.raw(`'${name}'`), sql`o.${id(name)}`]),
  )
  return sql`
union all select o.delivery_id, ${sql.raw(`'${getTableConfig(target.table).name}'`)}, jsonb_build_object(${key})
from ${writtenName(target)} as o where not o.is_new`
}

function insertDeliveriesSql(): SQL {
  return sql`insert into ${deliveries} (${names(ledgerColumns)})
select ${list(ledgerColumns.map((column) => (column.name === deliveries.body_group.name ? groupOfRow : fromParameter(column))))}
from ${rowsOf([...rowParameters, subject])}
where ${isStorable}
order by ${list(byKey(ledgerKey))}
on conflict (${names(ledgerKey)}) do nothing
returning delivery_id, body_start`
}

const groupOfRow = sql`case when r.body_start is not null then ${placeOf(groupId.name)} end`

/**
 * Inserts the bodies of the new deliveries end to end. Usually that is the parameter as it is. Where the ledger had some of
 * the deliveries already, their bytes are replaced by zeros: no entry says whose they are, so an erasure could not find them.
 */
function insertBodiesSql(): SQL {
  const [ids, starts, sizes] = ['delivery_id', 'body_start', 'body_size'].map(placeOf)
  const bytes = placeOf(groupBytes.name)
  return sql`insert into ${bodyGroups} (group_id, bytes)
select ${placeOf(groupId.name)}, case
  when count(*) = (select count(s) from unnest(${starts}) as s) then ${bytes}
  else (
    select string_agg(case when ${isNewDelivery} then substring(${bytes} from r.body_start for r.body_size)
      else decode(repeat('00', r.body_size), 'hex') end, ''::bytea order by r.body_start)
    from unnest(${ids}, ${starts}, ${sizes}) as r(delivery_id, body_start, body_size) where r.body_start is not null
  ) end
from new_deliveries as n where n.body_start is not null having count(*) > 0`
}

function insertOwnersSql(): SQL {
  const columns = ownerParameters.map(({ name }) => name)
  const rows = sql`unnest(${list(columns.map(placeOf))}) as r(${names(ownerParameters)})`
  return recordOwnersSql(rows, sql`${isNewDelivery} is true`)
}
