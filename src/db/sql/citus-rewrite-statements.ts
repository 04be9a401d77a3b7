// What a replay writes on Citus, for one owner at a time: each statement has the owner as a condition, so it is one task.
import { sql } from 'drizzle-orm'
import { deliveries } from '../../tables/deliveries.ts'
import { ledgerColumns } from './feed-statements.ts'
import { isNotFenced } from './fence.ts'
import { verdictColumns } from './ledger-statements.ts'
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

const ledgerKey = primaryKeyOf(deliveries)
const sameKey = and(ledgerKey.map((column) => sql`d.${id(column.name)} = ${fromParameter(column)}`))

/** Locks deliveries of one owner. Parameters: their ids, the owner. Returns what `lockDeliveries` does. */
export const lockOfOwner: Statement = statement(
  'lock deliveries of owner',
  [],
  sql`select d.delivery_id, d.owner, d.received_at::text, d.source, d.body_group, d.body_start, d.body_size from ${deliveries} as d
where d.delivery_id = any(${sql.raw('$1::uuid[]')}) and d.owner = ${sql.raw('$2::text')}
order by ${list(byKey(ledgerKey, columnOf('d')))} for update`,
)

const position: Parameter = { name: 'change_position', type: 'bigint' }
const verdictParameters = [
  ...[...ledgerKey, deliveries.delivery_id, ...verdictColumns].flatMap(parametersOf),
  position,
]

/** Updates verdicts that differ, as `updateVerdicts` does. The position is the one of this transaction. */
export const updateVerdictsOfOwner: Statement = statement(
  'update verdicts of owner',
  verdictParameters,
  sql`update ${deliveries} as d set ${list(verdictColumns.map((column) => sql`${id(column.name)} = ${fromParameter(column)}`))},
  change_position = case when (d.outcome = 'stored' or r.outcome = 'stored') and (d.outcome, d.event) is distinct from (r.outcome, r.event)
    then r.change_position else d.change_position end
from ${rowsOf(verdictParameters)} where ${sameKey} and d.owner = any(${sql.raw('$1::text[]')})
and (${list(verdictColumns.map(columnOf('d')))}) is distinct from (${list(verdictColumns.map(fromParameter))})`,
)

/** Reads what stays of a delivery that gets another owner. Parameters: its id, its owner. */
export const keptOfOwner: Statement = statement(
  'kept of delivery of owner',
  [],
  sql`select d.source, d.received_at::text, d.last_received_at::text, d.times_received, d.body_size, d.outcome, d.change_position::text
from ${deliveries} as d where d.delivery_id = ${sql.raw('$1::uuid')} and d.owner = ${sql.raw('$2::text')}`,
)

/** Deletes a delivery that gets another owner. Parameters: its id, its owner. It can't return times as text on Citus. */
export const takeFromOwner: Statement = statement(
  'take delivery from owner',
  [],
  sql`delete from ${deliveries} as d where d.delivery_id = ${sql.raw('$1::uuid')} and d.owner = ${sql.raw('$2::text')}`,
)

const givenParameters = [...ledgerColumns.flatMap(parametersOf), position]

/** Inserts a delivery that got another owner, as `moveDeliveries` does. */
export const giveToOwner: Statement = statement(
  'give delivery to owner',
  givenParameters,
  sql`insert into ${deliveries} as d (${names(ledgerColumns)}, change_position)
select ${list(ledgerColumns.map(fromParameter))}, r.change_position from ${rowsOf(givenParameters)}
where ${sql.raw(isNotFenced('r'))}
on conflict (${names(ledgerKey)}) do update set
  times_received = d.times_received + excluded.times_received,
  last_received_at = greatest(d.last_received_at, excluded.last_received_at)
returning d.delivery_id`,
)

/** Gives deliveries a new position in the change feed. Parameters: their ids, the owner, the position. */
export const tellOfOwner: Statement = statement(
  'tell rejudged of owner',
  [],
  sql`update ${deliveries} as d set change_position = ${sql.raw('$3::bigint')}
where d.delivery_id = any(${sql.raw('$1::uuid[]')}) and d.owner = ${sql.raw('$2::text')}
  and d.change_position is distinct from ${sql.raw('$3::bigint')}`,
)
