import type { FastifyInstance } from 'fastify'
import type { ConsoleContext } from '../context.ts'
import { inReading } from '../database.ts'
import { idIn, parameterOf, sendPage } from '../request.ts'
import { withDetails } from './details.ts'
import { filterOf } from './filter.ts'
import { liveRoute } from './live.ts'
import { arrivalsPage } from './page.ts'
import { readArrivals } from './read.ts'
import { refusedSince } from './refused.ts'

/** `/` and its live part. */
export function arrivalRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const vendors = context.vendors.map(({ name, events }) => ({
    name,
    events: [...new Set(events.map((event) => event.name))],
  }))
  app.get('/', async (request, reply) => {
    const filter = filterOf(request)
    const before = idIn(parameterOf(request, 'before')) ?? ''
    const read = await inReading(context.pool, async (client) => {
      const found = await readArrivals(client, filter, before)
      return { ...found, arrivals: await withDetails(client, context, found.arrivals) }
    })
    const refused = before === '' ? await refusedSince(context.metrics, context.vendors) : []
    return sendPage(reply, arrivalsPage({ ...read, filter, isFirst: before === '', vendors, refused }))
  })
  liveRoute(app, context)
}
