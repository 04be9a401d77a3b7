import type { FastifyInstance } from 'fastify'
import { refusedSince } from '../arrivals/refused.ts'
import type { ConsoleContext } from '../context.ts'
import { inReading } from '../database.ts'
import { readDelivery } from '../delivery/read.ts'
import { readTableRows } from '../delivery/rows.ts'
import { fieldOf, sendPage } from '../request.ts'
import { type ConnectPage, connectPage } from './page.ts'
import { type Sent, sendExample } from './send.ts'

/** `/connect`: the callback URLs, the settings by name, and in development an example of each event. */
export function connectRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const { config, vendors, metrics, pool } = context
  const isDevelopment = config.NODE_ENV !== 'production'
  const page = async (): Promise<ConnectPage> => ({
    ...{ vendors, isDevelopment },
    address: context.serviceAddress() ?? `http://127.0.0.1:${config.PORT}`,
    isSet: (setting) => config.credentials(setting).length > 0,
    refused: await refusedSince(metrics, vendors),
  })

  app.get('/connect', async (_request, reply) => sendPage(reply, connectPage(await page())))

  app.post('/connect/send', async (request, reply) => {
    const vendor = vendors.find(({ name }) => name === fieldOf(request, 'vendor'))
    const address = context.serviceAddress()
    if (!isDevelopment || !vendor?.authenticator(config.credentials)) return reply.callNotFound()
    if (!address) return failed('The service does not listen yet.')
    let sent: Sent | null
    try {
      sent = await sendExample(vendor, fieldOf(request, 'event'), config.credentials, address)
    } catch (error) {
      const { cause, name } = error as Error & { cause?: { code?: string } }
      return failed(`The service at ${address} did not answer (${cause?.code ?? name}).`)
    }
    if (!sent) return reply.callNotFound()
    return sendPage(reply, connectPage({ ...(await page()), sent: { ...sent, tables: await rowsOf(sent) } }))

    async function failed(failure: string) {
      return sendPage(reply.code(503), connectPage({ ...(await page()), failure }))
    }
  })

  const rowsOf = ({ deliveryId }: Sent) =>
    inReading(pool, async (client) => {
      const delivery = deliveryId === null ? null : await readDelivery(client, deliveryId)
      const vendor = vendors.find(({ name }) => name === delivery?.vendor)
      return delivery && vendor ? readTableRows(client, vendor, delivery, null) : []
    })
}
