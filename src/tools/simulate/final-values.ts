import type { SimulatedDelivery } from './simulated-delivery.ts'

const REVISED = ['ScoreCreatedIntegrationEvent', 'BiomarkerCreatedIntegrationEvent']

/** Of each score and biomarker only the last revision, and everything else. */
export function withoutEarlierRevisions(deliveries: SimulatedDelivery[]): SimulatedDelivery[] {
  const last = new Map<string, SimulatedDelivery>()
  const ids = deliveries.map(idOf)
  deliveries.forEach((delivery, at) => {
    const id = ids[at] ?? null
    const known = id === null ? undefined : last.get(id)
    if (id !== null && (!known || delivery.sentAt >= known.sentAt)) last.set(id, delivery)
  })
  return deliveries.filter((delivery, at) => {
    const id = ids[at] ?? null
    return id === null || last.get(id) === delivery
  })
}

function idOf({ kind, body }: SimulatedDelivery): string | null {
  return REVISED.includes(kind) ? (JSON.parse(body) as { id: string }).id : null
}
