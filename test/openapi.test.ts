import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openapiDocument } from '../src/cli/openapi.ts'
import { vendors } from '../src/vendors/index.ts'
import { setup, type TestService } from './setup/service.ts'

interface Operation {
  parameters: Array<{ name: string; in: string; description: string; example?: string; examples?: object }>
  requestBody: { content: Record<string, { examples: Record<string, { value: Example }> }> }
  security: object[]
  responses: Record<string, { description: string; headers?: object; content: Record<string, object> }>
}

interface Example {
  externalId?: string
  data?: { user_id: string }
  callback_data?: { user_id: string }
}

const text = readFileSync(join(import.meta.dirname, '..', 'openapi.json'), 'utf8')
const committed = JSON.parse(text)
const operation = (vendor: string): Operation => committed.paths[`/webhooks/${vendor}`].post

let service: TestService
beforeAll(async () => {
  service = await setup()
})
afterAll(() => service.close())

describe('openapi.json', () => {
  it('is the document that the service serves; otherwise run: npm run openapi', async () => {
    expect(await openapiDocument()).toBe(text)
    expect((await service.app.inject('/openapi.json')).json()).toEqual(committed)
  })

  it('is valid OpenAPI 3.1 according to an independent validator', async () => {
    expect(committed.openapi).toBe('3.1.0')
    expect(await new Validator().validate(structuredClone(committed))).toEqual({ valid: true })
    const broken = structuredClone(committed)
    broken.paths['/metrics'].get.responses[200].description = undefined
    expect(await new Validator().validate(JSON.parse(JSON.stringify(broken)))).toMatchObject({ valid: false })
  })

  it('has every route, and every header and answer of the webhook routes', () => {
    expect(Object.keys(committed.paths).sort()).toEqual(
      [
        '/',
        '/health/live',
        '/health/ready',
        '/metrics',
        '/status',
        ...vendors.map(({ name }) => `/webhooks/${name}`),
      ].sort(),
    )
    for (const { name, headers } of vendors) {
      const { parameters, responses, security } = operation(name)
      const asParameters = parameters.filter((one) => one.in === 'header').map((one) => one.name)
      const schemes = security.flatMap((one) => Object.keys(one))
      const asCredentials = schemes.map((scheme) => committed.components.securitySchemes[scheme].name)
      expect([...asParameters, ...asCredentials].sort()).toEqual(Object.keys(headers.properties).sort())
      for (const { description, example, examples } of parameters) {
        expect(description).toBeTruthy()
        expect(example ?? Object.keys(examples ?? {})[0]).toBeTruthy()
      }
      expect(Object.keys(responses)).toEqual(['200', '400', '401', '408', '413', '422', '429', '500', '503'])
      for (const code of ['429', '503']) expect(responses[code]?.headers).toHaveProperty('Retry-After')
    }
  })
})

const examples = vendors.flatMap(({ name }) =>
  Object.entries(operation(name).requestBody.content['application/json']?.examples ?? {}).map(
    ([event, { value }]) => ({ vendor: name, event, value }),
  ),
)

describe('each documented example', () => {
  it.each(examples)('$vendor $event is stored by the running service', async ({ vendor, event, value }) => {
    const user = (value.data ?? value.callback_data)?.user_id ?? ''
    const answer = vendor === 'sahha' ? await service.sahha(value, event) : await service.asleep(value, user)
    expect(answer).toMatchObject({ status: 200, json: { outcome: 'stored' } })
  })

  it('exists for every event', () => {
    expect(examples).toHaveLength(vendors.flatMap(({ events }) => events).length)
  })

  it('has no unknown field or value', async () => {
    const { body } = await service.app.inject('/metrics')
    expect(body).not.toMatch(/^nightpost_unknown_(fields|values)_total\{/m)
  })
})

describe('/docs', () => {
  it('is a page with a strict content security policy and only local assets', async () => {
    const page = await service.app.inject({ url: '/docs/', headers: { accept: 'text/html' } })
    expect(page.statusCode).toBe(200)
    expect(page.headers['content-type']).toContain('text/html')
    expect(page.headers['content-security-policy']).toContain("script-src 'self';")
    expect(page.headers['x-content-type-options']).toBe('nosniff')
    const assets = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path)
    expect(assets.length).toBeGreaterThan(2)
    for (const path of assets) {
      expect((await service.app.inject(new URL(path, 'http://x/docs/').pathname)).statusCode, path).toBe(200)
    }
    expect(page.body).not.toMatch(/<script>/)
    expect((await service.app.inject('/docs/json')).json()).toEqual(committed)
  })
})
