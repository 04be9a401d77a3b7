import type { InferSelectModel } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'

/** A row as a normaliser makes it: every column named, the store adds the provenance. */
export type Row<T extends PgTable> = Omit<InferSelectModel<T>, 'delivery_id' | 'received_at'>

/** A table that deliveries are normalised into, what it means, and which of two rows for one key stays. */
export interface Target<T extends PgTable = PgTable> {
  readonly table: T
  readonly about: string
  readonly comments: Readonly<Record<string, string>>
  /**
   * The vendor's own version columns, most significant first; NULL counts as oldest.
   * `received_at` and then `delivery_id` always follow, so that any two rows can be ordered.
   */
  readonly newest: readonly string[]
  /** The target whose rows own these: they are replaced as a set when their owner is. */
  readonly partOf: Target | undefined
  /** The primary key of an earlier version, where it was another: a table keeps it until an online step changes it. */
  readonly formerKey: readonly string[] | undefined
}

interface Declaration<T extends PgTable> {
  about: string
  comments: { readonly [K in keyof InferSelectModel<T>]: string }
  newest?: ReadonlyArray<keyof InferSelectModel<T> & string>
  partOf?: Target
  formerKey?: ReadonlyArray<keyof InferSelectModel<T> & string>
}

export function target<T extends PgTable>(table: T, declaration: Declaration<T>): Target<T> {
  const { about, comments, newest = [], partOf, formerKey } = declaration
  return { table, about, comments, newest, partOf, formerKey }
}

/** The rows of one delivery for one target. */
export interface TargetRows {
  readonly target: Target
  readonly rows: readonly object[]
}

export function rowsFor<T extends PgTable>(target: Target<T>, rows: ReadonlyArray<Row<T>>): TargetRows {
  return { target: target as unknown as Target, rows }
}
