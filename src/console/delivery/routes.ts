import type { FastifyInstance, FastifyRequest } from 'fastify'
import type pg from 'pg'
import { unixTime } from '../../contract/instant.ts'
import { contentOf } from '../../ingest/content.ts'
import type { Verdict } from '../../ingest/delivery.ts'
import { unpackAndJudge } from '../../ingest/judge.ts'
import type { ConsoleContext } from '../context.ts'
import { inReading } from '../database.ts'
import { type Content, html } from '../html.ts'
import { sizeOf } from '../layout.ts'
import { deliveryIdOf, fieldOf, sendPage } from '../request.ts'
import { fileNameOf } from './curl.ts'
import { bodyOf, MOST_SHOWN_BYTES } from './json.ts'
import { type DeliveryPage, deliveryPage } from './page.ts'
import { type Delivery, readBody, readDelivery } from './read.ts'
import { replayOne } from './replay.ts'
import { readRowValues, readTableRows } from './rows.ts'

/** Bytes of an unpacked body that a page judges, to find its rows and when the vendor made it. */
const MOST_JUDGED_BYTES = 2 ** 20

/** `/deliveries/<id>`: one delivery, its body, and its replay. */
export function deliveryRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const { pool, log, showsValues } = context

  /** The page; null if there is no such delivery. */
  const read = (id: string, isRevealed: boolean) =>
    inReading(pool, async (client): Promise<DeliveryPage | null> => {
      const delivery = await readDelivery(client, id)
      if (!delivery) return null
      const vendor = context.vendors.find(({ name }) => name === delivery.vendor)
      const body = showsValues ? await readBody(client, delivery) : null
      const verdict = body ? judged(context, delivery, body) : null
      const tables = vendor ? await readTableRows(client, vendor, delivery, verdict) : []
      const rows = vendor && isRevealed ? await readRowValues(client, vendor, delivery, verdict) : new Map()
      const created = unixTime(verdict?.createdAt)
      return {
        ...{ delivery, vendor, tables, showsValues },
        createdAt: created === null ? null : new Date(created),
        address: context.serviceAddress() ?? `http://127.0.0.1:${context.config.PORT}`,
        hasBody: body !== null || (!showsValues && (await hasBody(client, delivery))),
        ...(isRevealed && body && { revealed: { body: shownBody(delivery, body), rows } }),
      }
    })

  app.get('/deliveries/:id', async (request, reply) => {
    const id = deliveryIdOf(request)
    const page = id && (await read(id, false))
    return page ? sendPage(reply, deliveryPage(page)) : reply.callNotFound()
  })

  app.post('/deliveries/:id/body', async (request, reply) => {
    const id = deliveryIdOf(request)
    if (!id || !showsValues) return reply.callNotFound()
    const page = await read(id, true)
    if (!page) return reply.callNotFound()
    audit(request, id, 'console: a body was shown')
    return sendPage(reply, deliveryPage(page))
  })

  app.post('/deliveries/:id/raw', async (request, reply) => {
    const id = deliveryIdOf(request)
    if (!id || !showsValues) return reply.callNotFound()
    const found = await inReading(pool, async (client) => {
      const delivery = await readDelivery(client, id)
      const body = delivery && (await readBody(client, delivery))
      return delivery && body ? { name: fileNameOf(delivery), body } : null
    })
    if (!found) return reply.callNotFound()
    audit(request, id, 'console: a body was downloaded')
    return reply
      .type('application/octet-stream')
      .header('content-disposition', `attachment; filename="${found.name}"`)
      .send(found.body)
  })

  app.post('/deliveries/:id/replay', async (request, reply) => {
    const id = deliveryIdOf(request)
    if (!id || !(await read(id, false))) return reply.callNotFound()
    const isDryRun = fieldOf(request, 'mode') !== 'real'
    const replayed = await replayOne(context, id, isDryRun)
    if (!isDryRun) audit(request, id, 'console: a delivery was replayed')
    const page = await read(id, false)
    return page ? sendPage(reply, deliveryPage({ ...page, replayed })) : reply.callNotFound()
  })

  function audit({ consoleSession }: FastifyRequest, id: string, message: string): void {
    log.info({ session: consoleSession, delivery_id: id }, message)
  }
}

/** Today's verdict; null if the body is large, or no code knows its sender. */
function judged({ vendors }: ConsoleContext, delivery: Delivery, body: Buffer): Verdict | null {
  const vendor = vendors.find(({ name }) => name === delivery.vendor)
  if (!vendor?.schemes[delivery.authenticatedBy] || delivery.outcome !== 'stored') return null
  const { authenticatedBy, headers } = delivery
  const verdict = unpackAndJudge(vendor, authenticatedBy, headers, body, MOST_JUDGED_BYTES)
  return verdict.outcome === 'stored' ? verdict : null
}

async function hasBody(client: pg.ClientBase, { owner, deliveryId }: Delivery): Promise<boolean> {
  const { rowCount } = await client.query(
    'select from delivery_bodies where owner = $1 and delivery_id = $2',
    [owner, deliveryId],
  )
  return rowCount === 1
}

function shownBody({ headers, problem }: Delivery, bytes: Buffer): Content {
  const content = contentOf(headers, bytes, MOST_SHOWN_BYTES)
  if (!Buffer.isBuffer(content) || content.length > MOST_SHOWN_BYTES)
    return html`<p class="muted">The body has ${sizeOf(bytes.length)}, which is too much for a page, or it can't be unpacked. Download it.</p>`
  const faults = new Map((problem?.errors ?? []).map(({ path, message }) => [path, message]))
  return bodyOf(content.toString('utf8'), faults)
}
