import { getTableConfig, type PgColumn } from 'drizzle-orm/pg-core'
import type pg from 'pg'
import type { Vendor } from '../../contract/vendor.ts'
import { primaryKeyOf } from '../../db/sql/parameters.ts'
import type { Verdict } from '../../ingest/delivery.ts'
import type { Target } from '../../tables/target.ts'
import type { Delivery } from './read.ts'

/** What became of the rows that a delivery has for one table. */
export interface TableRows {
  readonly table: string
  /** Rows that the body makes; null if the body is not read. */
  readonly made: number | null
  /** Rows of the table that come from this delivery. The others were replaced by a newer delivery. */
  readonly kept: number
  /** `kept` is the limit, and there may be more. */
  readonly isMore: boolean
}

/** Rows of a table that are counted at most, if the body does not say which they are. */
const MOST = 1_000

/** Rows of a table that are shown. */
export const MOST_SHOWN = 20

/** The rows that a delivery made, table by table. With a verdict the rows are found by their keys. */
export async function readTableRows(
  client: pg.ClientBase,
  vendor: Vendor,
  delivery: Delivery,
  verdict: Verdict | null,
): Promise<TableRows[]> {
  const found: TableRows[] = []
  for (const target of vendor.targets) {
    const made = verdict ? rowsFor(target, verdict) : null
    if (made?.length === 0) continue
    const { where, values } = selection(target, delivery, made)
    const table = getTableConfig(target.table).name
    const { rows } = await client.query(
      `select count(*)::int as count from (select from "${table}" where ${where} limit ${MOST + 1}) as found`,
      values,
    )
    const count: number = rows[0].count
    if (made || count > 0)
      found.push({ table, made: made?.length ?? null, kept: Math.min(count, MOST), isMore: count > MOST })
  }
  return found
}

/** The rows themselves, as text. */
export async function readRowValues(
  client: pg.ClientBase,
  vendor: Vendor,
  delivery: Delivery,
  verdict: Verdict | null,
): Promise<Map<string, Array<Record<string, string | null>>>> {
  const tables = new Map<string, Array<Record<string, string | null>>>()
  for (const target of vendor.targets) {
    const made = verdict ? rowsFor(target, verdict) : null
    if (made?.length === 0) continue
    const { where, values } = selection(target, delivery, made)
    const { name, columns } = getTableConfig(target.table)
    const shown = columns.filter((column) => !PROVENANCE.has(column.name))
    const key = primaryKeyOf(target.table).map((column) => `"${column.name}"`)
    const { rows } = await client.query(
      `select ${shown.map((column) => `"${column.name}"::text`).join(', ')} from "${name}"
       where ${where} order by ${key.map((column) => `"${name}".${column}`).join(', ')} limit ${MOST_SHOWN}`,
      values,
    )
    if (rows.length > 0) tables.set(name, rows)
  }
  return tables
}

const PROVENANCE = new Set(['delivery_id', 'received_at'])

type Row = Readonly<Record<string, unknown>>

const rowsFor = (target: Target, { rows }: Verdict): readonly Row[] =>
  rows.filter((one) => one.target === target).flatMap((one) => one.rows as Row[])

/** Every column of the primary key is compared with the values that the rows have in it, so that the key's index leads there. */
function selection(target: Target, { owner, deliveryId }: Delivery, made: readonly Row[] | null) {
  const [first, ...others] = primaryKeyOf(target.table) as [PgColumn, ...PgColumn[]]
  const values: unknown[] = [owner, deliveryId]
  const all = [`"${first.name}" = $1`, 'delivery_id = $2']
  if (made) {
    for (const column of others) {
      const different = [...new Set(made.map((row) => row[column.name]))]
      all.push(`"${column.name}" = any($${values.push(different)}::${column.getSQLType()}[])`)
    }
  }
  return { where: all.join(' and '), values }
}
