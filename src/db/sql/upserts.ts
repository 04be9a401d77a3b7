import { type SQL, sql } from 'drizzle-orm'
import { getTableConfig, type PgColumn } from 'drizzle-orm/pg-core'
import { owners } from '../../tables/people.ts'
import type { Target } from '../../tables/target.ts'
import {
  and,
  byKey,
  columnOf,
  fromParameter,
  givenColumnsOf,
  HAS_MOVED,
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

const LOWEST: Record<string, SQL> = {
  'timestamp with time zone': sql`'-infinity'::timestamptz`,
  numeric: sql`'-infinity'::numeric`,
}

/** Whether rows of a target may be pulled. Its column `pulled_at` is then the time of their arrival, or else NULL. */
export const isPullable = ({ table }: Target) => getTableConfig(table).columns.some(isPulledAt)

const isPulledAt = ({ name }: { name: string }) => name === 'pulled_at'

/** The columns that a statement has parameters for. Without pulled rows `pulled_at` is left out, so that it costs nothing. */
export function givenColumns({ table }: Target, withPulled: boolean): PgColumn[] {
  const columns = givenColumnsOf(table)
  return withPulled ? columns : columns.filter((column) => !isPulledAt(column))
}

/** At the same version a row that the vendor sent is newer than a pulled one. */
export const ranksPushed = (target: Target) => target.newest.length > 0 && isPullable(target)

/**
 * Returns the row value that orders two rows of one key in `from`: the vendor's versions, whether the vendor sent it, then
 * the arrival.
 */
function age(target: Target, from: string, withPulled = true): SQL {
  const columns = getTableConfig(target.table).columns
  const versions = target.newest.map((name) => {
    const type = columns.find((column) => column.name === name)?.getSQLType() ?? ''
    return sql`coalesce(${id(from)}.${id(name)}, ${LOWEST[type]})`
  })
  const isPushed = withPulled && ranksPushed(target) ? [sql`${id(from)}.pulled_at is null`] : []
  return list([...versions, ...isPushed, sql`${id(from)}.received_at`, sql`${id(from)}.delivery_id`])
}

/** The columns of a table's primary key: the current one, or that of an earlier version. */
export interface Key {
  readonly columns: readonly PgColumn[]
  /** Part of the names of prepared statements, because one name must not have two texts. */
  readonly suffix: string
}

export function keyOf({ table, formerKey }: Target, isPrevious = false): Key {
  if (!isPrevious || !formerKey) return { columns: primaryKeyOf(table), suffix: '' }
  const { columns } = getTableConfig(table)
  return { columns: columns.filter(({ name }) => formerKey.includes(name)), suffix: ' by previous key' }
}

/**
 * How a statement reads its rows. `ofShard`: all are of one shard of Citus and of owners that are recorded. Citus sends an INSERT …
 * SELECT to the shard as one task only if the owner of each row comes from a distributed table. Otherwise the coordinator
 * copies the rows to the shard, and ends with a two-phase commit.
 */
function source(target: Target, parameters: Parameter[], first: number, ofShard: boolean) {
  const [owner] = primaryKeyOf(target.table)
  const at = parameters.findIndex(({ name }) => name === owner?.name) + first
  if (!ofShard) return { value: fromParameter, join: sql``, where: sql`` }
  return {
    value: (column: PgColumn) => (column.name === owner?.name ? sql`k.owner` : fromParameter(column)),
    join: sql` join ${owners} as k on k.owner = r.${id(owner?.name ?? '')}`,
    where: sql`where k.owner = any(${sql.raw(`$${at}`)}::text[])`,
  }
}

interface UpsertOptions {
  /** Rows that are equal are not written again. */
  readonly onlyDiffering?: boolean
  /** There is a parameter for `pulled_at`. Otherwise no row is a pulled one. */
  readonly withPulled?: boolean
  /** All rows are of one shard of Citus, and of owners that are recorded. */
  readonly ofShard?: boolean
}

/**
 * Inserts rows, or replaces existing rows that are not newer. Of several rows with one key in the parameters the newest
 * is written; of rows that one delivery repeats, the last.
 */
export function upsertSql(
  target: Target,
  { columns: key }: Key,
  first: number,
  where: SQL,
  returning: SQL,
  { onlyDiffering = false, withPulled = false, ofShard = false }: UpsertOptions = {},
): SQL {
  const columns = givenColumnsOf(target.table)
  const given = givenColumns(target, withPulled)
  const others = columns.filter((column) => !key.includes(column))
  const isDifferent = sql` and (${list(others.map(columnOf('t')))}) is distinct from (${list(others.map(columnOf('excluded')))})`
  const parameters = given.flatMap(parametersOf)
  const { value, join, where: inShard } = source(target, parameters, first, ofShard)
  const order = list(byKey(key, value))
  return sql`insert into ${target.table} as t (${names(given)})
select distinct on (${order}) ${list(given.map(value))}
from ${rowsOf(parameters, first)}${join} ${ofShard ? inShard : where}
order by ${order}, (${age(target, 'r', withPulled)}) desc, r.nth desc
on conflict (${names(key)}) do update
set ${list([...others.map((column) => sql`${id(column.name)} = excluded.${id(column.name)}`), ...moved(target)])}
where (${age(target, 't')}) <= (${age(target, 'excluded')})${onlyDiffering ? isDifferent : sql``} ${returning}`
}

/**
 * Marks a record that leaves its day, so that the day is computed again. The mark stays: the version that left may not be the one
 * that is read when days are computed.
 */
function moved({ day }: Target): SQL[] {
  if (!day) return []
  const [before, after] = ['t', 'excluded'].map((alias) => sql.raw(day.sql(alias)))
  return [
    sql`${id(HAS_MOVED)} = case when t.${id(HAS_MOVED)} or ${before} is not null and ${before} is distinct from ${after} then true end`,
  ]
}

/**
 * Returns the key and the `delivery_id` of each row that an upsert wrote, and whether it was inserted. The `xmax` of a row
 * that replaced another is not 0, because the upsert locked that one.
 */
export function returningWritten(target: Target): SQL {
  const key = list(primaryKeyOf(target.table).map((column) => sql`t.${id(column.name)}`))
  return sql`returning ${key}, t.delivery_id, t.xmax = 0 as is_new`
}

/** Upserts rows of one table and returns what it wrote. */
export function upsert(target: Target, key: Key = keyOf(target), options: UpsertOptions = {}): Statement {
  const { name } = getTableConfig(target.table)
  const withPulled = options.withPulled === true && isPullable(target)
  return statement(
    `upsert ${options.ofShard ? 'of shard ' : ''}${options.onlyDiffering ? 'differing ' : ''}${withPulled ? 'pulled ' : ''}${name}${key.suffix}`,
    givenColumns(target, withPulled).flatMap(parametersOf),
    upsertSql(target, key, 1, sql``, returningWritten(target), { ...options, withPulled }),
  )
}

export interface PartStatements {
  /** Deletes the parts of rows. Parameters: the keys of their parents. */
  readonly clear: Statement
  readonly insert: Statement
  /** The columns of the parent's key: in the parent's table and in the part's. */
  readonly parentKey: ReadonlyArray<{ readonly parent: string; readonly part: string }>
}

/**
 * Returns the statements that replace all parts of a row (a score's factors, a session's series) together. `ofShard`: all rows
 * are of one shard, and Citus is told so.
 */
export function partStatements(target: Target, parent: Target, ofShard = false): PartStatements {
  const { name, columns, foreignKeys } = getTableConfig(target.table)
  const reference = foreignKeys[0]?.reference()
  if (!reference) throw new Error(`${name} is part of another table and needs a foreign key to it`)
  const parentKey = reference.foreignColumns.map((column, at) => ({
    parent: column.name,
    part: (reference.columns[at] as PgColumn).name,
  }))
  const keyParameters = primaryKeyOf(parent.table).flatMap(parametersOf)
  const inShard = ofShard ? sql` and p.${id(parentKey[0]?.part ?? '')} = any($1::text[])` : sql``
  return {
    parentKey,
    clear: statement(
      `clear ${ofShard ? 'of shard ' : ''}${name}`,
      keyParameters,
      sql`delete from ${target.table} as p using ${rowsOf(keyParameters)}
where ${and(parentKey.map(({ parent, part }) => sql`p.${id(part)} = r.${id(parent)}`))}${inShard}`,
    ),
    insert: statement(
      `insert ${ofShard ? 'of shard ' : ''}${name}`,
      columns.flatMap(parametersOf),
      insertSql(target, 1, sql``, ofShard),
    ),
  }
}

export function insertSql(target: Target, first: number, where: SQL, ofShard = false): SQL {
  const { columns } = getTableConfig(target.table)
  const parameters = columns.flatMap(parametersOf)
  const { value, join, where: inShard } = source(target, parameters, first, ofShard)
  const order = list(byKey(primaryKeyOf(target.table), value))
  // Two vendors may have recorded the same owner.
  const distinct = ofShard ? sql`distinct on (${order}) ` : sql``
  return sql`insert into ${target.table} (${names(columns)})
select ${distinct}${list(columns.map(value))} from ${rowsOf(parameters, first)}${join} ${ofShard ? inShard : where}
order by ${order}`
}

/** Deletes the rows that deliveries wrote into a table; their parts are deleted by cascade. Parameters: the owners and the delivery ids. */
export function deleteByDelivery(target: Target): Statement {
  const { name } = getTableConfig(target.table)
  const key = primaryKeyOf(target.table)
  const [owner] = key
  const parameters = [
    { name: 'owner', type: 'text' },
    { name: 'delivery_id', type: 'uuid' },
  ]
  return statement(
    `delete by delivery ${name}`,
    parameters,
    sql`with gone as (
  select ${list(key.map(columnOf('t')))} from ${rowsOf(parameters)}
  join ${target.table} as t on t.${id(owner?.name ?? '')} = r.owner and t.delivery_id = r.delivery_id
  order by ${list(byKey(key, columnOf('t')))} for update of t
)
delete from ${target.table} as t using gone where ${and(key.map((column) => sql`t.${id(column.name)} = gone.${id(column.name)}`))}`,
  )
}
