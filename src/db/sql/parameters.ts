import { hash } from 'node:crypto'
import { type SQL, sql } from 'drizzle-orm'
import { getTableConfig, type PgColumn, PgDialect, type PgTable } from 'drizzle-orm/pg-core'

/**
 * A prepared statement with a fixed text. Each parameter is an array with a column of all rows: a parameter per cell would
 * cost Node ten times as much, and Postgres accepts at most 65,535 of them. statements.sql shows the text of each.
 */
export interface Statement {
  readonly name: string
  readonly text: string
  readonly parameters: readonly Parameter[]
}

const dialect = new PgDialect()

/** Postgres ignores the rest of a longer name. */
const NAME_LENGTH = 63

export function statement(name: string, parameters: Parameter[], query: SQL): Statement {
  const { sql: text } = dialect.sqlToQuery(query)
  const isLong = name.length > NAME_LENGTH
  return {
    name: isLong ? `${name.slice(0, 30)} ${hash('sha256', text).slice(0, 32)}` : name,
    text,
    parameters,
  }
}

export const id = sql.identifier
export const list = (parts: SQL[]) => sql.join(parts, sql`, `)
export const and = (conditions: SQL[]) => sql.join(conditions, sql` and `)
export const names = (columns: ReadonlyArray<{ name: string }>) =>
  list(columns.map(({ name }) => sql`${id(name)}`))

/** A parameter: usually an array with a value for each row of a group. */
export interface Parameter {
  readonly name: string
  /** The type of a value. */
  readonly type: string
  /**
   * Long values are concatenated in one parameter (`all`). Two others say where each row's value begins (`at`) and how
   * long it is (`length`).
   */
  readonly part?: { readonly of: string; readonly is: 'all' | 'at' | 'length' }
  /** One value for all rows. */
  readonly isScalar?: boolean
}

/** Returns the parameters of a column. `jsonb` and arrays are sent as text. `bytea` and `smallint[]` are concatenated, and binary. */
export function parametersOf(column: PgColumn): Parameter[] {
  const { name } = column
  const type = column.getSQLType()
  if (type !== 'bytea' && type !== 'smallint[]') {
    return [{ name, type: type === 'jsonb' || type.endsWith('[]') ? 'text' : type }]
  }
  return [
    { name, type, part: { of: name, is: 'all' } },
    { name: `${name}_at`, type: 'integer', part: { of: name, is: 'at' } },
    { name: `${name}_length`, type: 'integer', part: { of: name, is: 'length' } },
  ]
}

/** Returns the expression that converts a column of the parameters `r` to the type of the table's column. */
export function fromParameter(column: PgColumn): SQL {
  const value = sql`r.${id(column.name)}`
  const type = column.getSQLType()
  const whole = sql`w.${id(column.name)}`
  const [at, length] = [sql`r.${id(`${column.name}_at`)}`, sql`r.${id(`${column.name}_length`)}`]
  if (type === 'smallint[]') return sql`${whole}[${at} : ${at} + ${length} - 1]`
  if (type === 'bytea') return sql`substring(${whole} from ${at} for ${length})`
  return type === parametersOf(column)[0]?.type ? value : sql`${value}::${sql.raw(type)}`
}

/** Returns a FROM item: the parameters from `$first` as rows `r` with their number `nth`, and the concatenated ones as `w`. */
export function rowsOf(parameters: Parameter[], first = 1): SQL {
  const placed = parameters.map((parameter, at) => ({
    ...parameter,
    place: `$${first + at}::${parameter.type}`,
  }))
  const each = placed.filter(({ part }) => part?.is !== 'all')
  const whole = placed.filter(({ part }) => part?.is === 'all')
  const arrays = list(each.map(({ place }) => sql.raw(`${place}[]`)))
  const rows = sql`unnest(${arrays}) with ordinality as r(${names(each)}, nth)`
  if (whole.length === 0) return rows
  return sql`${rows} cross join (select ${list(whole.map(({ place, name }) => sql`${sql.raw(place)} as ${id(name)}`))}) as w`
}

/** Returns an ORDER BY list by which every writer locks rows in the same order. Text compares byte by byte, so that the database's collation does not matter. */
export function byKey(columns: readonly PgColumn[], from: (column: PgColumn) => SQL = fromParameter): SQL[] {
  return columns.map((column) =>
    column.getSQLType() === 'text' ? sql`${from(column)} collate "C"` : from(column),
  )
}

/** Returns a function that qualifies a column with the alias of a table or query. */
export const columnOf = (alias: string) => (column: PgColumn) => sql`${id(alias)}.${id(column.name)}`

/** The columns of a table whose values come from deliveries: all but `has_moved`, which the upserts find out. */
export function givenColumnsOf(table: PgTable): PgColumn[] {
  return getTableConfig(table).columns.filter(({ name }) => name !== HAS_MOVED)
}

export const HAS_MOVED = 'has_moved'

export function primaryKeyOf(table: PgTable): PgColumn[] {
  const { name, primaryKeys } = getTableConfig(table)
  const [key] = primaryKeys
  if (!key) throw new Error(`${name} has no composite primary key`)
  return key.columns.map((column) => columnOfTable(table, column))
}

/** Drizzle's keys have copies of the columns. Returns the column of the table. */
function columnOfTable(table: PgTable, { name }: { name: string }): PgColumn {
  const column = getTableConfig(table).columns.find((column) => column.name === name)
  if (!column) throw new Error(`${getTableConfig(table).name} has no column ${name}`)
  return column
}
