import { type SQL, sql } from 'drizzle-orm'
import { getTableConfig, type PgColumn } from 'drizzle-orm/pg-core'
import { deliveries } from '../../tables/deliveries.ts'
import type { Target } from '../../tables/target.ts'
import {
  columnOf,
  fromParameter,
  givenColumnsOf,
  id,
  list,
  parametersOf,
  primaryKeyOf,
  rowsOf,
  type Statement,
  statement,
} from './parameters.ts'
import { ranksPushed } from './upserts.ts'

/** A row as a replay compares it: its key, its delivery, what orders it among rows of one key, and a hash of its values. */
export interface Described {
  readonly delivery_id: string
  /** The numbers that order two rows of one key, as decimal text, most significant first. NULL is lowest. */
  readonly age: ReadonlyArray<string | null>
  /** A 64-bit hash of all columns, as decimal text. */
  readonly fingerprint: string
  /** Only of a row in the table: whether the ledger still has its delivery. */
  readonly is_made?: boolean
  /** The columns of the key. */
  readonly [key: string]: unknown
}

/** Describes rows as they would be in the table, without writing them. Postgres reads every value and reports invalid ones. */
export function describeGiven(target: Target): Statement {
  const { name } = getTableConfig(target.table)
  const parameters = givenColumnsOf(target.table).flatMap(parametersOf)
  return statement(
    `describe ${name}`,
    parameters,
    sql`select ${description(target, fromParameter)} from ${rowsOf(parameters)} order by r.nth`,
  )
}

/** Describes the rows of an owner, without `is_made`. Parameter: the owner. */
export function describeOwned(target: Target): Statement {
  const { name } = getTableConfig(target.table)
  return statement(
    `describe owned ${name}`,
    [],
    sql`select ${description(target, columnOf('t'))} from ${target.table} as t where ${owned(target)}`,
  )
}

/** Describes the rows of an owner. Parameter: the owner. */
export function describeHeld(target: Target): Statement {
  const { name } = getTableConfig(target.table)
  return statement(
    `describe held ${name}`,
    [],
    sql`select ${description(target, columnOf('t'))},
  exists (select from ${deliveries} as d where d.delivery_id = t.delivery_id) as is_made
from ${target.table} as t where ${owned(target)}`,
  )
}

/** Deletes rows of an owner that still have the described fingerprints. Parameters: the owner, fingerprints. */
export function removeDescribed(target: Target): Statement {
  const { name } = getTableConfig(target.table)
  const key = primaryKeyOf(target.table)
  return statement(
    `remove ${name}`,
    [],
    sql`with gone as (
  select ${list(key.map(columnOf('t')))} from ${target.table} as t
  where ${owned(target)} and ${fingerprint(target, columnOf('t'))} = any($2::bigint[])
  order by ${list(key.map(columnOf('t')))} for update of t
)
delete from ${target.table} as t using gone
where ${sql.join(
      key.map(({ name }) => sql`t.${id(name)} = gone.${id(name)}`),
      sql` and `,
    )}`,
  )
}

type From = (column: PgColumn) => SQL

const owned = (target: Target) => sql`t.${id(primaryKeyOf(target.table)[0]?.name ?? '')} = ${sql.raw('$1')}`

function description(target: Target, from: From): SQL {
  const key = primaryKeyOf(target.table).map((column) => sql`${from(column)} as ${id(column.name)}`)
  const deliveryId = from(columnIn(target, 'delivery_id'))
  return sql`${list(key)}, ${deliveryId} as delivery_id,
  ${ageOf(target, from)} as age, ${fingerprint(target, from)}::text as fingerprint`
}

/** The array `age` of a described row. */
export function ageOf(target: Target, from: From): SQL {
  const numbers = (names: readonly string[]) => names.map((name) => numberOf(columnIn(target, name), from))
  const isPushed = ranksPushed(target)
    ? [sql`(${from(columnIn(target, 'pulled_at'))} is null)::int::text`]
    : []
  return sql`array[${list([...numbers(target.newest), ...isPushed, ...numbers(['received_at'])])}]`
}

const columnIn = ({ table }: Target, name: string) =>
  getTableConfig(table).columns.find((column) => column.name === name) as PgColumn

function numberOf(column: PgColumn, from: From): SQL {
  const isInstant = column.getSQLType() === 'timestamp with time zone'
  return isInstant ? sql`(extract(epoch from ${from(column)}) * 1000000)::text` : sql`${from(column)}::text`
}

/** A 64-bit hash of all columns of a row that come from deliveries. */
export function fingerprint(target: Target, from: From): SQL {
  return sql`hashtextextended(row(${list(givenColumnsOf(target.table).map(from))})::text, 0)`
}
