import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config/index.ts'
import type { Vendor } from '../contract/vendor.ts'
import { servePages } from './pages.ts'
import { tryOutScript } from './try-out.ts'

const DESCRIPTION = `Receives the webhooks of Asleep and Sahha. Answers 2xx after the exact
bytes and every row made from them are committed. Unknown fields and values are kept, an optional value of the wrong
type is stored as NULL, and a malformed record of a list gets no row. Bodies may be gzip-compressed
(Content-Encoding: gzip). Failures are RFC 9457 problem documents with a stable \`code\`.`

/** Collects the routes that are declared on `scope` later into one OpenAPI 3.1 document. */
export async function collectRoutes(scope: FastifyInstance, vendors: readonly Vendor[]): Promise<void> {
  await scope.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Nightpost', version: '1', description: DESCRIPTION.replaceAll('\n', ' ') },
      servers: [{ url: '/' }],
      tags: [
        ...vendors.map(({ name }) => ({ name, description: `Callbacks of ${name}` })),
        { name: 'operations', description: 'Operations' },
      ],
      components: { securitySchemes: Object.assign({}, ...vendors.map(schemesOf), METRICS) },
    },
    transformObject: (documented) => {
      const document = (documented as { openapiObject: Document }).openapiObject
      for (const vendor of vendors) showExamples(document, vendor)
      return JSON.parse(JSON.stringify(document, (key, value) => (key === '$id' ? undefined : value)))
    },
  })
}

/** Whether there are pages at `/docs`. */
export function hasPages({ DOCS, NODE_ENV }: Config): boolean {
  return DOCS === undefined ? NODE_ENV !== 'production' : DOCS === 'on'
}

/** `GET /openapi.json`, and pages at `/docs` that show it. In development the pages sign what they send. */
export function serveDocs(scope: FastifyInstance, config: Config, vendors: readonly Vendor[]): void {
  let document: Buffer | undefined
  scope.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    document ??= Buffer.from(JSON.stringify(scope.swagger()))
    return reply.type('application/json').send(document)
  })
  const script = config.NODE_ENV === 'production' ? null : tryOutScript(vendors)
  if (hasPages(config)) servePages(scope, () => scope.swagger(), script)
}

interface Document {
  paths?: Record<string, { post?: { requestBody?: { content: Record<string, { examples?: object }> } } }>
}

const METRICS = {
  METRICS_TOKEN: { type: 'http', scheme: 'bearer', description: 'Required if METRICS_TOKEN is set' },
}

function schemesOf({ credentials, proofs }: Vendor): object {
  const schemes = Object.entries(proofs).map(([name, { setting }]) => [
    setting,
    { type: 'apiKey', in: 'header', name, description: credentials[setting] },
  ])
  return Object.fromEntries(schemes)
}

/** Adds an example for each event, under the event's name. Events that share a name are told apart by their title. */
function showExamples({ paths }: Document, { name, events }: Vendor): void {
  const content = paths?.[`/webhooks/${name}`]?.post?.requestBody?.content['application/json']
  if (!content) return
  const isOne = (event: string) => events.filter(({ name }) => name === event).length === 1
  content.examples = Object.fromEntries(
    events.map((event) => {
      const title = isOne(event.name)
        ? event.name
        : String(event.schema.title).replace(/[()]/g, '').replaceAll(' ', '_')
      return [title, { summary: String(event.schema.title ?? event.name), value: event.example }]
    }),
  )
}
