import { type SQL, sql } from 'drizzle-orm'
import { getTableConfig, type PgColumn } from 'drizzle-orm/pg-core'
import { bodyGroups } from '../../tables/bodies.ts'
import { deliveries } from '../../tables/deliveries.ts'
import type { Target } from '../../tables/target.ts'
import type { Plan } from '../write/plan.ts'
import { ledgerColumns, movedPosition, rejudgedPosition, verdictPosition } from './feed-statements.ts'
import { isNotFenced, isStorable } from './fence.ts'
import {
  and,
  byKey,
  columnOf,
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
import { insertSql, type PartStatements, returningWritten, upsertSql } from './upserts.ts'

const ledgerKey = primaryKeyOf(deliveries)
/** The columns that say where the body of a delivery is. */
const bodyColumns = [deliveries.body, deliveries.body_group, deliveries.body_start, deliveries.body_size]
const isBody = (column: PgColumn) => bodyColumns.some(({ name }) => name === column.name)
const ledgerParameters = ledgerColumns.filter((column) => !isBody(column)).flatMap(parametersOf)
/** Without `body_group`, which is the same for the whole group. */
const entryColumns = ledgerColumns.filter(({ name }) => name !== deliveries.body_group.name)
const rowParameters = entryColumns.flatMap(parametersOf)
const groupId: Parameter = { name: 'group_id', type: 'uuid', isScalar: true }
const groupBytes: Parameter = { name: 'group_bytes', type: 'bytea', isScalar: true }
/** The user that a delivery names, for the fence. The ledger has only the one of the header, in `user_id`. */
const subject: Parameter = { name: 'subject', type: 'text' }
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
 * Parameters: the ledger's columns, then for each target its columns and those of its parts.
 */
export function insertGroup(plans: readonly Pick<Plan, 'target' | 'key' | 'parts'>[]): Statement {
  const parameters = [...entryParameters]
  const place = ({ table }: Target) => {
    const first = parameters.length + 1
    parameters.push(...getTableConfig(table).columns.flatMap(parametersOf))
    return first
  }
  const writes = plans.map(({ target, key, parts }) => [
    sql`, ${writtenName(target)} as (${upsertSql(target, key, place(target), whereNew, returningWritten(target))})`,
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
  return statement(
    `insert group ${targets.join(' ')}`,
    parameters,
    sql`with new_deliveries as (${insertDeliveriesSql()}), new_bodies as (${insertBodiesSql()})${sql.join(inOrder)}
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

const verdictColumns = [
  deliveries.event,
  deliveries.user_id,
  deliveries.authenticated_by,
  deliveries.outcome,
  deliveries.problem,
  deliveries.headers,
  deliveries.normaliser_version,
]

const newValue = (name: string) => id(`new ${name}`)

/** The stored body arrived again with the name of another event. The name that arrived last is valid. */
const isRenamed = sql`d.outcome = 'stored' and r.outcome = 'stored' and d.event is distinct from r.event
    and r.last_received_at >= d.last_received_at`

/**
 * Counts deliveries whose bytes are in the ledger, and that concern no erased person. Updates the verdict of those that were not stored, or that arrive with
 * another event's name. Returns the ledger's id and first arrival, the previous outcome and event, and whether the verdict
 * was updated. If the connection was lost at the commit, a delivery may find itself in the ledger: then it is not counted
 * again. The CTE contains the parameters' values, because a second join with the parameters would compare each row with each.
 */
export const countDuplicates = statement(
  'count duplicates',
  [...ledgerParameters, subject],
  sql`with held as (
  select ${list(ledgerKey.map(columnOf('d')))}, d.outcome as outcome_before, d.event as event_before,
    d.outcome <> 'stored' or (${isRenamed}) as is_judged_again, r.delivery_id as arrival_id,
    greatest(d.last_received_at, r.last_received_at) as last_received_at,
    d.times_received + case when d.delivery_id = r.delivery_id then 0 else r.times_received end as times_received,
    ${list(verdictColumns.map((column) => sql`${fromParameter(column)} as ${newValue(column.name)}`))}
  from ${rowsOf([...ledgerParameters, subject])}
  join ${deliveries} as d on ${and(ledgerKey.map((column) => sql`d.${id(column.name)} = ${fromParameter(column)}`))}
  where ${isStorable}
  order by ${list(byKey(ledgerKey, columnOf('d')))} for update of d
)
update ${deliveries} as d set last_received_at = held.last_received_at, times_received = held.times_received,
  ${list(
    verdictColumns.map(
      ({ name }) =>
        sql`${id(name)} = case when held.is_judged_again then held.${newValue(name)} else d.${id(name)} end`,
    ),
  )},
  change_position = case when held.is_judged_again and held.${newValue('outcome')} = 'stored' then ${rejudgedPosition} else d.change_position end
from held where ${and(ledgerKey.map(({ name }) => sql`d.${id(name)} = held.${id(name)}`))}
returning held.arrival_id, d.owner, d.delivery_id, d.received_at::text, held.outcome_before, held.event_before,
  held.is_judged_again`,
)

const verdictParameters = [...ledgerKey, deliveries.delivery_id, ...verdictColumns].flatMap(parametersOf)
const asNamed = (column: PgColumn) => sql`${fromParameter(column)} as ${id(column.name)}`
const verdictRows = sql`select ${list([...ledgerKey, deliveries.delivery_id, ...verdictColumns].map(asNamed))} from ${rowsOf(verdictParameters)}`

/** Updates verdicts that differ. A verdict with another owner needs `moveDeliveries`. */
export const updateVerdicts = statement(
  'update verdicts',
  verdictParameters,
  sql`update ${deliveries} as d set ${list(verdictColumns.map(({ name }) => sql`${id(name)} = r.${id(name)}`))},
  change_position = ${verdictPosition}
from (${verdictRows}) as r where ${and(ledgerKey.map(({ name }) => sql`d.${id(name)} = r.${id(name)}`))}
and (${list(verdictColumns.map(columnOf('d')))}) is distinct from (${list(verdictColumns.map(columnOf('r')))})`,
)

const moveParameters = [...verdictParameters, ...parametersOf(deliveries.body)]
const moveRows = sql`select ${list(
  [...ledgerKey, deliveries.delivery_id, ...verdictColumns, deliveries.body].map(asNamed),
)} from ${rowsOf(moveParameters)}`
const movedColumns = new Set([deliveries.owner, deliveries.body, ...verdictColumns].map(({ name }) => name))
/** A moved delivery has its body in its entry, because packs are found by the owner. */
const unset = new Set([deliveries.body_group, deliveries.body_start].map(({ name }) => name))
const moved = (column: PgColumn) =>
  unset.has(column.name)
    ? sql`null::${sql.raw(column.getSQLType())}`
    : columnOf(movedColumns.has(column.name) ? 'r' : 'd')(column)

/**
 * Updates verdicts whose owner differs. The owner is part of the key, so the row is deleted and inserted, with the body as
 * given. Returns `delivery_id`, unless the new owner is erased: then the delivery goes. If the new owner already has a delivery
 * with the same bytes, that one stays, the arrivals are added to it, and its id is returned.
 */
export const moveDeliveries = statement(
  'move deliveries',
  moveParameters,
  sql`with gone as (
  delete from ${deliveries} as d using (${moveRows}) as r
  where d.delivery_id = r.delivery_id and d.owner <> r.owner
  returning ${list(ledgerColumns.map((column) => sql`${moved(column)} as ${id(column.name)}`))}, ${movedPosition} as change_position
)
insert into ${deliveries} as d (${names(ledgerColumns)}, change_position)
select ${names(ledgerColumns)}, change_position from gone
where ${sql.raw(isNotFenced('gone'))}
order by ${list(byKey(ledgerKey, columnOf('gone')))}
on conflict (${names(ledgerKey)}) do update set
  times_received = d.times_received + excluded.times_received,
  last_received_at = greatest(d.last_received_at, excluded.last_received_at)
returning d.delivery_id`,
)

/** Locks deliveries by their ids. Returns the owner and the arrival of each, and where its body is. */
export const lockDeliveries = statement(
  'lock deliveries',
  [{ name: 'delivery_id', type: 'uuid' }],
  sql`select d.delivery_id, d.owner, d.received_at::text, d.body_group, d.body_start, d.body_size from ${deliveries} as d
where d.delivery_id = any($1::uuid[]) order by ${list(byKey(ledgerKey, columnOf('d')))} for update`,
)

/** Returns, without locks, the id in the ledger of each delivery that has the key that its verdict gives it, or NULL. */
export const present = statement(
  'present deliveries',
  verdictParameters,
  sql`select r.delivery_id, d.delivery_id as held_as from (${verdictRows}) as r
left join ${deliveries} as d on ${and(ledgerKey.map(({ name }) => sql`d.${id(name)} = r.${id(name)}`))}`,
)
