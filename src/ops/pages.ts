import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyInstance } from 'fastify'

/** A page or a file of one, and the headers that it is sent with. */
interface Page {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number | string[] | undefined>>
  readonly body: Buffer
}

/**
 * Pages at `/docs` that show the OpenAPI document. Each is made once, by an instance that nobody can reach, and then
 * sent from memory: read from disk for each request, they would take a gigabyte for some thousand of them.
 */
export function servePages(scope: FastifyInstance, document: () => object): void {
  let maker: Promise<FastifyInstance> | undefined
  const made = new Map<string, Promise<Page>>()

  const make = async (path: string): Promise<Page> => {
    maker ??= makerOf(document())
    const { statusCode, headers, rawPayload } = await (await maker).inject(path)
    const { 'content-length': _length, connection: _connection, date: _date, ...kept } = headers
    return { status: statusCode, headers: kept, body: rawPayload }
  }
  const page = (path: string): Promise<Page> => {
    const known = made.get(path)
    if (known) return known
    const making = make(path)
    made.set(path, making)
    // What does not exist, or failed, is forgotten: else anybody could fill the memory with names.
    const forget = () => made.delete(path)
    making.then(({ status }) => status >= 400 && forget(), forget)
    return making
  }

  for (const url of ['/docs', '/docs/*']) {
    scope.get(url, { schema: { hide: true } }, async ({ raw }, reply) => {
      const path = raw.url?.split('?', 1)[0] ?? '/docs'
      // A file's name, and nothing that would have to be decoded or resolved.
      if (!/^\/docs(?:\/[\w.-]*){0,3}$/.test(path)) return reply.callNotFound()
      const { status, headers, body } = await page(path)
      if (status === 404) return reply.callNotFound()
      return reply.code(status).headers(headers).send(body)
    })
  }
  scope.addHook('onClose', async () => (await maker)?.close())
}

async function makerOf(document: object): Promise<FastifyInstance> {
  const app = Fastify({ exposeHeadRoutes: false })
  await app.register(helmet, {
    // Without `upgrade-insecure-requests`: Nightpost itself speaks plain HTTP.
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        ...Object.fromEntries(['default-src', 'script-src', 'connect-src'].map((name) => [name, ["'self'"]])),
        'style-src': ["'self'", "'unsafe-inline'"],
        'img-src': ["'self'", 'data:'],
        'base-uri': ["'none'"],
        'form-action': ["'none'"],
        'frame-ancestors': ["'none'"],
      },
    },
    strictTransportSecurity: false,
  })
  await app.register(swagger, { mode: 'static', specification: { document: document as never } })
  await app.register(swaggerUi, { routePrefix: '/docs' })
  await app.ready()
  return app
}
