import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { deliveries } from '../../tables/deliveries.ts'
import { ledgerColumns, movedPosition, rejudgedPosition, verdictPosition } from './feed-statements.ts'
import { isNotFenced, isStorable, subject } from './fence.ts'
import {
  and,
  byKey,
  columnOf,
  fromParameter,
  id,
  list,
  names,
  parametersOf,
  primaryKeyOf,
  rowsOf,
  statement,
} from './parameters.ts'

const ledgerKey = primaryKeyOf(deliveries)
/** NULL in both: a delivery that is judged again may change any day. */
const dayColumns = [deliveries.first_day, deliveries.last_day]
const isDay = (column: PgColumn) => dayColumns.some(({ name }) => name === column.name)
const anyDay = (when: SQL) =>
  list(dayColumns.map(({ name }) => sql`${id(name)} = case when ${when} then null else d.${id(name)} end`))
/** The columns that say where the body of a delivery is. */
const bodyColumns = [deliveries.body, deliveries.body_group, deliveries.body_start, deliveries.body_size]
const isBody = (column: PgColumn) => bodyColumns.some(({ name }) => name === column.name)
const ledgerParameters = ledgerColumns
  .filter((column) => !isBody(column) && !isDay(column))
  .flatMap(parametersOf)
export const verdictColumns = [
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
export const isRenamed = sql`d.outcome = 'stored' and r.outcome = 'stored' and d.event is distinct from r.event
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
  change_position = case when held.is_judged_again and held.${newValue('outcome')} = 'stored' then ${rejudgedPosition} else d.change_position end,
  ${anyDay(sql`held.is_judged_again`)}
from held where ${and(ledgerKey.map(({ name }) => sql`d.${id(name)} = held.${id(name)}`))}
returning held.arrival_id, d.owner, d.delivery_id, d.received_at::text, d.source, held.outcome_before, held.event_before,
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
  change_position = ${verdictPosition}, ${anyDay(sql`true`)}
from (${verdictRows}) as r where ${and(ledgerKey.map(({ name }) => sql`d.${id(name)} = r.${id(name)}`))}
and (${list(verdictColumns.map(columnOf('d')))}) is distinct from (${list(verdictColumns.map(columnOf('r')))})`,
)

const moveParameters = [...verdictParameters, ...parametersOf(deliveries.body)]
const moveRows = sql`select ${list(
  [...ledgerKey, deliveries.delivery_id, ...verdictColumns, deliveries.body].map(asNamed),
)} from ${rowsOf(moveParameters)}`
const movedColumns = new Set([deliveries.owner, deliveries.body, ...verdictColumns].map(({ name }) => name))
/** A moved delivery has its body in its entry, because packs are found by the owner. */
const unset = new Set([deliveries.body_group, deliveries.body_start, ...dayColumns].map(({ name }) => name))
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
  sql`select d.delivery_id, d.owner, d.received_at::text, d.source, d.body_group, d.body_start, d.body_size from ${deliveries} as d
where d.delivery_id = any($1::uuid[]) order by ${list(byKey(ledgerKey, columnOf('d')))} for update`,
)

/** Returns, without locks, the id in the ledger of each delivery that has the key that its verdict gives it, or NULL. */
export const present = statement(
  'present deliveries',
  verdictParameters,
  sql`select r.delivery_id, d.delivery_id as held_as from (${verdictRows}) as r
left join ${deliveries} as d on ${and(ledgerKey.map(({ name }) => sql`d.${id(name)} = r.${id(name)}`))}`,
)
