/** What one request carries, and what must come back. */
export interface Delivery {
  readonly vendor: 'asleep' | 'sahha'
  /** The vendor's name of the event, or what is wrong with it. */
  readonly kind: string
  /** Simulated time of sending, epoch milliseconds. */
  readonly at: number
  /** What the user header says; absent: no such header. */
  readonly user?: string
  readonly eventType?: string
  readonly body: string
  /** false: sent with a credential that does not hold. */
  readonly proven: boolean
  /** The outcome or the problem's code that must be answered. */
  readonly expected: string
}

export function asleepDelivery(kind: string, at: number, user: string, body: object): Delivery {
  return { vendor: 'asleep', kind, at, user, body: JSON.stringify(body), proven: true, expected: 'stored' }
}

export function sahhaDelivery(kind: string, at: number, user: string, body: object): Delivery {
  return {
    vendor: 'sahha',
    kind,
    at,
    user,
    eventType: kind,
    body: JSON.stringify(body),
    proven: true,
    expected: 'stored',
  }
}
