import type { InferSelectModel } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'

/** A row as a normaliser returns it: every column but the provenance, which the write statements add. */
export type Row<T extends PgTable> = Omit<
  InferSelectModel<T>,
  'delivery_id' | 'received_at' | 'pulled_at' | 'has_moved'
>

/**
 * The local day of the person to which a row belongs in `user_days`. Its table has the column `has_moved` (`columns.ts`). Both
 * ways to find the day must agree.
 */
export interface Day<R = object> {
  /** `YYYY-MM-DD`; null if the row belongs to no day, undefined if only Postgres can tell. */
  readonly of: (row: R) => string | null | undefined
  /** SQL for the day of a row with this alias. */
  readonly sql: (alias: string) => string
}

/** A table with its documentation, and the rule that decides which of two rows with one key stays. */
export interface Target<T extends PgTable = PgTable> {
  readonly table: T
  /** The SQL comment of the table. */
  readonly about: string
  /** The SQL comment of each column. */
  readonly comments: Readonly<Record<string, string>>
  /**
   * The columns with the vendor's own version of a record, most significant first; NULL counts as oldest. The newest
   * row of a key stays. Of two rows with one version, one that the vendor sent is newer than one that was pulled, because
   * the vendor's API leaves fields out. `received_at` and then `delivery_id` break ties, so that any two rows can be ordered.
   * Empty if the vendor sends no version: the row received last stays, and a pulled one counts from when it was asked for.
   */
  readonly newest: readonly string[]
  /** The table of the parent rows. The parts of a row are replaced as a set whenever the row is replaced. */
  readonly partOf: Target | undefined
  /** The primary key in an earlier version, if it was another. A table has it until an online step changes it. */
  readonly formerKey: readonly string[] | undefined
  /**
   * The rows are of no more use once a row of another table with the same key is final: `isFinal` is SQL about a column of
   * that table. `nightpost maintain` deletes them some days later.
   */
  readonly provisional: { readonly until: Target; readonly isFinal: string } | undefined
  /** Given if the view `user_days` is made of the rows. */
  readonly day: Day | undefined
}

interface TargetDeclaration<T extends PgTable> {
  about: string
  comments: { readonly [K in keyof InferSelectModel<T>]: string }
  newest?: ReadonlyArray<keyof InferSelectModel<T> & string>
  partOf?: Target
  formerKey?: ReadonlyArray<keyof InferSelectModel<T> & string>
  provisional?: { readonly until: Target; readonly isFinal: string }
  day?: Day<Row<T>>
}

/** Declares a table. The type checker demands a comment for every column. */
export function target<T extends PgTable>(table: T, declaration: TargetDeclaration<T>): Target<T> {
  const { about, comments, newest = [], partOf, formerKey, provisional, day } = declaration
  return { table, about, comments, newest, partOf, formerKey, provisional, day: day as Day | undefined }
}

/** The rows of one delivery for one table. */
export interface TargetRows {
  readonly target: Target
  readonly rows: readonly object[]
}

/** Pairs rows with their table; the type checker compares them. An empty list removes the parts of a replaced row. */
export function rowsFor<T extends PgTable>(target: Target<T>, rows: ReadonlyArray<Row<T>>): TargetRows {
  return { target: target as unknown as Target, rows }
}
