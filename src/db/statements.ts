import { type SQL, sql } from 'drizzle-orm'
import { getTableConfig, type PgColumn, PgDialect, type PgTable } from 'drizzle-orm/pg-core'
import { deliveries } from '../tables/deliveries.ts'
import type { Target } from '../tables/target.ts'

/**
 * Every write is one fixed, prepared text per table. Its rows come as one array per column: a parameter
 * per cell would cost Node ten times as much and stop at 65,535 of them.
 */
export interface Statement {
  readonly name: string
  readonly text: string
  /** The columns that the parameters carry, in their order. */
  readonly columns: readonly string[]
}

const dialect = new PgDialect()

function statement(name: string, parameters: Parameter[], query: SQL): Statement {
  return { name, text: dialect.sqlToQuery(query).sql, columns: parameters.map(({ name }) => name) }
}

const id = sql.identifier
const list = (parts: SQL[]) => sql.join(parts, sql`, `)
const and = (conditions: SQL[]) => sql.join(conditions, sql` and `)
const names = (columns: ReadonlyArray<{ name: string }>) => list(columns.map(({ name }) => sql`${id(name)}`))

/** A column of a group's rows as a parameter. */
interface Parameter {
  readonly name: string
  /** The type of an element of the array that the parameter is. */
  readonly type: string
}

/** `jsonb`, bytes and arrays travel as text: JSON source, hex, array literals. */
function parameterOf(column: PgColumn): Parameter {
  const type = column.getSQLType()
  const isText = type === 'jsonb' || type === 'bytea' || type.endsWith('[]')
  return { name: column.name, type: isText ? 'text' : type }
}

/** A column of the parameters `r`, as the table wants it. */
function fromParameter(column: PgColumn): SQL {
  const value = sql`r.${id(column.name)}`
  const type = column.getSQLType()
  if (type === 'bytea') return sql`decode(${value}, 'hex')`
  return type === parameterOf(column).type ? value : sql`${value}::${sql.raw(type)}`
}

/** The parameters from `$first` on as a table `r`; `nth` is the row's place among them. */
function rowsOf(parameters: Parameter[], first = 1): SQL {
  const arrays = parameters.map(({ type }, at) => sql.raw(`$${first + at}::${type}[]`))
  return sql`unnest(${list(arrays)}) with ordinality as r(${names(parameters)}, nth)`
}

/** Ids compare byte by byte, so that every writer takes its locks in one order whatever the collation. */
function byKey(columns: PgColumn[], from = 'r'): SQL[] {
  return columns.map((column) => {
    const value = sql`${id(from)}.${id(column.name)}`
    return column.getSQLType() === 'text' ? sql`${value} collate "C"` : value
  })
}

function primaryKeyOf(table: PgTable): PgColumn[] {
  const { name, primaryKeys } = getTableConfig(table)
  const [key] = primaryKeys
  if (!key) throw new Error(`${name} has no composite primary key`)
  return key.columns.map((column) => columnOf(table, column))
}

/** Keys refer to stand-ins of a table's columns; this is the column itself. */
function columnOf(table: PgTable, { name }: { name: string }): PgColumn {
  const column = getTableConfig(table).columns.find((column) => column.name === name)
  if (!column) throw new Error(`${getTableConfig(table).name} has no column ${name}`)
  return column
}

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

/**
 * Inserts rows, or replaces those that are not newer. Of several rows for one key in the parameters the
 * newest counts; of those that one delivery repeats, the last.
 */
function upsertSql(target: Target, first: number, where: SQL, returning: SQL): SQL {
  const { columns } = getTableConfig(target.table)
  const key = primaryKeyOf(target.table)
  const others = columns.filter((column) => !key.includes(column))
  return sql`insert into ${target.table} as t (${names(columns)})
select distinct on (${list(byKey(key))}) ${list(columns.map(fromParameter))}
from ${rowsOf(columns.map(parameterOf), first)} ${where}
order by ${list(byKey(key))}, (${age(target, 'r')}) desc, r.nth desc
on conflict (${names(key)}) do update
set ${list(others.map((column) => sql`${id(column.name)} = excluded.${id(column.name)}`))}
where (${age(target, 't')}) <= (${age(target, 'excluded')}) ${returning}`
}

/**
 * Upserts one target's rows; returns key and `delivery_id` of each row that is now in the table, and
 * whether it is new there (one that replaced another carries in xmax who had locked that).
 */
