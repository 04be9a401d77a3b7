/** What a running service says of itself, on all that the database can't know. */
export interface Service {
  /** What is not in order, as /health/ready says. */
  readonly faults: string[]
  /** What waits; `full` is the part of the room that is taken, of whichever limit is nearest: 0 to 1. */
  readonly queue: { readonly deliveries: number; readonly full: number }
  /** Seconds by which its clock is ahead of the database's. */
  readonly skew: number
  /** Requests answered 401 since it started; `last` is milliseconds of Unix time. */
  readonly refused: Array<{ vendor: string; reason: string; count: number; last: number }>
}

const PATIENCE = 5000

/** Asks a service for its health and its metrics. Throws where it doesn't answer. */
export async function askService(url: string, token: string | undefined): Promise<Service> {
  const get = (path: string) =>
    fetch(new URL(path, url), {
      headers: token ? { authorization: `Bearer ${token}` } : {},
      signal: AbortSignal.timeout(PATIENCE),
    })
  const ready = (await (await get('/health/ready')).json()) as { parts: Record<string, string> }
  const metrics = await get('/metrics')
  if (!metrics.ok) throw new Error(`GET /metrics answered ${metrics.status}`)
  const samples = samplesOf(await metrics.text())
  const value = (name: string) => samples.find((sample) => sample.name === name)?.value ?? 0
  const failures = samples.filter(({ name }) => name === 'nightpost_authentication_failures_total')
  const lasts = samples.filter(
    ({ name }) => name === 'nightpost_last_authentication_failure_timestamp_seconds',
  )
  return {
    faults: Object.values(ready.parts).filter((part) => part !== 'ok'),
    queue: {
      deliveries: value('nightpost_queue_deliveries'),
      full: Math.max(
        ...['deliveries', 'bytes', 'rows'].map(
          (what) => value(`nightpost_queue_${what}`) / value(`nightpost_queue_limit_${what}`) || 0,
        ),
      ),
    },
    skew: value('nightpost_clock_skew_seconds'),
    refused: failures.map(({ labels: { vendor = '', reason = '' }, value: count }) => {
      const last = lasts.find(({ labels }) => labels.vendor === vendor && labels.reason === reason)
      return { vendor, reason, count, last: (last?.value ?? 0) * 1000 }
    }),
  }
}

function samplesOf(text: string) {
  return [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name = '', labels = '', value]) => ({
    name,
    labels: Object.fromEntries(
      [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text]),
    ) as Record<string, string>,
    value: Number(value),
  }))
}
