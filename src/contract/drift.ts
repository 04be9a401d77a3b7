import { Kind, type TSchema } from '@sinclair/typebox'
import { KNOWN_VALUES } from './schema.ts'

/**
 * A difference between a stored body and what its vendor documents. `path` names a field by the schema's own names,
 * with `[]` for the elements of a list, such as `dataLogs[].value`.
 */
export type Drift =
  /**
   * The object at `path` has a field that the schema doesn't declare. `key` is its name, which is text from the body
   * and may be anything: see `ops/drift-names.ts`.
   */
  | { readonly kind: 'field'; readonly path: string; readonly key: string }
  /** The value is not one that the vendor documents. */
  | { readonly kind: 'value'; readonly path: string }
  /** An optional value has another type or is out of range. Its column is NULL. */
  | { readonly kind: 'type'; readonly path: string }
  /** `count` records have no row, because a field that the key needs is missing or malformed. */
  | { readonly kind: 'record'; readonly path: string; readonly count: number }
  /** The sender named the event `path`, but the body has the shape of another known event. */
  | { readonly kind: 'event'; readonly path: string }

/** A part of the schema in which a body can drift. Parts without unknown fields and open enumerations have no node. */
interface Node {
  readonly path: string
  readonly fields: ReadonlyMap<string, Node | undefined> | undefined
  readonly items: Node | undefined
  readonly values: ReadonlySet<unknown> | undefined
}

/** At most so many differences of one body are reported. */
const MAX_DRIFT = 20

/**
 * At most so many elements of an array are checked, spread evenly over it. The elements of a long array have the same
 * shape, so a sample suffices.
 */
const MAX_OBJECTS = 100
const MAX_SCALARS = 10_000

export const NO_DRIFT: readonly Drift[] = []

/**
 * Compiles `schema` into a function that lists the drift of a valid body: unknown fields, and values that an open
 * enumeration doesn't list.
 */
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
    const step = Math.ceil(elements.length / (items.values ? MAX_SCALARS : MAX_OBJECTS)) || 1
    for (let at = 0; at < elements.length; at += step) look(items, elements[at], found)
  }
}

/** Adds each difference once, because every element of a list may have the same one. */
function add(found: Drift[], drift: Drift): void {
  const key = keyOf(drift)
  if (found.length === MAX_DRIFT || found.some((known) => known.path === drift.path && keyOf(known) === key))
    return
  found.push(drift)
}

const keyOf = (drift: Drift) => (drift.kind === 'field' ? drift.key : null)
