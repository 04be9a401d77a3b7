/** One webhook request that the simulator sends, and the answer that Nightpost must give. */
export interface SimulatedDelivery {
  readonly vendor: 'asleep' | 'sahha'
  /** The vendor's name of the event; for a faulty delivery, the name of the fault. */
  readonly kind: string
  /** Simulated time at which the vendor sends it, in milliseconds since 1970. */
  readonly sentAt: number
  /** Value of the user header; if undefined, the header is empty. */
  readonly user?: string
  readonly eventType?: string
  readonly body: string
  /** false: the request carries a wrong credential. */
  readonly hasValidCredential: boolean
  /** The `outcome` or the problem `code` that Nightpost must answer. */
  readonly expectedResult: string
}

/** The vendors' names of the events that are simulated. */
export const SIMULATED_EVENTS = [
  'INFERENCE_COMPLETE',
  'SESSION_COMPLETE',
  'ScoreCreatedIntegrationEvent',
  'BiomarkerCreatedIntegrationEvent',
  'ArchetypeCreatedIntegrationEvent',
  'DataLogReceivedIntegrationEvent',
]

/** Those that neither vendor's API has: what is lost of them stays lost. */
export const NEVER_PULLED = ['INFERENCE_COMPLETE', 'DataLogReceivedIntegrationEvent']

export function asleepDelivery(kind: string, sentAt: number, user: string, body: object): SimulatedDelivery {
  return { vendor: 'asleep', kind, sentAt, user, ...valid(body) }
}

export function sahhaDelivery(kind: string, sentAt: number, user: string, body: object): SimulatedDelivery {
  return { vendor: 'sahha', kind, sentAt, user, eventType: kind, ...valid(body) }
}

function valid(body: object) {
  return { body: JSON.stringify(body), hasValidCredential: true, expectedResult: 'stored' }
}
