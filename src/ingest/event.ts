import type { Static, TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { Issue } from '../problem.ts'
import type { TargetRows } from '../tables/target.ts'
import { explain } from './explain.ts'
import type { JsonObject } from './json.ts'

export interface EventDeclaration<S extends TSchema> {
  /** The vendor's own name of the event. */
  readonly name: string
  /** The one declaration of the body: validation, TypeScript type and OpenAPI all come from it. */
  readonly schema: S
  /** What the schema can't say about a body that fits it. */
  readonly check?: (body: Static<S>) => Issue[]
  /** The rows of a valid body. Pure: no clock, no I/O. */
  readonly normalise: (body: Static<S>) => TargetRows[]
}

export type Judgement = { readonly rows: TargetRows[] } | { readonly issues: Issue[] }

/** An event as the core sees it: only `judge` can turn a body into rows, and it validates first. */
export interface Event {
  readonly name: string
  readonly schema: TSchema
  judge(body: JsonObject): Judgement
}

export function defineEvent<S extends TSchema>(declaration: EventDeclaration<S>): Event {
  const { name, schema, check, normalise } = declaration
  const compiled = TypeCompiler.Compile(schema)
  return {
    name,
    schema,
    judge(body) {
      if (!compiled.Check(body)) return { issues: explain(compiled.Errors(body)) }
      const issues = check?.(body) ?? []
      return issues.length > 0 ? { issues } : { rows: normalise(body) }
    },
  }
}
