import { getTableName } from 'drizzle-orm'
import type { Described } from '../db/sql/comparing-statements.ts'
import { primaryKeyOf } from '../db/sql/parameters.ts'
import type { Plan } from '../db/write/plan.ts'
import type { Target } from '../tables/target.ts'

/** A key as one text. Different keys have different texts: a column is an integer or text, which can't contain NUL. */
export function keyOf(names: readonly string[], row: object): string {
  return names.map((name) => (row as Record<string, unknown>)[name]).join('\0')
}

export const keyNames = ({ table }: Target) => primaryKeyOf(table).map(({ name }) => name)

/** Rows by target and key. Of two rows with one key the newer is kept, as the upserts do. Parts follow their owning row. */
export class Rows {
  readonly #rows = new Map<Target, Map<string, Described>>()
  readonly #parts = new Map<Target, Described[]>()

  of(target: Target): Map<string, Described> {
    const rows = this.#rows.get(target) ?? new Map<string, Described>()
    this.#rows.set(target, rows)
    return rows
  }

  add(target: Target, row: Described): void {
    const rows = this.of(target)
    const key = keyOf(keyNames(target), row)
    const held = rows.get(key)
    if (!held || compareAges(held, row) <= 0) rows.set(key, row)
  }

  /** Adds a row. A part is added by `settleParts`, if its delivery is also the delivery of the row that owns it. */
  propose(target: Target, row: Described): void {
    if (target.partOf) listOf(this.#parts, target).push(row)
    else this.add(target, row)
  }

  settleParts(plans: readonly Plan[]): void {
    for (const { target, parts } of plans) {
      const owners = this.of(target)
      for (const { target: part, parentKey } of parts) {
        const names = parentKey.map((key) => key.part)
        for (const row of this.#parts.get(part) ?? []) {
          if (owners.get(keyOf(names, row))?.delivery_id === row.delivery_id) this.add(part, row)
        }
      }
    }
    this.#parts.clear()
  }

  /** The fingerprints of all rows, with the names of their tables. */
  fingerprints(): Set<string> {
    const all = new Set<string>()
    for (const [target, rows] of this.#rows) {
      for (const { fingerprint } of rows.values()) all.add(`${getTableName(target.table)} ${fingerprint}`)
    }
    return all
  }
}

/** The number of rows that were added, changed or removed, by their fingerprints before and after. */
export function difference(before: Set<string>, after: Set<string>): number {
  const gone = [...before].filter((row) => !after.has(row)).length
  const made = [...after].filter((row) => !before.has(row)).length
  return Math.max(gone, made)
}

function listOf(lists: Map<Target, Described[]>, target: Target): Described[] {
  const list = lists.get(target) ?? []
  lists.set(target, list)
  return list
}

function compareAges(a: Described, b: Described): number {
  const order = compareNumbers(a.age, b.age)
  if (order !== 0) return order
  return a.delivery_id < b.delivery_id ? -1 : Number(a.delivery_id > b.delivery_id)
}

/** Compares two lists of numbers, the first most significant. */
export function compareNumbers(
  a: ReadonlyArray<string | null>,
  b: ReadonlyArray<string | null>,
  length = a.length,
): number {
  for (let at = 0; at < length; at += 1) {
    const order = compareDecimals(a[at] ?? null, b[at] ?? null)
    if (order !== 0) return order
  }
  return 0
}

/** Compares two numbers as Postgres prints `numeric`: without exponent, with any number of digits. null is the lowest. */
export function compareDecimals(a: string | null, b: string | null): number {
  if (a === b) return 0
  if (a === null || b === null) return a === null ? -1 : 1
  const scale = Math.max(...[a, b].map((text) => text.split('.')[1]?.length ?? 0))
  const whole = (text: string) => {
    const [integer = '', fraction = ''] = text.split('.')
    return BigInt(`${integer}${fraction.padEnd(scale, '0')}`)
  }
  const [left, right] = [whole(a), whole(b)]
  return left < right ? -1 : Number(left > right)
}