export function upsert(target: Target): Statement {
  const { name, columns } = getTableConfig(target.table)
  const key = list(primaryKeyOf(target.table).map((column) => sql`t.${id(column.name)}`))
  const returning = sql`returning ${key}, t.delivery_id, t.xmax = 0 as is_new`
  return statement(`upsert ${name}`, columns.map(parameterOf), upsertSql(target, 1, sql``, returning))
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
  const keyParameters = primaryKeyOf(owner.table).map(parameterOf)
  const parameters = columns.map(parameterOf)
  return {
    ownerKey,
    clear: statement(
      `clear ${name}`,
      keyParameters,
      sql`delete from ${target.table} as p using ${rowsOf(keyParameters)}
where ${and(ownerKey.map(({ owner, part }) => sql`p.${id(part)} = r.${id(owner)}`))}`,
    ),
    insert: statement(
      `insert ${name}`,
      parameters,
      sql`insert into ${target.table} (${names(columns)})
select ${list(columns.map(fromParameter))} from ${rowsOf(parameters)}
order by ${list(byKey(primaryKeyOf(target.table)))}`,
    ),
  }
}

const ledgerColumns = getTableConfig(deliveries).columns
const ledgerKey = primaryKeyOf(deliveries)
const ledgerParameters = ledgerColumns.filter((column) => column !== deliveries.body).map(parameterOf)
const entryParameters = [
  ...ledgerParameters,
  { name: 'body_at', type: 'integer' },
  { name: 'body_length', type: 'integer' },
]
const bodiesAt = entryParameters.length + 1

/**
 * Enters deliveries that the ledger doesn't hold, and the rows that these have for the targets, all in
 * one statement: a group is one round trip. Returns the `delivery_id` of each delivery that it entered;
 * the rows of the others are left alone. Parameters: the ledger's columns, the bodies end to end (bytes
 * travel once, and not as text), then each target's columns. Not for targets that own parts: those must
 * be cleared under a snapshot taken after their owner is locked.
 */
export function enter(targets: readonly Target[]): Statement {
  const parameters = [...entryParameters, { name: 'bodies', type: 'bytea' }]
  const writes = targets.map((target) => {
    const { name, columns } = getTableConfig(target.table)
    const first = parameters.length + 1
    parameters.push(...columns.map(parameterOf))
    // `is true` keeps the planner from making a join of it: a hashed lookup is what it should be.
    const where = sql`where (r.delivery_id in (select e.delivery_id from entered as e)) is true`
    return sql`, ${id(`into ${name}`)} as (${upsertSql(target, first, where, sql``)})`
  })
  // Postgres runs the last of them first: so rows are locked in the order of the targets.
  writes.reverse()
  const tables = targets.map(({ table }) => getTableConfig(table).name)
  return statement(
    `enter ${tables.join(' ')}`,
    parameters,
    sql`with entered as (${enterSql()})${sql.join(writes)} select delivery_id from entered`,
  )
}

function enterSql(): SQL {
  const values = ledgerColumns.map((column) =>
    column === deliveries.body
      ? sql`substring(${sql.raw(`$${bodiesAt}::bytea`)} from r.body_at for r.body_length)`
      : fromParameter(column),
  )
  return sql`insert into ${deliveries} (${names(ledgerColumns)})
select ${list(values)} from ${rowsOf(entryParameters)}
order by ${list(byKey(ledgerKey))}
on conflict (${names(ledgerKey)}) do nothing
returning delivery_id`
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

/**
 * Deliveries whose bytes the ledger holds already: counts the arrivals, and gives those that are not
 * stored yet the new verdict. Returns the ledger's id, first arrival and outcome before and after.
 * A delivery that is its own predecessor (its commit was answered by a lost connection) counts once.
 */
export const revisit = statement(
  'revisit deliveries',
  ledgerParameters,
  sql`with again as (
  select ${list([...ledgerKey, ...verdictColumns].map((column) => sql`${fromParameter(column)} as ${id(column.name)}`))},
    r.delivery_id, r.last_received_at, r.times_received
  from ${rowsOf(ledgerParameters)}
), held as (
  select d.* from ${deliveries} as d join again using (${names(ledgerKey)})
  order by ${list(byKey(ledgerKey, 'd'))} for update of d
)
update ${deliveries} as d set
  last_received_at = greatest(held.last_received_at, again.last_received_at),
  times_received = held.times_received
    + case when held.delivery_id = again.delivery_id then 0 else again.times_received end,
  ${list(
    verdictColumns.map(
      ({ name }) =>
        sql`${id(name)} = case held.outcome when 'stored' then held.${id(name)} else again.${id(name)} end`,
    ),
  )}
from held join again using (${names(ledgerKey)})
where ${and(ledgerKey.map(({ name }) => sql`d.${id(name)} = held.${id(name)}`))}
returning again.delivery_id as arrival_id, d.delivery_id, d.received_at::text, held.outcome as outcome_before`,
)
