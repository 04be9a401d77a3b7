import type { Event } from '../../contract/event.ts'
import type { JsonObject } from '../../contract/json.ts'
import type { Headers, Identity } from '../../contract/vendor.ts'
import { archetype } from './archetype.ts'
import { biomarker } from './biomarker.ts'
import { dataLog } from './data-log.ts'
import { score } from './score.ts'

export const events = [score, biomarker, archetype, dataLog]

/** For each event, whether a body has a field that only its bodies have. The most specific test comes first. */
const marks: ReadonlyArray<readonly [event: Event, isMarked: (body: JsonObject) => boolean]> = [
  [dataLog, ({ dataLogs }) => dataLogs !== undefined],
  [
    score,
    (body) =>
      body.scoreDateTime !== undefined ||
      body.factors !== undefined ||
      body.score !== undefined ||
      body.dataSources !== undefined,
  ],
  [
    archetype,
    (body) => body.ordinality !== undefined || (body.name !== undefined && body.dataType !== undefined),
  ],
  [
    biomarker,
    (body) => body.valueType !== undefined || body.aggregation !== undefined || body.category !== undefined,
  ],
]

/**
 * Finds the event. No Sahha body names it, and `X-Event-Type` is not signed. So the body's shape decides if it is
 * clear, else the header. An unknown name is an unknown event, even if the body has the shape of a known one.
 */
export function identify(headers: Headers, body: JsonObject): Identity {
  const header = headers['x-event-type']
  const named = typeof header === 'string' && header !== '' ? header : undefined
  const declared = events.find(({ name }) => name === named)
  const event = named !== undefined && !declared ? undefined : eventOf(body, declared)
  const identity = {
    name: event?.name ?? named ?? null,
    event,
    owner: body.profileId,
    user: body.externalId,
  }
  if (!declared || event === declared) return identity
  return { ...identity, drift: [{ kind: 'event', path: declared.name }] }
}

function eventOf(body: JsonObject, declared: Event | undefined): Event | undefined {
  const marked: Event[] = []
  for (const [event, isMarked] of marks) if (isMarked(body)) marked.push(event)
  const [first] = marked
  if (marked.length === 1 && first === declared) return declared
  return marked.find((event) => fitsBest(event, body)) ?? declared ?? first
}

/** Whether an event declares more of the body's fields than any other event. One undeclared field proves nothing. */
function fitsBest(event: Event, body: JsonObject): boolean {
  const known = knownFields(event, body)
  return events.every((other) => other === event || knownFields(other, body) < known)
}

const fieldsOf = new Map(events.map((event) => [event, Object.keys(event.schema.properties)]))

const knownFields = (event: Event, body: JsonObject) =>
  (fieldsOf.get(event) ?? []).filter((key) => key in body).length
