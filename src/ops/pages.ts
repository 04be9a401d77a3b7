import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyInstance } from 'fastify'

/** A page, or one of its files, with its headers. */
interface Page {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number | string[] | undefined>>
  readonly body: Buffer
}

/**
 * Serves pages at `/docs` that show the OpenAPI document. Each page is rendered once, by a Fastify instance that does
 * not listen, and then sent from memory. Reading the files for every request took a gigabyte of memory for some
 * thousand concurrent requests. The pages also load `script` unless it is null.
 */
export function servePages(scope: FastifyInstance, document: () => object, script: string | null): void {
  let renderer: Promise<FastifyInstance> | undefined
  const pages = new Map<string, Promise<Page>>()

  const render = async (path: string): Promise<Page> => {
    renderer ??= createRenderer(document(), script)
    const { statusCode, headers, rawPayload } = await (await renderer).inject(path)
    const { 'content-length': _length, connection: _connection, date: _date, ...reused } = headers
    return { status: statusCode, headers: reused, body: rawPayload }
  }
  const page = (path: string): Promise<Page> => {
    const known = pages.get(path)
    if (known) return known
    const rendering = render(path)
    pages.set(path, rendering)
    // Errors are not kept: anybody could otherwise fill the memory with unknown paths.
    const remove = () => pages.delete(path)
    rendering.then(({ status }) => status >= 400 && remove(), remove)
    return rendering
  }

  for (const url of ['/docs', '/docs/*']) {
    scope.get(url, { schema: { hide: true } }, async ({ raw }, reply) => {
      const path = raw.url?.split('?', 1)[0] ?? '/docs'
      // Only plain file names: nothing that has to be decoded or resolved.
      if (!/^\/docs(?:\/[\w.-]*){0,3}$/.test(path)) return reply.callNotFound()
      const { status, headers, body } = await page(path)
      if (status === 404) return reply.callNotFound()
      return reply.code(status).headers(headers).send(body)
    })
  }
  scope.addHook('onClose', async () => (await renderer)?.close())
}

async function createRenderer(document: object, script: string | null): Promise<FastifyInstance> {
  const app = Fastify({ exposeHeadRoutes: false })
  await app.register(helmet, {
    // Without helmet's default `upgrade-insecure-requests`, because Nightpost itself serves plain HTTP.
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
  const js = script === null ? [] : [{ filename: 'try-out.js', content: script }]
  await app.register(swaggerUi, { routePrefix: '/docs', theme: { title: 'Nightpost', js } })
  await app.ready()
  return app
}
