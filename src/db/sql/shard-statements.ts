// Statements that Citus plans as one task, because all their rows are of one shard. A condition with the array of the owners
// says so: `owner = any($1)`. Functions that are not immutable are left to the coordinator.
import { sql } from 'drizzle-orm'
import { getTableConfig } from 'drizzle-orm/pg-core'
import { deliveries } from '../../tables/deliveries.ts'
import { owners, personLinks } from '../../tables/people.ts'
import type { Target } from '../../tables/target.ts'
import { ledgerColumns } from './feed-statements.ts'
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
const entryColumns = [...ledgerColumns.filter((column) => !isPlace(column)), deliveries.change_position]
const entryParameters = entryColumns.flatMap(parametersOf)

/**
 * Inserts the deliveries of recorded owners that the ledger does not have; returns their ids. The shard would look up the fence
 * in its own copy, which an erasure reaches later than the coordinator's. So the coordinator looks it up afterwards.
 */
export const insertEntries: Statement = statement(
  'insert entries',
  entryParameters,
  sql`insert into ${deliveries} (${names(entryColumns)})
select ${list(entryColumns.map((column) => (column.name === deliveries.owner.name ? sql`k.owner` : fromParameter(column))))}
from ${rowsOf(entryParameters)} join ${owners} as k on k.owner = r.owner and k.vendor = r.vendor
where k.owner = any($1::text[])
order by ${list(byKey(ledgerKey))}
on conflict (${names(ledgerKey)}) do nothing
returning delivery_id`,
)

/** How many rows a statement has whose parameters are single values: of 70 rows, 64 and 6 times 1. */
export const VALUES_AT_ONCE: readonly number[] = [64, 8, 1]

/** Returns `values ($1, $2), ($3, $4)` for so many rows with these expressions of a parameter. */
const valuesOf = (rows: number, expressions: ReadonlyArray<(parameter: string) => string>) =>
  sql.raw(
    Array.from(
      { length: rows },
      (_, row) => `(${expressions.map((of, at) => of(`$${row * expressions.length + at + 1}`)).join(', ')})`,
    ).join(', '),
  )

const typed = (type: string) => (parameter: string) =>
  type === 'jsonb' ? `${parameter}::text::jsonb` : `${parameter}::${type}`

/** The columns of `insertUnownedEntries`. */
export const entryNames: readonly string[] = entryColumns.map(({ name }) => name)

/**
 * Inserts so many deliveries, of owners that are not recorded or of nobody. Returns the ids of those that the ledger does not
 * have. Its parameters are single values: Citus finds the shard of a row by a single value.
 */
export const insertUnownedEntries = (rows: number) => ({
  ...statement(
    `insert entries without owner, ${rows}`,
    [],
    sql`insert into ${deliveries} (${names(entryColumns)}) values ${valuesOf(
      rows,
      entryColumns.map((column) => typed(column.getSQLType())),
    )}
on conflict (${names(ledgerKey)}) do nothing returning delivery_id`,
  ),
  types: entryColumns.map((column) => {
    const type = column.getSQLType()
    return `${column.name} ${type === 'jsonb' ? 'text' : type}`
  }),
})

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

/**
 * Returns the ids of the deliveries whose owner is recorded, and whether recording it again would change nothing
 * (`recordOwners`).
 */
export const knownOwners: Statement = statement(
  'known owners',
  orderedOwnerParameters,
  sql`select r.delivery_id, (o.user_id = '', o.first_received_at) <= (${isUnnamed}, r.received_at) as is_settled
from ${rowsOf(orderedOwnerParameters)} join ${owners} as o on o.owner = r.owner and o.vendor = r.vendor
where o.owner = any($1::text[])`,
)

/** Returns the links of owners. */
export const linksOf: Statement = statement(
  'links of owners',
  [{ name: 'owner', type: 'text' }],
  sql`select l.owner, l.vendor, l.person_id from ${personLinks} as l where l.owner = any($1::text[])`,
)

const ownerColumns = [owners.owner, owners.vendor, owners.user_id, owners.person_id, owners.first_received_at]

/** Records so many different owners, as `recordOwners` does. Parameters: owner, vendor, the user id or '', the person, and the arrival. */
export const insertOwners = (rows: number) => ({
  ...statement(
    `insert owners, ${rows}`,
    [],
    sql`insert into ${owners} as o (${names(ownerColumns)})
values ${valuesOf(
      rows,
      ownerColumns.map((column) => typed(column.getSQLType())),
    )}
on conflict (owner, vendor) do update set user_id = excluded.user_id, person_id = excluded.person_id, first_received_at = excluded.first_received_at
where (o.user_id = '', o.first_received_at) > (excluded.user_id = '', excluded.first_received_at)`,
  ),
  types: ownerColumns.map((column) => `${column.name} ${column.getSQLType()}`),
})

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
