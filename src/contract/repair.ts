import { Kind, OptionalKind, type TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { Errors } from '@sinclair/typebox/errors'
import { Check } from '@sinclair/typebox/value'
import { type Drift, join } from './drift.ts'
import { explain, MAX_ISSUES } from './explain.ts'
import type { JsonObject } from './json.ts'
import type { Issue } from './problem.ts'
import { KEY, RECORDS } from './schema.ts'

/** A body of which only what its schema knows counts, or why there can be none. */
export type Repaired =
  | {
      readonly body: JsonObject
      readonly drift: readonly Drift[]
      /** Of the records that were left out, the first ones: why. */
      readonly missing: readonly Issue[]
    }
  | { readonly issues: Issue[] }

/** A place in the schema, and what may become of a value there that doesn't fit. */
interface Part {
  readonly schema: TSchema
  /** By the schema's own names, with `[]` for any element. */
  readonly path: string
  readonly isOptional: boolean
  readonly isNullable: boolean
  /** The value becomes null. */
  readonly isForgiving: boolean
  readonly fields: ReadonlyArray<readonly [key: string, part: Part]> | null
  readonly records: { readonly part: Part; readonly fits: (value: unknown) => boolean } | null
}

/** A value that refuses the object that holds it; it is put into words only if it is shown. */
interface Fault {
  readonly part: Part
  readonly value: unknown
  readonly at: string
}

const UNFIT = Symbol('unfit')

/**
 * Reads a body that does not fit `schema` as far as it does. An optional value that doesn't fit becomes null: the
 * innermost one, so that a fault costs one field. A malformed element of `Records` becomes undefined. Whatever the key
 * needs refuses. Nothing is coerced, and the body itself is not changed.
 */
export function repairer(schema: TSchema): (body: JsonObject) => Repaired {
  const root = partOf(schema, '')
  return (body) => {
    const repair = new Repair()
    const fixed = repair.fix(root, body, '')
    if (fixed === UNFIT) return { issues: repair.faults.flatMap(inWords) }
    // Nothing was mended: what is wrong is nothing that can be.
    if (repair.drift.length === 0) return { issues: explain(Errors(schema, [], body)) }
    return { body: fixed as JsonObject, drift: repair.drift, missing: repair.missing.flatMap(inWords) }
  }
}

function partOf(schema: TSchema, path: string): Part {
  const isNullable = schema[Kind] === 'Union' && schema.anyOf.some(isNull)
  const inner: TSchema = isNullable ? schema.anyOf.find((variant: TSchema) => !isNull(variant)) : schema
  const isObject = inner[Kind] === 'Object'
  return {
    schema,
    path,
    isOptional: schema[OptionalKind] !== undefined,
    isNullable,
    isForgiving: isNullable && !(KEY in schema),
    fields: isObject
      ? Object.entries<TSchema>(inner.properties).map(([key, field]) => [key, partOf(field, join(path, key))])
      : null,
    records: RECORDS in inner ? recordsOf(inner.items, `${path}[]`) : null,
  }
}

const isNull = (schema: TSchema) => schema[Kind] === 'Null'

function recordsOf(schema: TSchema, path: string): Part['records'] {
  const compiled = TypeCompiler.Compile(schema)
  return { part: partOf(schema, path), fits: (value) => compiled.Check(value) }
}

class Repair {
  readonly drift: Drift[] = []
  readonly faults: Fault[] = []
  readonly missing: Fault[] = []
  /** Faults that tell enough: one of a record, several of a body. */
  #enough = MAX_ISSUES

  /** The value as it may stay; `at` is its JSON pointer. */
  fix(part: Part, value: unknown, at: string): unknown {
    if (value === undefined && part.isOptional) return value
    if (value === null && part.isNullable) return value
    const drift = this.drift.length
    const faults = this.faults.length
    const fixed = this.#inside(part, value, at)
    if (fixed !== UNFIT || !part.isForgiving) return fixed
    this.#forget(drift, faults)
    const { path } = part
    if (!this.drift.some((one) => one.kind === 'type' && one.path === path)) {
      this.drift.push({ kind: 'type', path })
    }
    return null
  }

  #inside(part: Part, value: unknown, at: string): unknown {
    if (part.fields && isObject(value)) return this.#object(part.fields, value, at)
    if (part.records && Array.isArray(value)) return this.#records(part, part.records, value, at)
    if (!part.fields && !part.records && Check(part.schema, value)) return value
    if (this.faults.length < this.#enough) this.faults.push({ part, value, at })
    return UNFIT
  }

  #object(fields: NonNullable<Part['fields']>, value: JsonObject, at: string): unknown {
    let copy: JsonObject | undefined
    let isFit = true
    for (const [key, part] of fields) {
      const own = value[key]
      const fixed = this.fix(part, own, `${at}/${key}`)
      if (fixed === UNFIT) {
        isFit = false
        if (this.faults.length >= this.#enough) break
      } else if (fixed !== own) {
        copy ??= { ...value }
        copy[key] = fixed
      }
    }
    return isFit ? (copy ?? value) : UNFIT
  }

  #records(of: Part, { part, fits }: NonNullable<Part['records']>, elements: unknown[], at: string): unknown {
    const drift = this.drift.length
    const faults = this.faults.length
    const without: Fault[] = []
    let count = 0
    const fixed = elements.map((element, index) => {
      if (fits(element)) return element
      const one = this.#record(part, element, `${at}/${index}`, without)
      if (one !== UNFIT) return one
      count += 1
      return undefined
    })
    if (count > 0 && count === elements.length && !of.isNullable) {
      this.#forget(drift, faults)
      this.faults.push(...without)
      return UNFIT
    }
    this.missing.push(...without.slice(0, MAX_ISSUES - this.missing.length))
    if (count > 0) this.drift.push({ kind: 'record', path: part.path, count })
    return fixed
  }

  /** A record that must be left out tells why in `without`, as long as there is room. */
  #record(part: Part, element: unknown, at: string, without: Fault[]): unknown {
    const drift = this.drift.length
    const faults = this.faults.length
    const enough = this.#enough
    this.#enough = faults + 1
    const fixed = this.fix(part, element, at)
    this.#enough = enough
    if (fixed !== UNFIT) return fixed
    const fault = this.faults[faults]
    if (fault && without.length < MAX_ISSUES) without.push(fault)
    this.#forget(drift, faults)
    return UNFIT
  }

  /** What was noted inside a value that is left out does not count. */
  #forget(drift: number, faults: number): void {
    this.drift.length = drift
    this.faults.length = faults
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function inWords({ part, value, at }: Fault): Issue[] {
  return explain(Errors(part.schema, [], value)).map(({ path, message }) => ({
    path: `${at}${path}`,
    message,
  }))
}
