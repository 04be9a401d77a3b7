import type { Vendor } from '../contract/vendor.ts'
import { primaryKeyOf } from '../db/sql/parameters.ts'
import type { Target } from '../tables/target.ts'

/** A table with rows of persons, and the column that says whose each row is. */
export interface PersonTable {
  readonly target: Target
  readonly ownerColumn: string
}

/** The tables of vendors that have rows of persons: all of them. Tables with parts of rows come first. */
export function personTables(vendors: readonly Vendor[]): PersonTable[] {
  return vendors
    .flatMap(({ targets }) => targets)
    .map((target) => ({ target, ownerColumn: primaryKeyOf(target.table)[0]?.name as string }))
    .sort((a, b) => Number(b.target.partOf !== undefined) - Number(a.target.partOf !== undefined))
}
