import { type SQL, sql } from 'drizzle-orm'
import { getTableConfig, type PgColumn } from 'drizzle-orm/pg-core'
import type { Target } from '../../tables/target.ts'
import { ageOf } from './comparing-statements.ts'
import {
  and,
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
import type { PartStatements } from './upserts.ts'

/** A row as `reconcile` compares it with another of the same record. */
export interface Compared {
  /** The columns of the key, as one text. */
  readonly key: string
  /** As in `Described`. */
  readonly age: ReadonlyArray<string | null>
  /** A hash of the columns that are compared. */
  readonly content: string
  /** A hash of the columns that are the same in two rows of one record; null without such columns. */
  readonly same: string | null
}

/** What is compared of a table. */
export interface ComparedColumns {
  readonly target: Target
  readonly unlike: readonly string[]
  readonly sameBy?: readonly string[]
}

/** Describes rows that were pulled as they would be in the table, in their order. Parameters: the table's columns. */
export function describePulled(compared: ComparedColumns): Statement {
  const { name } = getTableConfig(compared.target.table)
  const parameters = givenColumnsOf(compared.target.table).flatMap(parametersOf)
  return statement(
    `describe pulled ${name}`,
    parameters,
    sql`select ${described(compared, fromParameter)} from ${rowsOf(parameters)} order by r.nth`,
  )
}

/** Describes the rows in the table that have one of the given keys. Parameters: the keys. */
export function describePulledByKey(compared: ComparedColumns): Statement {
  const key = primaryKeyOf(compared.target.table)
  const parameters = key.flatMap(parametersOf)
  return statement(
    `describe by key ${getTableConfig(compared.target.table).name}`,
    parameters,
    sql`select ${described(compared, columnOf('t'))} from ${rowsOf(parameters)}
join ${compared.target.table} as t on ${and(key.map((column) => sql`${columnOf('t')(column)} = ${fromParameter(column)}`))}`,
  )
}

/** Describes the rows of an owner with one of the given hashes `same`. Parameters: the owner, the hashes. */
export function describePulledBySame(compared: ComparedColumns): Statement {
  const [owner] = primaryKeyOf(compared.target.table)
  return statement(
    `describe by same ${getTableConfig(compared.target.table).name}`,
    [],
    sql`select ${described(compared, columnOf('t'))} from ${compared.target.table} as t
where ${columnOf('t')(owner as PgColumn)} = ${sql.raw('$1::text')} and ${sameOf(compared, columnOf('t'))} = any(${sql.raw('$2::bigint[]')})`,
  )
}

type PartKey = PartStatements['parentKey']

/** Describes parts that were pulled, by the keys of their owning rows. Parameters: the table's columns. */
export function describePulledParts(part: ComparedColumns, parentKey: PartKey): Statement {
  const { name, columns } = getTableConfig(part.target.table)
  const parameters = columns.flatMap(parametersOf)
  return statement(
    `describe pulled ${name}`,
    parameters,
    sql`select ${partDescription(part, parentKey, fromParameter)} from ${rowsOf(parameters)}`,
  )
}

/** Describes the parts of the rows with the given keys. Parameters: the keys of the owning rows. */
export function describePartsByKey(part: ComparedColumns, parent: Target, parentKey: PartKey): Statement {
  const parameters = primaryKeyOf(parent.table).flatMap(parametersOf)
  return statement(
    `describe by key ${getTableConfig(part.target.table).name}`,
    parameters,
    sql`select ${partDescription(part, parentKey, columnOf('t'))} from ${rowsOf(parameters)}
join ${part.target.table} as t on ${and(parentKey.map((key) => sql`t.${id(key.part)} = r.${id(key.parent)}`))}`,
  )
}

type From = (column: PgColumn) => SQL

function described(compared: ComparedColumns, from: From): SQL {
  const { target } = compared
  const key = primaryKeyOf(target.table).map((column) => sql`${from(column)}::text`)
  const same = compared.sameBy ? sql`${sameOf(compared, from)}::text` : sql`null::text`
  return sql`array_to_string(array[${list(key)}], ${SEPARATOR}) as key, ${ageOf(target, from)} as age,
  ${hashOf(contentOf(compared), from)}::text as content, ${same} as same`
}

function partDescription(part: ComparedColumns, parentKey: PartKey, from: From): SQL {
  const { columns } = getTableConfig(part.target.table)
  const key = parentKey.map(({ part }) => columns.find(({ name }) => name === part) as PgColumn)
  return sql`array_to_string(array[${list(key.map((column) => sql`${from(column)}::text`))}], ${SEPARATOR}) as key,
  ${hashOf(contentOf(part, parentKey), from)}::text as content`
}

/** No id that Postgres stores has it in the middle of two others: keys are compared only within one owner. */
const SEPARATOR = sql.raw("E'\\x1f'")

const PROVENANCE = ['delivery_id', 'received_at', 'pulled_at']

/**
 * The columns without the key, which is compared for itself, and without the vendor's version, which `age` has: the API may
 * leave it out. Of a part, only the key of the row that owns it is left out.
 */
function contentOf({ target, unlike }: ComparedColumns, parentKey?: PartKey): PgColumn[] {
  const key = parentKey
    ? parentKey.map(({ part }) => part)
    : primaryKeyOf(target.table).map(({ name }) => name)
  const left = new Set([...PROVENANCE, ...target.newest, ...unlike, ...key])
  return givenColumnsOf(target.table).filter(({ name }) => !left.has(name))
}

function sameOf({ target, sameBy = [] }: ComparedColumns, from: From): SQL {
  const { columns } = getTableConfig(target.table)
  return hashOf(
    sameBy.map((name) => columns.find((column) => column.name === name) as PgColumn),
    from,
  )
}

/** A hash in which 0.50 and 0.5 are the same number: the API may write it in another way than the webhook. */
function hashOf(columns: readonly PgColumn[], from: From): SQL {
  const values = columns.map((column) =>
    column.getSQLType() === 'numeric' ? sql`trim_scale(${from(column)})` : from(column),
  )
  return sql`hashtextextended(row(${list(values)})::text, 0)`
}
