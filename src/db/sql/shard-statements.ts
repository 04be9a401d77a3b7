// Statements that Citus plans as one task, because all their rows are of one shard. A condition with the array of the owners
// says so: `owner = any($1)`. Functions that are not immutable are left to the coordinator.
import { sql } from 'drizzle-orm'
import { getTableConfig } from 'drizzle-orm/pg-core'
import { deliveries } from '../../tables/deliveries.ts'
import { owners, personLinks } from '../../tables/people.ts'
import type { Target } from '../../tables/target.ts'
import { ledgerColumns } from './feed-statements.ts'
import { isStorable, subject } from './fence.ts'
import { isRenamed, verdictColumns } from './ledger-statements.ts'
import { isUnnamed, ownerParameters } from './owner-statements.ts'
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

/** `body_groups` has no owner, so on Citus every body is in its entry until it is packed. */
const isPlace = ({ name }: { name: string }) =>
  name === deliveries.body_group.name || name === deliveries.body_start.name
const entryColumns = ledgerColumns.filter((column) => !isPlace(column))
const entryParameters = [...entryColumns.flatMap(parametersOf), subject]

/**
 * Inserts the deliveries of a group that the ledger does not have and that concern no erased person. Returns their ids. The
 * coordinator evaluates the SELECT and the defaults: the fence is looked up in its own copy, which has an erasure from the
 * moment of its commit, and `change_position` is the id of its transaction.
 */
export const insertEntries: Statement = statement(
  'insert entries',
  entryParameters,
  sql`insert into ${deliveries} (${names(entryColumns)})
select ${list(entryColumns.map(fromParameter))} from ${rowsOf(entryParameters)}
where ${isStorable}
order by ${list(byKey(ledgerKey))}
on conflict (${names(ledgerKey)}) do nothing
returning delivery_id`,
)

const heldParameters = [
  ...ledgerKey,
  deliveries.delivery_id,
  deliveries.event,
  deliveries.outcome,
  deliveries.last_received_at,
].flatMap(parametersOf)

/** Locks the entries that have the bytes of deliveries. Returns what `countDuplicates` does. */
export const lockHeld: Statement = statement(
  'lock held',
  heldParameters,
  sql`select r.delivery_id as arrival_id, d.owner, d.delivery_id, d.received_at::text, d.source, d.outcome as outcome_before,
  d.event as event_before, d.outcome <> 'stored' or (${isRenamed}) as is_judged_again
from ${rowsOf(heldParameters)} join ${deliveries} as d on ${sameKey}
where d.owner = any($1::text[])
order by ${list(byKey(ledgerKey, columnOf('d')))} for update of d`,
)

const isJudgedAgain: Parameter = { name: 'is_judged_again', type: 'boolean' }
const position: Parameter = { name: 'change_position', type: 'bigint' }
const countedParameters = [
  ...[
    ...ledgerKey,
    deliveries.delivery_id,
    deliveries.last_received_at,
    deliveries.times_received,
    ...verdictColumns,
  ].flatMap(parametersOf),
  isJudgedAgain,
  position,
]

/** Counts arrivals of entries that `lockHeld` has locked. The position in the change feed stays where none is given. */
export const countHeld: Statement = statement(
  'count held',
  countedParameters,
  sql`update ${deliveries} as d set last_received_at = greatest(d.last_received_at, r.last_received_at),
  times_received = d.times_received + case when d.delivery_id = r.delivery_id then 0 else r.times_received end,
  ${list(
    verdictColumns.map(
      (column) =>
        sql`${id(column.name)} = case when r.is_judged_again then ${fromParameter(column)} else d.${id(column.name)} end`,
    ),
  )},
  change_position = coalesce(r.change_position, d.change_position)
from ${rowsOf(countedParameters)} where ${sameKey} and d.owner = any($1::text[])`,
)

const [, ...otherOwnerParameters] = ownerParameters
/** The owner is the first parameter. */
const orderedOwnerParameters = [
  ...otherOwnerParameters.filter(({ name }) => name === 'owner'),
  ...ownerParameters.filter(({ name }) => name !== 'owner'),
]

/** Returns the ids of the deliveries whose owner is recorded, as `recordOwners` would. */
export const knownOwners: Statement = statement(
  'known owners',
  orderedOwnerParameters,
  sql`select r.delivery_id from ${rowsOf(orderedOwnerParameters)}
join ${owners} as o on o.owner = r.owner and o.vendor = r.vendor
where o.owner = any($1::text[]) and (o.user_id = '', o.first_received_at) <= (${isUnnamed}, r.received_at)`,
)

/** Returns the links of owners. */
export const linksOf: Statement = statement(
  'links of owners',
  [{ name: 'owner', type: 'text' }],
  sql`select l.owner, l.vendor, l.person_id from ${personLinks} as l where l.owner = any($1::text[])`,
)

const newOwnerParameters: Parameter[] = [...orderedOwnerParameters, { name: 'linked_to', type: 'text' }]

/** Records owners, as `recordOwners` does. */
export const insertOwners: Statement = statement(
  'insert owners',
  newOwnerParameters,
  sql`insert into ${owners} as o (owner, vendor, user_id, person_id, first_received_at)
select distinct on (r.owner collate "C", r.vendor collate "C") r.owner, r.vendor, coalesce(r.subject, ''),
  coalesce(r.linked_to, nullif(r.subject, ''), r.owner), r.received_at
from ${rowsOf(newOwnerParameters)}
order by r.owner collate "C", r.vendor collate "C", ${isUnnamed}, r.received_at
on conflict (owner, vendor) do update set user_id = excluded.user_id, person_id = excluded.person_id, first_received_at = excluded.first_received_at
where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at)`,
)

/** Deletes the rows that deliveries wrote into a table; their parts are deleted by cascade. */
export function deleteOfShard(target: Target): Statement {
  const [owner] = primaryKeyOf(target.table)
  const parameters: Parameter[] = [
    { name: 'owner', type: 'text' },
    { name: 'delivery_id', type: 'uuid' },
  ]
  const column = sql`t.${id(owner?.name ?? '')}`
  return statement(
    `delete of shard ${getTableConfig(target.table).name}`,
    parameters,
    sql`delete from ${target.table} as t using ${rowsOf(parameters)}
where ${column} = r.owner and t.delivery_id = r.delivery_id and ${column} = any($1::text[])`,
  )
}
