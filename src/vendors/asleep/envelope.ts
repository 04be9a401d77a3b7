import { type Static, type TObject, Type } from '@sinclair/typebox'
import type { Drift } from '../../contract/drift.ts'
import { defineEvent, type Event } from '../../contract/event.ts'
import type { JsonObject } from '../../contract/json.ts'
import type { Issue } from '../../contract/problem.ts'
import { Maybe, OpenEnum, Text } from '../../contract/schema.ts'
import type { TargetRows } from '../../tables/target.ts'

const names = {
  event: Maybe(Text({ description: 'V3' })),
  version: Maybe(OpenEnum(['V3'], { maxLength: 255 })),
  callback_event: Maybe(Text({ description: 'V1 and V2' })),
  callback_version: Maybe(OpenEnum(['V1', 'V2', 'V3'], { maxLength: 255, description: 'V1 names none' })),
}

interface Names {
  version?: string | null
  callback_version?: string | null
}

interface EnvelopedEvent<S extends TObject> {
  name: string
  data: S
  /** Example data of V3 and of V2. */
  examples: { v3: Static<S>; v2: Static<S> }
  /** As `EventDeclaration.check`. `path` is the JSON pointer of the data in the body. */
  check?: (data: Static<S>, path: string) => Issue[]
  normalise: (data: Static<S>, version: string | null) => TargetRows[]
  /** As `EventDeclaration.drift`. `path` is the schema path of the data in the body. */
  drift?: (data: Static<S>, path: string) => readonly Drift[]
}

/** Declares an event twice: in the envelope of V3 (`event`, `data`), and in that of V1 and V2 (`callback_event`, `callback_data`). */
export function inBothEnvelopes<S extends TObject>(declaration: EnvelopedEvent<S>): [Event, Event] {
  const { name, data, examples, check, normalise, drift } = declaration
  const inEnvelope = (key: 'data' | 'callback_data', version: string, example: object) => {
    const dataOf = (body: object) => (body as Record<string, Static<S>>)[key] as Static<S>
    return defineEvent({
      name,
      schema: Type.Object({ ...names, [key]: data }, { title: `${name} (${version})` }),
      example,
      ...(check && { check: (body: object) => check(dataOf(body), `/${key}`) }),
      ...(drift && { drift: (body: object) => drift(dataOf(body), key) }),
      normalise: (body: object) => normalise(dataOf(body), versionOf(body as Names)),
    })
  }
  return [
    inEnvelope('data', 'V3', { event: name, version: 'V3', data: examples.v3 }),
    inEnvelope('callback_data', 'V1 and V2', {
      callback_event: name,
      callback_version: 'V2',
      callback_data: examples.v2,
    }),
  ]
}

function versionOf(names: Names): string | null {
  return names.version ?? names.callback_version ?? null
}

/** Reads the event's name and its data from an envelope of any version. `isCallback`: V1 or V2. */
export function open(body: JsonObject): { name: unknown; data: unknown; isCallback: boolean } {
  const isCallback = (body.data ?? undefined) === undefined && body.callback_data !== undefined
  return {
    name: body.event ?? body.callback_event,
    data: isCallback ? body.callback_data : body.data,
    isCallback,
  }
}
