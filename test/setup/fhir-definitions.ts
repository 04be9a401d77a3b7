import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fhirpath, { type Model } from 'fhirpath'
import model from 'fhirpath/fhir-context/r4/index.js'

/** Checks resources by the StructureDefinitions of HL7: cardinalities, fixed values, slices, codes and invariants. */

interface Element {
  readonly id: string
  readonly path: string
  readonly min: number
  readonly max: string
  readonly types?: readonly string[]
  readonly fixed?: unknown
  /** The value set that a code has to be of. */
  readonly required?: string
  readonly constraints?: ReadonlyArray<{ key: string; human: string; expression: string }>
}

interface Coding {
  readonly system: string
  readonly code: string
}

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null

const file = join(import.meta.dirname, '../schemas/fhir-r4/definitions.json')
const { definitions, valueSets } = JSON.parse(readFileSync(file, 'utf8')) as {
  definitions: Array<{ url: string; elements: Element[] }>
  valueSets: Record<string, Coding[]>
}

const r4 = model as Model

/** The elements of a definition by its id, such as `Observation`, `Quantity` or `heartrate`. */
const elementsOf = (id: string) => definitions.find(({ url }) => url.endsWith(`/${id}`))?.elements

/** What is wrong with an Observation by the definition of this id; empty if nothing is. */
export function violations(resource: Json, id: string): string[] {
  const elements = elementsOf(id)
  if (!elements) throw new Error(`There is no definition of ${id}.`)
  const check = new Check(resource)
  check.object(elements, 'Observation', resource, 'Observation')
  return check.found
}

/** Their expressions return nothing for what they are not about (a period; a reference without a URL), which is no failure. */
const MAY_BE_EMPTY = new Set(['vs-1', 'ref-1'])

type Evaluate = (value: unknown, environment: Json) => unknown[]
const compiled = new Map<string, Evaluate>()

class Check {
  readonly found: string[] = []
  readonly #environment: Json

  constructor(root: Json) {
    this.#environment = { resource: root, rootResource: root }
  }

  /** Checks an object by the element that describes it, and everything below. */
  object(elements: readonly Element[], elementId: string, node: Json, at: string, type?: string): void {
    this.#constraints(
      elements.find(({ id }) => id === elementId),
      node,
      at,
      type,
    )
    for (const child of childrenOf(elements, elementId)) {
      const values = valuesOf(node, nameOf(child))
      this.#count(child, values.length, `${at}.${nameOf(child)}`)
      for (const [key, value] of values) this.#value(elements, child, key, value, `${at}.${key}`)
      for (const slice of slicesOf(elements, child.id)) {
        const members = values.filter(([, value]) => isMember(elements, slice, value))
        this.#count(slice, members.length, slice.id)
        for (const [, value] of members)
          if (isObject(value)) this.object(elements, slice.id, value, slice.id, slice.types?.[0])
      }
    }
  }

  #value(elements: readonly Element[], element: Element, key: string, value: unknown, at: string): void {
    if (element.fixed !== undefined && value !== element.fixed)
      this.found.push(`${at} is not ${element.fixed}`)
    if (!isObject(value)) return
    this.#code(element, value, at)
    const name = nameOf(element).replace('[x]', '')
    const type = element.types?.find((one) => key === name || key === `${name}${one}`)
    if (childrenOf(elements, element.id).length > 0) {
      this.object(elements, element.id, value, at, type)
      return
    }
    this.#constraints(element, value, at, type)
    const ofType = elementsOf(type ?? '')
    if (type && ofType) this.object(ofType, type, value, at, type)
  }

  #code({ required }: Element, value: Json, at: string): void {
    const codes = valueSets[required?.split('|')[0] ?? '']
    const { coding: codings = [] } = value as { coding?: Coding[] }
    const isOne = ({ system, code }: Coding) =>
      codes?.some((one) => one.system === system && one.code === code)
    if (codes && !codings.some(isOne)) this.found.push(`${at} has no code of ${required}`)
  }

  #count({ min, max }: Element, count: number, at: string): void {
    if (count < min) this.found.push(`${at} is missing`)
    if (max !== '*' && count > Number(max)) this.found.push(`${at} is there ${count} times`)
  }

  #constraints(element: Element | undefined, node: Json, at: string, type: string | undefined): void {
    for (const { key, human, expression } of element?.constraints ?? []) {
      const id = `${type}|${expression}`
      const evaluate =
        compiled.get(id) ??
        (fhirpath.compile(type ? { base: type, expression } : expression, r4, {
          traceFn: () => {},
        }) as Evaluate)
      compiled.set(id, evaluate)
      const [result = MAY_BE_EMPTY.has(key)] = evaluate(node, this.#environment)
      if (result !== true) this.found.push(`${at} breaks ${key}: ${human}`)
    }
  }
}

const nameOf = ({ path }: Element) => path.slice(path.lastIndexOf('.') + 1)

/** The values of an element with their keys: those of `value[x]` have a key such as `valueQuantity`. */
function valuesOf(node: Json, name: string): Array<[key: string, value: unknown]> {
  const keys = name.endsWith('[x]')
    ? Object.keys(node).filter((key) => new RegExp(`^${name.slice(0, -3)}[A-Z]`).test(key))
    : [name].filter((key) => key in node)
  return keys.flatMap((key) => [node[key]].flat().map((value): [string, unknown] => [key, value]))
}

const childrenOf = (elements: readonly Element[], parent: string) =>
  elements.filter(({ id }) => id.startsWith(`${parent}.`) && !/[.:]/.test(id.slice(parent.length + 1)))

const slicesOf = (elements: readonly Element[], sliced: string) =>
  elements.filter(({ id }) => id.startsWith(`${sliced}:`) && !id.slice(sliced.length + 1).includes('.'))

/** Whether a value belongs to a slice. By type every value does; otherwise all fixed values of the slice must be in it. */
function isMember(elements: readonly Element[], slice: Element, value: unknown): boolean {
  if (slice.path.endsWith('[x]')) return true
  return elements
    .filter(({ id, fixed }) => fixed !== undefined && id.startsWith(`${slice.id}.`))
    .every(({ id, fixed }) => {
      const names = id.slice(slice.id.length + 1).split('.')
      const reached = names.reduce<unknown[]>(
        (nodes, name) => nodes.flatMap((node) => (isObject(node) ? [node[name]].flat() : [])),
        [value],
      )
      return reached.includes(fixed)
    })
}
