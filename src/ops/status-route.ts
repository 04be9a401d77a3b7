import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { PartStates, partStates, type Readiness } from './health.ts'
import { INTERNAL_REFUSAL, INTERNAL_SECURITY, type InternalAccess } from './internal-access.ts'
import type { Metrics } from './metrics/index.ts'
import type { Metric } from './metrics/metric.ts'
import type { ProcessState } from './metrics/process-state.ts'

const Fill = Type.Object({ now: Type.Number(), limit: Type.Number() })

/** The answer of `GET /status`: what only the running process knows. */
export const ServiceStatus = Type.Object({
  parts: PartStates,
  queue: Type.Object(
    { deliveries: Fill, bytes: Fill, rows: Fill },
    { description: 'What waits for a writer' },
  ),
  refused: Type.Array(
    Type.Object({
      vendor: Type.String(),
      reason: Type.String(),
      count: Type.Integer(),
      last_at: Type.String({ format: 'date-time' }),
    }),
    { description: 'Requests answered 401 since the start, by what is wrong with the credential' },
  ),
  clock_skew_seconds: Type.Number({
    description: "By how much this machine's clock is ahead of the database's",
  }),
  online_steps: Type.Array(
    Type.Object({
      name: Type.String(),
      waits_for: Type.Union([Type.String(), Type.Null()], { description: 'null while the step runs' }),
    }),
    { description: 'Steps of an upgrade that are not finished' },
  ),
  shed: Type.Record(Type.String(), Type.Integer(), {
    description: 'Requests answered 503 before they were read, since the start, by what was short',
  }),
})
export type ServiceStatus = Static<typeof ServiceStatus>

const schema = {
  tags: ['operations'],
  summary: 'What `nightpost status` asks the running service',
  security: INTERNAL_SECURITY,
  response: { 200: { description: 'The status', ...ServiceStatus }, 401: INTERNAL_REFUSAL },
}

export interface StatusSources {
  readonly metrics: Metrics
  readonly readiness: Readiness
  readonly onlineSteps: ProcessState['onlineSteps']
}

/** `GET /status`, for the same clients as `/metrics`: the numbers are those of the metrics. */
export function statusRoute(app: FastifyInstance, sources: StatusSources, checkAccess: InternalAccess): void {
  app.get('/status', { schema }, async (request) => {
    checkAccess(request)
    return statusOf(sources)
  })
}

/** The same without HTTP, for the console. */
export async function statusOf({ metrics, readiness, onlineSteps }: StatusSources): Promise<ServiceStatus> {
  const fill = async (now: Metric<string>, limit: Metric<string>) => ({
    now: await only(now),
    limit: await only(limit),
  })
  const shed = await metrics.shed.samples()
  return {
    parts: partStates(await readiness()),
    queue: {
      deliveries: await fill(metrics.queueDeliveries, metrics.queueLimitDeliveries),
      bytes: await fill(metrics.queueBytes, metrics.queueLimitBytes),
      rows: await fill(metrics.queueRows, metrics.queueLimitRows),
    },
    refused: await refusedBy(metrics),
    clock_skew_seconds: await only(metrics.clockSkew),
    online_steps: onlineSteps().map(({ name, waitsFor }) => ({ name, waits_for: waitsFor })),
    shed: Object.fromEntries(shed.map(({ labels, value }) => [labels.reason, value])),
  }
}

/** The value of a metric without labels. */
async function only(metric: Metric<string>): Promise<number> {
  const [sample] = await metric.samples()
  return sample?.value ?? 0
}

async function refusedBy(metrics: Metrics): Promise<ServiceStatus['refused']> {
  const failures = await metrics.authenticationFailures.samples()
  const latest = await metrics.lastAuthenticationFailure.samples()
  return latest.map(({ labels: { vendor, reason }, value: seconds }) => {
    const count = failures.find(({ labels }) => labels.vendor === vendor && labels.reason === reason)
    return {
      vendor: String(vendor),
      reason: String(reason),
      count: count?.value ?? 0,
      last_at: new Date(seconds * 1000).toISOString(),
    }
  })
}
