import { hash } from 'node:crypto'
import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from '../config/index.ts'
import { ProblemError } from '../contract/problem.ts'
import type { Vendor } from '../contract/vendor.ts'
import { titleOf } from '../ingest/callback-schema.ts'
import type { InternalAccess } from './internal-access.ts'
import { VERSION } from './version.ts'

const About = Type.Object({
  name: Type.Literal('Nightpost'),
  about: Type.String(),
  version: Type.Optional(Type.String()),
  vendors: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String(),
        path: Type.String(),
        on: Type.Boolean({
          description: 'Whether a credential is configured; otherwise the path answers 404',
        }),
      }),
    ),
  ),
  links: Type.Record(Type.String(), Type.String()),
})
type About = Static<typeof About>

const schema = {
  tags: ['operations'],
  summary: 'What this service is, as JSON or as a page',
  description:
    'Version, vendors and documentation are named to those who may read /metrics. Others get the name and the health.',
  response: {
    200: {
      description: 'A page if `Accept` prefers text/html, else JSON',
      content: { 'application/json': { schema: About }, 'text/html': { schema: { type: 'string' } } },
    },
  },
}

interface Options {
  readonly config: Config
  readonly vendors: readonly Vendor[]
  readonly withDocs: boolean
}

/**
 * `GET /`: what the service is, without data. A stranger in production learns neither the version nor the vendors: both
 * help to choose an attack, and nobody who may send a delivery needs them.
 */
export function rootPage(app: FastifyInstance, options: Options, checkAccess: InternalAccess): void {
  const answers = { full: answersOf(fullAbout(options)), brief: answersOf(briefAbout) }
  app.get('/', { schema }, async (request, reply) => {
    const { json, html } = answers[isInternal(request, checkAccess) ? 'full' : 'brief']
    const page = prefersHtml(request.headers.accept) ? html : json
    return reply.headers(HEADERS).type(page.type).send(page.body)
  })
}

const briefAbout: About = {
  name: 'Nightpost',
  about: 'Receives the webhooks of sleep and health services.',
  links: { health: '/health/ready' },
}

function fullAbout({ config, vendors, withDocs }: Options): About {
  return {
    name: 'Nightpost',
    about: `Receives the webhooks of ${vendors.map(titleOf).join(' and ')}, and turns them into Postgres tables.`,
    version: VERSION,
    vendors: vendors.map(({ name, credentials }) => ({
      name,
      path: `/webhooks/${name}`,
      on: Object.keys(credentials).some((setting) => config.credentials(setting).length > 0),
    })),
    links: {
      ...(withDocs && { docs: '/docs/' }),
      openapi: '/openapi.json',
      health: '/health/ready',
      metrics: '/metrics',
      status: '/status',
    },
  }
}

function isInternal(request: FastifyRequest, checkAccess: InternalAccess): boolean {
  try {
    checkAccess(request)
    return true
  } catch (error) {
    if (error instanceof ProblemError) return false
    throw error
  }
}

/** Whether `Accept` names text/html, and does not prefer JSON to it. */
function prefersHtml(accept = ''): boolean {
  const quality = (type: string) => {
    const range = accept.split(',').find((one) => one.split(';', 1)[0]?.trim().toLowerCase() === type)
    return range === undefined ? 0 : Number(/;\s*q=([\d.]+)/i.exec(range)?.[1] ?? 1)
  }
  return quality('text/html') > 0 && quality('text/html') >= quality('application/json')
}

const STYLE = `:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}
td,th{text-align:left;padding:.2rem 1.5rem .2rem 0}`

const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  vary: 'accept',
}

function answersOf(about: About) {
  return {
    json: { type: 'application/json', body: Buffer.from(JSON.stringify(about)) },
    html: { type: 'text/html; charset=utf-8', body: Buffer.from(pageOf(about)) },
  }
}

/** No part of the page comes from a request, so nothing is escaped. */
function pageOf({ name, about, version, vendors, links }: About): string {
  const rows = vendors?.map(
    ({ name, path, on }) =>
      `<tr><th scope="row">${name}</th><td><code>POST ${path}</code></td><td>${on ? 'on' : 'off: no credential is configured'}</td></tr>`,
  )
  const items = Object.entries(links).map(([text, path]) => `<li><a href="${path}">${text}</a></li>`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${name}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${name}${version ? ` ${version}` : ''}</h1>
<p>${about}</p>
${rows ? `<table>\n${rows.join('\n')}\n</table>` : ''}
<ul>
${items.join('\n')}
</ul>
</body>
</html>
`
}
