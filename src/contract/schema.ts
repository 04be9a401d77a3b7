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
import { isExactNumber } from './exact-number.ts'
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

/** An object of half a million keys takes seconds, because each key is looked up several times before it is stored. */
const MAX_KEYS = 10_000

function isStorableJson(value: unknown, depth: number): boolean {
  if (typeof value === 'number' || isExactNumber(value)) return isDecimal(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === MAX_DEPTH || (isMap(value) && Object.keys(value).length > MAX_KEYS)) return false
  return Object.values(value).every((inner) => isStorableJson(inner, depth + 1))
}

/** Part of a primary key: opaque text. The maximum keeps index entries below the limit of Postgres. */
export const Id = (options: SchemaOptions = {}) => Type.String({ minLength: 1, maxLength: 255, ...options })

export const Text = (options: SchemaOptions = {}) => Type.String(options)

/** Text that every row of a body repeats. Without the maximum, a body of 10 MiB could become gigabytes of rows. */
export const Label = (options: SchemaOptions = {}) => Type.String({ maxLength: 255, ...options })

/** The schema keyword that lists the documented values of an open enumeration. */
export const KNOWN_VALUES = 'x-known-values'

const listedValues = (values: readonly unknown[], { description }: SchemaOptions) =>
  `${description ? `${description}: ` : ''}${values.join(', ')}, …`

/** Any text. A value that is not in `values` is stored and reported as drift. */
export const OpenEnum = (values: readonly string[], options: SchemaOptions = {}) =>
  Type.String({ ...options, description: listedValues(values, options), [KNOWN_VALUES]: values })

/** ISO 8601 with or without seconds, fraction and offset; stored to the microsecond. */
export const Instant = (options: SchemaOptions = {}) => Type.String({ format: 'date-time', ...options })

/** A JSON number of any precision that Postgres `numeric` can store. */
export const Decimal = (options: SchemaOptions = {}): TUnsafe<DecimalValue> =>
  Type.Unsafe<DecimalValue>({ ...options, [Kind]: 'Decimal', type: 'number' })

/** A whole number that fits a Postgres `integer`. */
export const Integer = (options: SchemaOptions = {}) =>
  Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1, ...options })

/** Stage codes, one per 30-second epoch. `codes` are the documented ones; any other is stored and reported as drift. */
export const Stages = (options: SchemaOptions = {}, codes?: readonly number[]) =>
  Type.Array(
    Type.Integer({ minimum: -(2 ** 15), maximum: 2 ** 15 - 1, ...(codes && { [KNOWN_VALUES]: codes }) }),
    options,
  )

/** A JSON object: at most 100 levels deep, 10,000 keys per object, and no number that Postgres `numeric` can't store. */
export const JsonMap = (options: SchemaOptions = {}): TUnsafe<Record<string, unknown>> =>
  Type.Unsafe<Record<string, unknown>>({ ...options, [Kind]: 'JsonMap', type: 'object' })

/** Optional. A value that doesn't fit `schema` becomes null and is reported as drift: see `repair.ts`. */
export const Maybe = <S extends TSchema>(schema: S) => Type.Optional(Type.Union([schema, Type.Null()]))

/** Marks a `MaybeKey` schema. */
export const KEY = Symbol('key')

/** Optional, but a value that doesn't fit makes the body invalid, because the row's key may come from it. */
export const MaybeKey = <S extends TSchema>(schema: S) =>
  Type.Optional(Type.Union([schema, Type.Null()], { [KEY]: true } as SchemaOptions))

/** Marks a `Records` schema. */
export const RECORDS = Symbol('records')

/**
 * A list of records. A malformed record gets no row and doesn't affect the others: it becomes `undefined`, so that the
 * others keep their positions. See `eachRecord`.
 */
export const Records = <S extends TSchema>(schema: S, options: SchemaOptions = {}) =>
  Type.Unsafe<Array<Static<S> | undefined>>({ ...Type.Array(schema, options), [RECORDS]: true })

/** Maps the well-formed records. `position` is the index of the record in the list as sent, malformed ones included. */
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

/** Maximum of decimal digits plus exponent. Postgres `numeric` holds far more. */
const MAX_DIGITS = 1000

/** Whether Postgres `numeric` can store the number that `text` denotes. */
function isStorableNumber(text: string): boolean {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
  return mantissa.length + Math.abs(Number(exponent)) <= MAX_DIGITS
}

const decimalText = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/

/** Returns `text` if it is a decimal number that Postgres `numeric` can store, else null. */
export function numberText(text: string): string | null {
  return decimalText.test(text) && isStorableNumber(text) ? text : null
}
