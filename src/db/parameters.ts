import { type SQL, sql } from 'drizzle-orm'
import { getTableConfig, type PgColumn, PgDialect, type PgTable } from 'drizzle-orm/pg-core'

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

export function statement(name: string, parameters: Parameter[], query: SQL): Statement {
  return { name, text: dialect.sqlToQuery(query).sql, columns: parameters.map(({ name }) => name) }
}

export const id = sql.identifier
export const list = (parts: SQL[]) => sql.join(parts, sql`, `)
export const and = (conditions: SQL[]) => sql.join(conditions, sql` and `)
export const names = (columns: ReadonlyArray<{ name: string }>) =>
  list(columns.map(({ name }) => sql`${id(name)}`))

/** A column of a group's rows as a parameter. */
export interface Parameter {
  readonly name: string
  /** The type of an element of the array that the parameter is. */
  readonly type: string
}

/** `jsonb`, bytes and arrays travel as text: JSON source, hex, array literals. */
export function parameterOf(column: PgColumn): Parameter {
  const type = column.getSQLType()
  const isText = type === 'jsonb' || type === 'bytea' || type.endsWith('[]')
  return { name: column.name, type: isText ? 'text' : type }
}

/** A column of the parameters `r`, as the table wants it. */
export function fromParameter(column: PgColumn): SQL {
  const value = sql`r.${id(column.name)}`
  const type = column.getSQLType()
  if (type === 'bytea') return sql`decode(${value}, 'hex')`
  return type === parameterOf(column).type ? value : sql`${value}::${sql.raw(type)}`
}

/** The parameters from `$first` on as a table `r`; `nth` is the row's place among them. */
export function rowsOf(parameters: Parameter[], first = 1): SQL {
  const arrays = parameters.map(({ type }, at) => sql.raw(`$${first + at}::${type}[]`))
  return sql`unnest(${list(arrays)}) with ordinality as r(${names(parameters)}, nth)`
}

/** Ids compare byte by byte, so that every writer takes its locks in one order whatever the collation. */
export function byKey(columns: PgColumn[], from = 'r'): SQL[] {
  return columns.map((column) => {
    const value = sql`${id(from)}.${id(column.name)}`
    return column.getSQLType() === 'text' ? sql`${value} collate "C"` : value
  })
}

export function primaryKeyOf(table: PgTable): PgColumn[] {
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
