import type { Column, Relation } from './columns.ts'

export interface Filter {
  /** The user, profile or owner whose rows are selected. */
  readonly owner?: string | undefined
  /** The first and the last day, YYYY-MM-DD. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** The column that the days are about; the default is the first of `DAY_COLUMNS` that the relation has. */
  readonly by?: string | undefined
}

/** The columns that tell the day of a row, the user's own day before an instant. */
export const DAY_COLUMNS = [
  'local_date',
  'sleep_date',
  'day',
  'start_time',
  'starts_at',
  'start_date_time',
  'score_date_time',
  'sleep_time',
  'received_at',
]

/** The columns that tell whose row it is. */
const OWNER_COLUMNS = ['user_id', 'profile_id']

/** The first of these alone tells it where a relation has one: its `user_id` is then a header's, or NULL on some days. */
const SOLE_OWNER_COLUMNS = ['owner', 'person_id']

export interface Select {
  readonly text: string
  readonly values: readonly string[]
}

/** The filter does not fit the relation. */
export class WrongFilter extends Error {
  override readonly name = 'WrongFilter'
}

/**
 * The statement that selects the `wanted` columns of the rows. With `byDay` the rows are in the order of their days, and each has its day in front.
 * The day of an instant is its UTC day.
 */
export function selectRows(
  relation: Relation,
  filter: Filter,
  byDay: boolean,
  wanted: readonly Column[] = relation.columns,
): Select {
  const values: string[] = []
  const parameter = (value: string) => `$${values.push(value)}`
  const conditions: string[] = []
  if (filter.owner !== undefined) {
    const owner = parameter(filter.owner)
    conditions.push(
      `(${ownerColumns(relation)
        .map((name) => `${quoted(name)} = ${owner}`)
        .join(' or ')})`,
    )
  }
  const isDated = filter.from !== undefined || filter.to !== undefined || filter.by !== undefined || byDay
  const column = isDated ? dayColumn(relation, filter.by) : undefined
  if (column && filter.from !== undefined)
    conditions.push(`${quoted(column.name)} >= ${startOf(column, `${parameter(filter.from)}::date`)}`)
  if (column && filter.to !== undefined)
    conditions.push(`${quoted(column.name)} < ${startOf(column, `(${parameter(filter.to)}::date + 1)`)}`)
  const columns = wanted.map(({ name }) => quoted(name))
  if (column && byDay) columns.unshift(dayOf(column))
  const where = conditions.length > 0 ? ` where ${conditions.join(' and ')}` : ''
  const order = byDay ? ' order by 1' : ''
  return { text: `select ${columns.join(', ')} from ${relation.sqlName}${where}${order}`, values }
}

export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

function ownerColumns({ name, columns }: Relation): string[] {
  const names = new Set(columns.map((column) => column.name))
  const sole = SOLE_OWNER_COLUMNS.find((one) => names.has(one))
  if (sole) return [sole]
  const found = OWNER_COLUMNS.filter((one) => names.has(one))
  if (found.length === 0)
    throw new WrongFilter(`${name} has no column that names a person: leave --owner out.`)
  return found
}

function dayColumn({ name, columns }: Relation, by: string | undefined): Column {
  const isDay = ({ kind, isArray }: Column) => !isArray && ['date', 'timestamp', 'timestamptz'].includes(kind)
  const names = by === undefined ? DAY_COLUMNS : [by]
  const found = names
    .map((one) => columns.find((column) => column.name === one))
    .find((column) => column && isDay(column))
  if (found) return found
  throw new WrongFilter(
    by === undefined
      ? `${name} has no column that tells its day: name one with --by.`
      : `${name} has no column "${by}" with a date or a time.`,
  )
}

/** The beginning of a day as a value that can be compared with the column. */
const startOf = ({ kind }: Column, day: string) =>
  kind === 'date'
    ? day
    : kind === 'timestamp'
      ? `${day}::timestamp`
      : `(${day}::timestamp at time zone 'UTC')`

const dayOf = ({ name, kind }: Column) =>
  kind === 'timestamptz' ? `(${quoted(name)} at time zone 'UTC')::date` : `${quoted(name)}::date`
