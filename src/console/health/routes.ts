import type { FastifyInstance } from 'fastify'
import { statusOf } from '../../ops/status-route.ts'
import { findFaults, vendorsHeard } from '../../status/faults.ts'
import { reportOf } from '../../status/service.ts'
import { refusedSince } from '../arrivals/refused.ts'
import type { ConsoleContext } from '../context.ts'
import { inReading } from '../database.ts'
import { sendPage } from '../request.ts'
import { healthPage } from './page.ts'
import { healthReader } from './read.ts'

/** `/health`: what `nightpost status` knows, and what mends each fault. */
export function healthRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const { metrics, vendors, readiness, onlineSteps } = context
  const read = healthReader(context)
  app.get('/health', async (_request, reply) => {
    const report = await inReading(context.pool, read)
    const service = reportOf(await statusOf({ metrics, readiness, onlineSteps }))
    const [groups] = metrics.groups.observed()
    return sendPage(
      reply,
      healthPage({
        // Silence has no limit here: the table says how long it lasts, beside the longest pause of the last day.
        faults: findFaults(report, service, vendorsHeard(report), { silence: new Map(), rejected: 0 }),
        ...{ report, service, groups },
        refused: await refusedSince(metrics, vendors),
        ledger: context.ledger(),
        commitLags: metrics.commitLag.observed(),
        vendorLags: metrics.vendorLag.observed(),
      }),
    )
  })
}
