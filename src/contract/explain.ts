import { Kind, type TSchema } from '@sinclair/typebox'
import type { ValueError, ValueErrorIterator } from '@sinclair/typebox/errors'
import type { Issue } from './problem.ts'

/** At most so many faults of one body are reported. */
export const MAX_ISSUES = 20

/** Lists the faults of a body, one per path. A message states what is expected and never quotes a value. */
export function explain(errors: ValueErrorIterator): Issue[] {
  const issues = new Map<string, Issue>()
  for (const error of leaves(errors)) {
    if (!issues.has(error.path)) issues.set(error.path, { path: error.path, message: message(error) })
    if (issues.size === MAX_ISSUES) break
  }
  return [...issues.values()]
}

/** For an optional object with a wrong field, yields the error of the field instead of the object's. */
function* leaves(errors: Iterable<ValueError>): Generator<ValueError> {
  for (const error of errors) {
    const variants = isUnion(error.schema) ? error.errors.map(firstOf) : []
    const inner = variants.find(([first]) => first !== undefined && first.path !== error.path)
    if (inner) yield* leaves(inner)
    else yield error
  }
}

/** Copies the first errors. The iterator can be read only once, and may yield one for each element of a long array. */
function firstOf(errors: Iterable<ValueError>): ValueError[] {
  const taken: ValueError[] = []
  for (const error of errors) {
    if (taken.push(error) > MAX_ISSUES) break
  }
  return taken
}

function message(error: ValueError): string {
  if (error.value === undefined) return 'Required'
  if (isUnion(error.schema)) return `Expected ${error.schema.anyOf.map(describe).join(' or ')}`
  if (error.schema[Kind] === 'Decimal' || error.schema[Kind] === 'JsonMap') {
    return `Expected ${describe(error.schema)}`
  }
  return error.message
}

const names: Record<string, string> = {
  Decimal: 'number that fits Postgres numeric',
  JsonMap: 'object, at most 100 levels deep and 10,000 keys wide, with numbers that fit Postgres numeric',
}

function describe(schema: TSchema): string {
  const name = names[schema[Kind]] ?? String(schema.type)
  return schema.format ? `${schema.format} ${name}` : name
}

function isUnion(schema: TSchema): schema is TSchema & { anyOf: TSchema[] } {
  return schema[Kind] === 'Union'
}
