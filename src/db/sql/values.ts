import { bytesOfRow } from '../commit/size.ts'
import { type Cell, columnLiteral, smallints } from './array-literal.ts'
import type { Parameter } from './parameters.ts'

/** The rows of one delivery for one target, and the `delivery_id` and `received_at` that each of them gets. */
export interface Batch {
  readonly rows: readonly object[]
  readonly id: string
  readonly receivedAt: string
}

/** Returns a statement's parameters for rows: usually one array literal per column. */
export function rowParameters(parameters: readonly Parameter[], rows: readonly object[]): unknown[] {
  return parameters.map((parameter) => valuesOf(parameter, rows))
}

/** Returns the same for batches, with the `delivery_id` and `received_at` of each row's delivery. */
export function batchParameters(parameters: readonly Parameter[], batches: readonly Batch[]): unknown[] {
  const rows: object[] = []
  const ids: string[] = []
  const arrivals: string[] = []
  for (const batch of batches) {
    for (const row of batch.rows) {
      rows.push(row)
      ids.push(batch.id)
      arrivals.push(batch.receivedAt)
    }
  }
  return parameters.map((parameter) => {
    if (parameter.name === 'delivery_id') return columnLiteral(ids, parameter.type)
    if (parameter.name === 'received_at') return columnLiteral(arrivals, parameter.type)
    return valuesOf(parameter, rows)
  })
}

/** A `bytea` is a buffer or hexadecimal text. A `smallint[]` is an array. */
type Long = Buffer | string | readonly number[] | null

function valuesOf({ name, type, part }: Parameter, rows: readonly object[]): unknown {
  const column = <T>(name: string) => rows.map((row) => (row as Record<string, T>)[name] ?? null)
  if (!part) return columnLiteral(column<Cell>(name), type)
  const values = column<Long>(part.of)
  if (part.is === 'length') return columnLiteral(values.map(lengthOf), type)
  if (part.is === 'at') return columnLiteral(starts(values), type)
  if (type === 'bytea')
    return typeof values[0] === 'string'
      ? Buffer.from(values.join(''), 'hex')
      : Buffer.concat(values as Buffer[])
  return smallints(values as Array<readonly number[] | null>)
}

const lengthOf = (value: Long) => (typeof value === 'string' ? value.length / 2 : (value?.length ?? null))

/** Returns the position at which each value begins in their concatenation. The first position is 1. */
function starts(values: readonly Long[]): number[] {
  let next = 1
  return values.map((value) => {
    const start = next
    next += lengthOf(value) ?? 0
    return start
  })
}

/** Divides rows into slices of at most `rows` rows and about `bytes` bytes of parameters, in the same order. A slice has at least one row. */
export function slices(batches: readonly Batch[], limit: { rows: number; bytes: number }): Batch[][] {
  const all: Batch[][] = []
  let room = { rows: 0, bytes: 0 }
  for (const { rows, id, receivedAt } of batches) {
    let from = 0
    for (const [at, row] of rows.entries()) {
      const bytes = bytesOfRow(row)
      if (room.rows === 0 || room.bytes < bytes) {
        if (at > from) all.at(-1)?.push({ rows: rows.slice(from, at), id, receivedAt })
        all.push([])
        room = { ...limit }
        from = at
      }
      room.rows -= 1
      room.bytes -= bytes
    }
    if (rows.length > from) all.at(-1)?.push({ rows: from === 0 ? rows : rows.slice(from), id, receivedAt })
  }
  return all
}
