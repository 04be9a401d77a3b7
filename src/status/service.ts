import type { ServiceStatus } from '../ops/status-route.ts'

/** What a running service reports about itself, which the database does not know. */
export interface ServiceReport {
  /** What is not in order, as `/health/ready` reports it. */
  readonly faults: string[]
  /** `full` is the part of the limit that is used, for the limit that is nearest: 0 to 1. */
  readonly queue: { readonly deliveries: number; readonly full: number }
  /** Seconds by which the service's clock is ahead of the database's. */
  readonly skew: number
  /** Requests answered 401 since the start; `last` is milliseconds of Unix time. */
  readonly refused: Array<{ vendor: string; reason: string; count: number; last: number }>
  /** Steps of an upgrade that are not finished; `waitsFor` is null while the step runs. */
  readonly onlineSteps: Array<{ name: string; waitsFor: string | null }>
  /** Requests answered 503 before they were read, by reason, since the start. */
  readonly shed: Readonly<Record<string, number>>
}

const TIMEOUT_MS = 5000

/** Asks the service at `url` for its status. Throws if it does not answer, or refuses `token`. */
export async function askService(url: string, token: string | undefined): Promise<ServiceReport> {
  const answer = await fetch(new URL('/status', url), {
    headers: token ? { authorization: `Bearer ${token}` } : {},
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (!answer.ok) throw new Error(`GET /status answered ${answer.status}`)
  return reportOf((await answer.json()) as ServiceStatus)
}

export function reportOf({ parts, queue, refused, ...status }: ServiceStatus): ServiceReport {
  return {
    faults: Object.values(parts).filter((part) => part !== 'ok'),
    queue: {
      deliveries: queue.deliveries.now,
      full: Math.max(...Object.values(queue).map(({ now, limit }) => now / limit || 0)),
    },
    skew: status.clock_skew_seconds,
    refused: refused.map(({ last_at, ...each }) => ({ ...each, last: Date.parse(last_at) })),
    onlineSteps: status.online_steps.map(({ name, waits_for }) => ({ name, waitsFor: waits_for })),
    shed: status.shed,
  }
}
