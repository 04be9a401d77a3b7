import {
  FormatRegistry,
  Kind,
  type SchemaOptions,
  type Static,
  type TSchema,
  type TUnsafe,
  Type,
  TypeRegistry,
} from '@sinclair/typebox'
import type { Decimal as DecimalValue } from '../tables/columns.ts'
import { isExactNumber, isStorableNumber } from './exact-number.ts'
import { isInstant } from './instant.ts'

FormatRegistry.Set('date-time', isInstant)

TypeRegistry.Set('Decimal', (_schema, value) => isDecimal(value))
TypeRegistry.Set('JsonMap', (_schema, value) => isMap(value) && isStorableJson(value, 0))

function isDecimal(value: unknown): boolean {
  return typeof value === 'number'
    ? Number.isFinite(value)
    : isExactNumber(value) && isStorableNumber(value())
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const MAX_DEPTH = 100

/** Every key of a large object is looked up several times until it is stored, which takes seconds for half a million. */
const MAX_KEYS = 10_000

function isStorableJson(value: unknown, depth: number): boolean {
  if (typeof value === 'number' || isExactNumber(value)) return isDecimal(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === MAX_DEPTH || (isMap(value) && Object.keys(value).length > MAX_KEYS)) return false
  return Object.values(value).every((inner) => isStorableJson(inner, depth + 1))
}

/** Part of a key: opaque text. The bound keeps every index entry within what a Postgres page allows. */
export const Id = (options: SchemaOptions = {}) => Type.String({ minLength: 1, maxLength: 255, ...options })

export const Text = (options: SchemaOptions = {}) => Type.String(options)

/** Text that every row of its body repeats. The bound keeps a body of 10 MiB from becoming gigabytes of rows. */
export const Label = (options: SchemaOptions = {}) => Type.String({ maxLength: 255, ...options })

/** The keyword under which a schema lists the values of an enumeration that stays open. */
export const KNOWN_VALUES = 'x-known-values'

const listed = (values: readonly unknown[], { description }: SchemaOptions) =>
  `${description ? `${description}: ` : ''}${values.join(', ')}, …`

/** One of the values that the vendor documents, or any other: a new one is stored, and reported as drift. */
export const OpenEnum = (values: readonly string[], options: SchemaOptions = {}) =>
  Type.String({ ...options, description: listed(values, options), [KNOWN_VALUES]: values })

/** ISO 8601 with or without seconds, fraction and offset; kept to the microsecond. */
export const Instant = (options: SchemaOptions = {}) => Type.String({ format: 'date-time', ...options })

/** A JSON number of any size and precision that Postgres `numeric` holds. */
export const Decimal = (options: SchemaOptions = {}): TUnsafe<DecimalValue> =>
  Type.Unsafe<DecimalValue>({ ...options, [Kind]: 'Decimal', type: 'number' })

/** A whole number that fits a Postgres `integer`. */
export const Integer = (options: SchemaOptions = {}) =>
  Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1, ...options })

/** Stage codes, one per 30-second epoch; `codes` are those that the vendor documents. */
export const Stages = (options: SchemaOptions = {}, codes?: readonly number[]) =>
  Type.Array(
    Type.Integer({ minimum: -(2 ** 15), maximum: 2 ** 15 - 1, ...(codes && { [KNOWN_VALUES]: codes }) }),
    options,
  )

/** Any JSON object that Postgres `jsonb` holds: at most 100 levels deep, 10,000 keys wide, no number beyond `numeric`. */
export const JsonMap = (options: SchemaOptions = {}): TUnsafe<Record<string, unknown>> =>
  Type.Unsafe<Record<string, unknown>>({ ...options, [Kind]: 'JsonMap', type: 'object' })

/** May be absent or null. A value that doesn't fit becomes null and is reported as drift: see `repair.ts`. */
export const Maybe = <S extends TSchema>(schema: S) => Type.Optional(Type.Union([schema, Type.Null()]))

/** Marks what may be absent or null, but must fit where it is there. */
export const KEY = Symbol('key')

/** May be absent or null. A value that doesn't fit refuses the body, because the row's key may come from it. */
export const MaybeKey = <S extends TSchema>(schema: S) =>
  Type.Optional(Type.Union([schema, Type.Null()], { [KEY]: true } as SchemaOptions))

/** Marks a list whose malformed elements are left out. */
export const RECORDS = Symbol('records')

/**
 * A list of records, of which a malformed one is left out and costs none of the others: a normaliser finds
 * `undefined` in its place, so that each of the others keeps its position. See `eachRecord`.
 */
export const Records = <S extends TSchema>(schema: S, options: SchemaOptions = {}) =>
  Type.Unsafe<Array<Static<S> | undefined>>({ ...Type.Array(schema, options), [RECORDS]: true })

/** What `make` makes of each record that is there; `position` is its place among all that were sent. */
export function eachRecord<T, R>(
  records: ReadonlyArray<T | undefined>,
  make: (record: T, position: number) => R,
): R[] {
  const made: R[] = []
  for (let position = 0; position < records.length; position += 1) {
    const record = records[position]
    if (record !== undefined) made.push(make(record, position))
  }
  return made
}
