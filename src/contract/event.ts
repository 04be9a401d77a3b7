import type { Static, TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { TargetRows } from '../tables/target.ts'
import { type Drift, driftReader } from './drift.ts'
import type { JsonObject } from './json.ts'
import type { Issue } from './problem.ts'
import { repairer } from './repair.ts'

export interface EventDeclaration<S extends TSchema> {
  /** The vendor's own name of the event. */
  readonly name: string
  /** The one declaration of the body: validation, TypeScript type and OpenAPI all come from it. */
  readonly schema: S
  /** A body as the vendor sends it, of invented data: for the documentation. */
  readonly example: Static<S>
  /** What the schema can't say about a body that fits it. */
  readonly check?: (body: Static<S>) => Issue[]
  /** The rows of a valid body. Pure: no clock, no I/O. */
  readonly normalise: (body: Static<S>) => TargetRows[]
  /** When the vendor made the record, ISO 8601 as it wrote it. */
  readonly createdAt?: (body: Static<S>) => string | null | undefined
  /** Values that no schema can tell to be odd; they are stored as they came. */
  readonly drift?: (body: Static<S>) => readonly Drift[]
}

export type Judgement =
  | {
      readonly rows: TargetRows[]
      readonly createdAt?: string | null
      readonly drift?: readonly Drift[]
      /** Why records of the body have no row: the first ones. */
      readonly missing?: readonly Issue[]
    }
  | { readonly issues: Issue[] }

/** An event as the core sees it: only `judge` can turn a body into rows, and it validates first. */
export interface Event {
  readonly name: string
  readonly example: object
  readonly schema: TSchema
  judge(body: JsonObject): Judgement
}

export function defineEvent<S extends TSchema>(declaration: EventDeclaration<S>): Event {
  const { name, schema, example, check, normalise, createdAt, drift: oddities } = declaration
  const compiled = TypeCompiler.Compile(schema)
  const repair = repairer(schema)
  const readDrift = driftReader(schema)
  const driftOf = (body: Static<S>) => {
    const odd = oddities?.(body)
    return odd && odd.length > 0 ? [...odd, ...readDrift(body as object)] : readDrift(body as object)
  }
  const judged = (body: Static<S>) => {
    const issues = check?.(body) ?? []
    if (issues.length > 0) return { issues }
    return { rows: normalise(body), createdAt: createdAt?.(body) ?? null, drift: driftOf(body) }
  }
  return {
    name,
    schema,
    example: example as object,
    judge(body) {
      if (compiled.Check(body)) return judged(body)
      const repaired = repair(body)
      if ('issues' in repaired) return repaired
      const judgement = judged(repaired.body as Static<S>)
      if ('issues' in judgement) return judgement
      const { drift, missing } = repaired
      return { ...judgement, drift: [...drift, ...judgement.drift], missing }
    },
  }
}
