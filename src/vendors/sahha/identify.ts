import type { Event } from '../../ingest/event.ts'
import type { JsonObject } from '../../ingest/json.ts'
import type { Headers, Identity } from '../../ingest/vendor.ts'
import { archetype } from './archetype.ts'
import { biomarker } from './biomarker.ts'
import { dataLog } from './data-log.ts'
import { score } from './score.ts'

export const events = [score, biomarker, archetype, dataLog]

/** By `X-Event-Type` where it is there; no Sahha body names its event, so otherwise by the body's shape. */
export function identify(headers: Headers, body: JsonObject): Identity {
  const header = headers['x-event-type']
  const named = typeof header === 'string' && header !== '' ? header : undefined
  const event = named === undefined ? byShape(body) : events.find(({ name }) => name === named)
  return { name: named ?? event?.name ?? null, event, owner: body.profileId, user: body.externalId }
}

function byShape(body: JsonObject): Event | undefined {
  if ('dataLogs' in body) return dataLog
  if ('scoreDateTime' in body || 'factors' in body) return score
  if ('ordinality' in body || ('dataType' in body && 'name' in body)) return archetype
  if ('valueType' in body || 'aggregation' in body || 'category' in body) return biomarker
  return undefined
}
