import { Kind, type TSchema } from '@sinclair/typebox'
import { KNOWN_VALUES } from './schema.ts'

/**
 * Where a stored body differs from what its vendor documents. `path` is the place by the schema's own names, with
 * `[]` for any element.
 */
export type Drift =
  /**
   * A field that the schema doesn't know, in the object at `path`. `key` is its name as the body spells it, and so
   * text that anybody may have chosen: see `ops/drift-names.ts`.
   */
  | { readonly kind: 'field'; readonly path: string; readonly key: string }
  /** A value that the vendor doesn't document. */
  | { readonly kind: 'value'; readonly path: string }
  /** An optional value of another type, or out of range: its column is NULL. */
  | { readonly kind: 'type'; readonly path: string }
  /** Records that lack what their key needs: they have no row. */
  | { readonly kind: 'record'; readonly path: string; readonly count: number }
  /** The sender named another event that is known, `path`, and the body's shape contradicts it. */
  | { readonly kind: 'event'; readonly path: string }

/** A place in the schema where a body could differ from it; undefined stands for a place where none could. */
interface Node {
  readonly path: string
  readonly fields: ReadonlyMap<string, Node | undefined> | undefined
  readonly items: Node | undefined
  readonly values: ReadonlySet<unknown> | undefined
}

/** Differences that are reported of one body. */
const MOST = 20

/** Elements that are looked at, spread over the whole array: the others of a long one look like these. */
const OBJECTS = 100
const SCALARS = 10_000

export const NO_DRIFT: readonly Drift[] = []

/** A reader of what bodies hold beyond `schema`: unknown fields, and values outside of open enumerations. */
export function driftReader(schema: TSchema): (body: object) => readonly Drift[] {
  const root = nodeOf(schema, '')
  return (body) => {
    if (!root) return NO_DRIFT
    const found: Drift[] = []
    look(root, body, found)
    return found.length > 0 ? found : NO_DRIFT
  }
}

function nodeOf(schema: TSchema, path: string): Node | undefined {
  if (schema[Kind] === 'Union') {
    const variant = (schema.anyOf as TSchema[]).find((variant) => variant[Kind] !== 'Null')
    return variant && nodeOf(variant, path)
  }
  const none = { path, fields: undefined, items: undefined, values: undefined }
  if (schema[KNOWN_VALUES]) return { ...none, values: new Set(schema[KNOWN_VALUES] as unknown[]) }
  if (schema[Kind] === 'Object') {
    const properties = Object.entries(schema.properties as Record<string, TSchema>)
    const fields = properties.map(([key, inner]) => [key, nodeOf(inner, join(path, key))] as const)
    return { ...none, fields: new Map(fields) }
  }
  const items = schema[Kind] === 'Array' ? nodeOf(schema.items as TSchema, `${path}[]`) : undefined
  return items && { ...none, items }
}

export function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

function look({ path, fields, items, values }: Node, value: unknown, found: Drift[]): void {
  if (value === null || value === undefined) return
  if (values) {
    if (!values.has(value)) add(found, { kind: 'value', path })
  } else if (fields) {
    for (const key in value as object) {
      const field = fields.get(key)
      if (field) look(field, (value as Record<string, unknown>)[key], found)
      else if (!fields.has(key)) add(found, { kind: 'field', path, key })
    }
  } else if (items) {
    const elements = value as unknown[]
    const step = Math.ceil(elements.length / (items.values ? SCALARS : OBJECTS)) || 1
    for (let at = 0; at < elements.length; at += step) look(items, elements[at], found)
  }
}

/** Each difference once a body. */
function add(found: Drift[], drift: Drift): void {
  const key = keyOf(drift)
  if (found.length === MOST || found.some((known) => known.path === drift.path && keyOf(known) === key))
    return
  found.push(drift)
}

const keyOf = (drift: Drift) => (drift.kind === 'field' ? drift.key : null)
