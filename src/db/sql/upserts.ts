import { type SQL, sql } from 'drizzle-orm'
import { getTableConfig, type PgColumn } from 'drizzle-orm/pg-core'
import type { Target } from '../../tables/target.ts'
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
  type Statement,
  statement,
} from './parameters.ts'

const LOWEST: Record<string, SQL> = {
  'timestamp with time zone': sql`'-infinity'::timestamptz`,
  numeric: sql`'-infinity'::numeric`,
}

/** What orders two rows of one key, as a row value of `from`: the vendor's versions, then arrival. */
function age(target: Target, from: string): SQL {
  const columns = getTableConfig(target.table).columns
  const versions = target.newest.map((name) => {
    const type = columns.find((column) => column.name === name)?.getSQLType() ?? ''
    return sql`coalesce(${id(from)}.${id(name)}, ${LOWEST[type]})`
  })
  return list([...versions, sql`${id(from)}.received_at`, sql`${id(from)}.delivery_id`])
}

/** The columns by which a target's rows are unique. */
export interface Key {
  readonly columns: readonly PgColumn[]
  /** In the names of prepared statements: one name must not stand for two texts. */
  readonly suffix: string
}

export function keyOf({ table, formerKey }: Target, isFormer = false): Key {
  if (!isFormer || !formerKey) return { columns: primaryKeyOf(table), suffix: '' }
  const { columns } = getTableConfig(table)
  return { columns: columns.filter(({ name }) => formerKey.includes(name)), suffix: ' by former key' }
}

/**
 * Inserts rows, or replaces those that are not newer. Of several rows for one key in the parameters the
 * newest counts; of those that one delivery repeats, the last.
 */
export function upsertSql(
  target: Target,
  { columns: key }: Key,
  first: number,
  where: SQL,
  returning: SQL,
  onlyDiffering = false,
): SQL {
  const { columns } = getTableConfig(target.table)
  const others = columns.filter((column) => !key.includes(column))
  const isOther = sql` and (${list(others.map(columnOf('t')))}) is distinct from (${list(others.map(columnOf('excluded')))})`
  return sql`insert into ${target.table} as t (${names(columns)})
select distinct on (${list(byKey(key))}) ${list(columns.map(fromParameter))}
from ${rowsOf(columns.flatMap(parametersOf), first)} ${where}
order by ${list(byKey(key))}, (${age(target, 'r')}) desc, r.nth desc
on conflict (${names(key)}) do update
set ${list(others.map((column) => sql`${id(column.name)} = excluded.${id(column.name)}`))}
where (${age(target, 't')}) <= (${age(target, 'excluded')})${onlyDiffering ? isOther : sql``} ${returning}`
}

/**
 * Key and `delivery_id` of each row that an upsert wrote, and whether it is new in the table (one that
 * replaced another carries in xmax who had locked that).
 */
export function returningWritten(target: Target): SQL {
  const key = list(primaryKeyOf(target.table).map((column) => sql`t.${id(column.name)}`))
  return sql`returning ${key}, t.delivery_id, t.xmax = 0 as is_new`
}

/** Upserts one target's rows; returns what it wrote. A replay leaves alone what is there already as it should be. */
export function upsert(target: Target, key: Key = keyOf(target), onlyDiffering = false): Statement {
  const { name, columns } = getTableConfig(target.table)
  return statement(
    `upsert ${onlyDiffering ? 'differing ' : ''}${name}${key.suffix}`,
    columns.flatMap(parametersOf),
    upsertSql(target, key, 1, sql``, returningWritten(target), onlyDiffering),
  )
}

export interface PartStatements {
  /** Takes owners' keys, removes their parts. */
  readonly clear: Statement
  readonly insert: Statement
  /** The names of an owner's key: in the owner's table, and in the part's. */
  readonly ownerKey: ReadonlyArray<{ readonly owner: string; readonly part: string }>
}

/** How parts (a score's factors, a session's series) are replaced as a set with their owner. */
export function partStatements(target: Target, owner: Target): PartStatements {
  const { name, columns, foreignKeys } = getTableConfig(target.table)
  const reference = foreignKeys[0]?.reference()
  if (!reference) throw new Error(`${name} is part of another table and needs a foreign key to it`)
  const ownerKey = reference.foreignColumns.map((column, at) => ({
    owner: column.name,
    part: (reference.columns[at] as PgColumn).name,
  }))
  const keyParameters = primaryKeyOf(owner.table).flatMap(parametersOf)
  return {
    ownerKey,
    clear: statement(
      `clear ${name}`,
      keyParameters,
      sql`delete from ${target.table} as p using ${rowsOf(keyParameters)}
where ${and(ownerKey.map(({ owner, part }) => sql`p.${id(part)} = r.${id(owner)}`))}`,
    ),
    insert: statement(`insert ${name}`, columns.flatMap(parametersOf), insertSql(target, 1, sql``)),
  }
}

export function insertSql(target: Target, first: number, where: SQL): SQL {
  const { columns } = getTableConfig(target.table)
  return sql`insert into ${target.table} (${names(columns)})
select ${list(columns.map(fromParameter))} from ${rowsOf(columns.flatMap(parametersOf), first)} ${where}
order by ${list(byKey(primaryKeyOf(target.table)))}`
}

/** Removes the rows that deliveries made in a table, and with them their parts. Parameters: whose, and which delivery. */
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
