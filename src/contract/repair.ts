import { Kind, OptionalKind, type TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { Errors } from '@sinclair/typebox/errors'
import { Check } from '@sinclair/typebox/value'
import { type Drift, join } from './drift.ts'
import { explain, MAX_ISSUES } from './explain.ts'
import type { JsonObject } from './json.ts'
import type { Issue } from './problem.ts'
import { KEY, RECORDS } from './schema.ts'

/** The repaired body, or why the body can't be repaired. */
export type Repaired =
  | {
      readonly body: JsonObject
      readonly drift: readonly Drift[]
      /** Why records were left out. Only the first ones are listed. */
      readonly missing: readonly Issue[]
    }
  | { readonly issues: Issue[] }

/** A part of the schema, and how a value that doesn't fit it is repaired. */
interface Part {
  readonly schema: TSchema
  /** As `Drift.path`. */
  readonly path: string
  readonly isOptional: boolean
  readonly isNullable: boolean
  /** Whether a value that doesn't fit becomes null: `Maybe`, not `MaybeKey`. */
  readonly isRepairable: boolean
  readonly fields: ReadonlyArray<readonly [key: string, part: Part]> | null
  readonly records: { readonly part: Part; readonly fits: (value: unknown) => boolean } | null
}

/** A value that makes the object around it invalid. `issuesOf` describes it later, and only if it is reported. */
interface Fault {
  readonly part: Part
  readonly value: unknown
  readonly at: string
}

const UNFIT = Symbol('unfit')

/**
 * Compiles `schema` into a function that repairs a body that doesn't fit it. The innermost optional value around a
 * fault becomes null, so that a fault costs one field. A malformed element of `Records` becomes undefined. A fault in a
 * required value makes the body invalid. Nothing is coerced, and the given body is not changed.
 */
export function repairer(schema: TSchema): (body: JsonObject) => Repaired {
  const root = partOf(schema, '')
  return (body) => {
    const repair = new Repair()
    const fixed = repair.fix(root, body, '')
    if (fixed === UNFIT) return { issues: repair.faults.flatMap(issuesOf) }
    // Nothing was repaired, so the fault is one that can't be, such as too many elements in a list.
    if (repair.drift.length === 0) return { issues: explain(Errors(schema, [], body)) }
    return { body: fixed as JsonObject, drift: repair.drift, missing: repair.missing.flatMap(issuesOf) }
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
    isRepairable: isNullable && !(KEY in schema),
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
  /** How many faults to collect before the search stops: one per record, several per body. */
  #maxFaults = MAX_ISSUES

  /** Returns the value, repaired if needed, or `UNFIT`. `at` is its JSON pointer. */
  fix(part: Part, value: unknown, at: string): unknown {
    if (value === undefined && part.isOptional) return value
    if (value === null && part.isNullable) return value
    const drift = this.drift.length
    const faults = this.faults.length
    const fixed = this.#inside(part, value, at)
    if (fixed !== UNFIT || !part.isRepairable) return fixed
    this.#truncate(drift, faults)
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
    if (this.faults.length < this.#maxFaults) this.faults.push({ part, value, at })
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
        if (this.faults.length >= this.#maxFaults) break
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
    const leftOut: Fault[] = []
    let count = 0
    const fixed = elements.map((element, index) => {
      if (fits(element)) return element
      const one = this.#record(part, element, `${at}/${index}`, leftOut)
      if (one !== UNFIT) return one
      count += 1
      return undefined
    })
    if (count > 0 && count === elements.length && !of.isNullable) {
      this.#truncate(drift, faults)
      this.faults.push(...leftOut)
      return UNFIT
    }
    this.missing.push(...leftOut.slice(0, MAX_ISSUES - this.missing.length))
    if (count > 0) this.drift.push({ kind: 'record', path: part.path, count })
    return fixed
  }

  /** Repairs one record. If it must be left out, adds the reason to `leftOut` unless that is full. */
  #record(part: Part, element: unknown, at: string, leftOut: Fault[]): unknown {
    const drift = this.drift.length
    const faults = this.faults.length
    const maxFaults = this.#maxFaults
    this.#maxFaults = faults + 1
    const fixed = this.fix(part, element, at)
    this.#maxFaults = maxFaults
    if (fixed !== UNFIT) return fixed
    const fault = this.faults[faults]
    if (fault && leftOut.length < MAX_ISSUES) leftOut.push(fault)
    this.#truncate(drift, faults)
    return UNFIT
  }

  /** Discards what was noted inside a value that is replaced or left out. */
  #truncate(drift: number, faults: number): void {
    this.drift.length = drift
    this.faults.length = faults
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function issuesOf({ part, value, at }: Fault): Issue[] {
  return explain(Errors(part.schema, [], value)).map(({ path, message }) => ({
    path: `${at}${path}`,
    message,
  }))
}
