import type { Static, TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { TargetRows } from '../tables/target.ts'
import { type Drift, driftReader } from './drift.ts'
import type { JsonObject } from './json.ts'
import type { Issue } from './problem.ts'
import { repairer } from './repair.ts'

/** An event of a vendor, as the vendor's folder declares it. `body` is always a body that fits `schema`. */
export interface EventDeclaration<S extends TSchema> {
  /** The event's name in the vendor's spelling; the value of `deliveries.event`. */
  readonly name: string
  /** The schema of the body. Validation, the TypeScript type and the OpenAPI document all come from it. */
  readonly schema: S
  /** A body as the vendor sends it, with invented data, for the OpenAPI document. */
  readonly example: Static<S>
  /** Checks what the schema can't express, such as one of two fields being required. Returns [] if the body is valid. */
  readonly check?: (body: Static<S>) => Issue[]
  /** Returns the rows that the body becomes, one entry per table. Pure: no clock, no I/O. */
  readonly normalise: (body: Static<S>) => TargetRows[]
  /** Returns the time at which the vendor created the record, as ISO 8601 text from the body; for the lag metric. */
  readonly createdAt?: (body: Static<S>) => string | null | undefined
  /** Reports implausible values that the schema can't detect. They are stored all the same. */
  readonly drift?: (body: Static<S>) => readonly Drift[]
}

/** What the schema of one event makes of a body: its rows, or why it is invalid. */
export type RowsOrIssues =
  | {
      readonly rows: TargetRows[]
      readonly createdAt?: string | null
      readonly drift?: readonly Drift[]
      /** Why some records of the body have no row. Only the first ones are listed. */
      readonly missing?: readonly Issue[]
    }
  | { readonly issues: Issue[] }

/** A declared event. Only `toRows` makes rows of a body, and it validates the body first. */
export interface Event {
  readonly name: string
  readonly example: object
  readonly schema: TSchema
  toRows(body: JsonObject): RowsOrIssues
}

/** Compiles the schema of an event once. `toRows` repairs a body that doesn't fit, if only optional values are wrong. */
export function defineEvent<S extends TSchema>(declaration: EventDeclaration<S>): Event {
  const { name, schema, example, check, normalise, createdAt, drift: implausible } = declaration
  const compiled = TypeCompiler.Compile(schema)
  const repair = repairer(schema)
  const readDrift = driftReader(schema)
  const driftOf = (body: Static<S>) => {
    const own = implausible?.(body)
    return own && own.length > 0 ? [...own, ...readDrift(body as object)] : readDrift(body as object)
  }
  const rowsOf = (body: Static<S>) => {
    const issues = check?.(body) ?? []
    if (issues.length > 0) return { issues }
    return { rows: normalise(body), createdAt: createdAt?.(body) ?? null, drift: driftOf(body) }
  }
  return {
    name,
    schema,
    example: example as object,
    toRows(body) {
      if (compiled.Check(body)) return rowsOf(body)
      const repaired = repair(body)
      if ('issues' in repaired) return repaired
      const result = rowsOf(repaired.body as Static<S>)
      if ('issues' in result) return result
      const { drift, missing } = repaired
      return { ...result, drift: [...drift, ...result.drift], missing }
    },
  }
}
