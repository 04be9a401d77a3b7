import type { FastifyInstance } from 'fastify'
import type { ConsoleContext } from '../context.ts'
import { html } from '../html.ts'
import { idIn } from '../request.ts'
import type { DetailedArrival } from './details.ts'
import { type Filter, filterOf, instantOf } from './filter.ts'
import { Hub } from './hub.ts'
import { refusedOf } from './page.ts'
import type { Arrival } from './read.ts'
import { refusedSince } from './refused.ts'
import { rowOf } from './rows.ts'

/** Pages that may be live at a time. */
const MOST_PAGES = 20

/** Milliseconds between two lines that keep a proxy from closing the connection. */
const HEARTBEAT = 15_000

/** `GET /live`: what arrives, as server-sent events. Each holds rows of the list, as HTML. */
export function liveRoute(app: FastifyInstance, context: ConsoleContext): void {
  const hub = new Hub(context)
  const open = new Set<() => void>()
  app.addHook('preClose', async () => {
    for (const end of open) end()
    await hub.close()
  })

  app.get('/live', { exposeHeadRoute: false }, async (request, reply) => {
    if (open.size >= MOST_PAGES) return reply.code(503).header('retry-after', '60').send('')
    const filter = filterOf(request)
    const since = idIn(request.headers['last-event-id'])
    // Fastify must not end the answer when this function returns.
    reply.hijack()
    const { raw } = reply
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) raw.setHeader(name, value)
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const send = (text: string) => {
      // A client that does not read must not fill the memory. It may keep an answer open that has ended already.
      if (!raw.writableNeedDrain && !raw.writableEnded) raw.write(text)
    }
    send('retry: 2000\n\n')
    const stop = hub.listen((arrivals, isCut) => {
      const fitting = arrivals.filter((arrival) => fits(filter, arrival))
      if (fitting.length > 0) send(eventOf(fitting, isCut))
    }, since)
    const watch = watchRefused(context, (text) => send(`event: refused\ndata: ${JSON.stringify(text)}\n\n`))
    const heartbeat = setInterval(() => {
      if (context.isOpen(request)) send(': \n\n')
      else raw.end()
    }, HEARTBEAT).unref()
    const end = () => raw.end()
    open.add(end)
    raw.once('close', () => {
      clearInterval(heartbeat)
      clearInterval(watch)
      open.delete(end)
      stop()
    })
  })
}

/** Milliseconds between two looks at the refused requests, which are in no ledger. */
const LOOK = 1_000

/**
 * Calls `tell` with the list of refused requests whenever there are more. Several workers have their counts from the
 * supervisor; while it does not answer, nothing is told.
 */
function watchRefused({ metrics, vendors }: ConsoleContext, tell: (html: string) => void): NodeJS.Timeout {
  let before: number | null = null
  const look = async () => {
    const refused = await refusedSince(metrics, vendors)
    const total = refused.reduce((sum, { count }) => sum + count, 0)
    if (before !== null && total !== before) tell(html`${refusedOf(refused, true)}`.text)
    before = total
  }
  const tryLook = () => void look().catch(() => {})
  tryLook()
  return setInterval(tryLook, LOOK).unref()
}

/** Rows have no line ends within JSON, so one `data` line holds them. */
function eventOf(arrivals: readonly DetailedArrival[], isCut: boolean): string {
  const rows = arrivals.map((arrival) => ({ id: arrival.deliveryId, html: rowOf(arrival).text }))
  return `id: ${arrivals.at(-1)?.deliveryId}\ndata: ${JSON.stringify({ rows, isCut })}\n\n`
}

/** A person's other ids are not looked up here: `user` is compared with the ids in the entry. */
function fits(filter: Filter, arrival: Arrival): boolean {
  const { vendor, event, outcome, user } = filter
  const at = arrival.receivedAt.getTime()
  return (
    (vendor === '' || vendor === arrival.vendor) &&
    (event === '' || event === arrival.event) &&
    (outcome === '' || outcome === arrival.outcome) &&
    (user === '' || user === arrival.owner || user === arrival.userId) &&
    at >= (instantOf(filter.from) ?? 0) &&
    at < (instantOf(filter.to) ?? Number.POSITIVE_INFINITY)
  )
}
