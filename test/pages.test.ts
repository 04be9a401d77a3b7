import { existsSync } from 'node:fs'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { credentialNames } from '../src/config/index.ts'
import { credentialsFragment } from '../src/ops/try-out.ts'
import { VERSION } from '../src/ops/version.ts'
import { vendors } from '../src/vendors/index.ts'
import { environment, setup, signed, type TestService } from './setup/service.ts'

const browserPath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path))

let service: TestService
let production: TestService
beforeAll(async () => {
  service = await setup()
  production = await setup({
    NODE_ENV: 'production',
    DOCS: 'on',
    SAHHA_API_KEYS: '',
    SAHHA_WEBHOOK_SECRETS: '',
  })
})
afterAll(async () => {
  await Promise.all([service.close(), production.close()])
})

const get = ({ app }: TestService, url: string, options: object = {}) => app.inject({ url, ...options })

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

describe('GET /', () => {
  it('is JSON that names the version, the vendors, and where the rest is', async () => {
    const answer = await get(service, '/')
    expect(answer.headers['content-type']).toContain('application/json')
    expect(answer.headers.vary).toBe('accept')
    const { vendors: shown, links, ...rest } = answer.json()
    expect(rest).toEqual({ name: 'Nightpost', version: VERSION, about: expect.stringContaining('Postgres') })
    expect(shown).toContainEqual({ name: 'asleep', path: '/webhooks/asleep', on: true })
    for (const path of Object.values(links) as string[])
      expect((await get(service, path)).statusCode, path).toBe(200)
    expect(Object.keys(links)).toEqual(['docs', 'openapi', 'health', 'metrics', 'status'])
  })

  it.each([
    [undefined, 'application/json'],
    ['*/*', 'application/json'],
    ['application/json', 'application/json'],
    ['text/html;q=0.5, application/json', 'application/json'],
    ['text/html;q=0, */*', 'application/json'],
    ['text/html', 'text/html'],
    ['TEXT/HTML', 'text/html'],
    [BROWSER, 'text/html'],
  ])('with Accept %s is %s', async (accept, type) => {
    const answer = await get(service, '/', { headers: { ...(accept && { accept }) } })
    expect(answer.headers['content-type']).toMatch(new RegExp(`^${type}`))
  })

  it('is a page without scripts, under a policy that allows only its own style', async () => {
    const { body, headers } = await get(service, '/', { headers: { accept: BROWSER } })
    expect(body).toContain('<code>POST /webhooks/sahha</code></td><td>on</td>')
    expect(body).not.toContain('<script')
    const policy = headers['content-security-policy']
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]{43}='; base-uri 'none'/)
    expect(policy).not.toContain('unsafe')
  })

  it('shows a stranger in production neither the version nor the vendors', async () => {
    const stranger = { remoteAddress: '203.0.113.9' }
    for (const accept of ['application/json', BROWSER]) {
      const { body, statusCode } = await get(production, '/', { ...stranger, headers: { accept } })
      expect(statusCode).toBe(200)
      expect(body).toContain('/health/ready')
      for (const hidden of [VERSION, 'asleep', 'sahha', '/docs', '/metrics'])
        expect(body).not.toContain(hidden)
    }
    const through = { remoteAddress: '10.0.0.1', headers: { 'x-forwarded-for': '203.0.113.9' } }
    expect((await get(production, '/', through)).json()).not.toHaveProperty('version')
  })

  it('shows the own network in production which vendor is off', async () => {
    const { vendors: shown } = (await get(production, '/', { remoteAddress: '10.0.0.1' })).json()
    expect(shown).toContainEqual({ name: 'sahha', path: '/webhooks/sahha', on: false })
  })
})

describe('credentials for /docs', () => {
  it('are in the fragment of the link, which a browser sends to nobody', () => {
    const link = new URL(
      `http://127.0.0.1:3000/docs/${credentialsFragment(vendors, (name) => [`${name}&=`])}`,
    )
    expect(link.pathname + link.search).toBe('/docs/')
    const values = new URLSearchParams(link.hash.slice('#credentials?'.length))
    expect(Object.fromEntries(values)).toEqual(
      Object.fromEntries(credentialNames.map((name) => [name, `${name}&=`])),
    )
  })

  it('are in no answer of the service', async () => {
    const paths = [
      '/',
      '/docs/',
      '/docs/json',
      '/docs/static/theme/try-out.js',
      '/docs/static/swagger-initializer.js',
    ]
    for (const path of paths) {
      const { body, statusCode } = await get(service, path)
      expect(statusCode, path).toBe(200)
      for (const secret of Object.values(environment)) expect(body, path).not.toContain(secret)
    }
  })

  it('are neither filled in nor used to sign in production', async () => {
    expect((await get(production, '/docs/')).body).not.toContain('try-out')
    expect((await get(production, '/docs/static/theme/try-out.js')).statusCode).toBe(404)
  })
})

describe.skipIf(!browserPath)(
  `/docs in a browser${browserPath ? '' : ': skipped, there is no Chromium'}`,
  () => {
    let browser: Browser
    let address: string
    beforeAll(async () => {
      address = await service.app.listen({ port: 0, host: '127.0.0.1' })
      const args = ['--no-sandbox', '--disable-gpu']
      browser = await chromium.launch({ executablePath: browserPath as string, args })
    })
    afterAll(() => browser.close())

    /** Presses "Try it out" and "Execute" of a vendor without filling in anything. */
    async function tryOut(page: Page, vendor: string) {
      const operation = page.locator('.opblock', { hasText: `/webhooks/${vendor}` })
      await operation.locator('.opblock-summary-control').click()
      await operation.getByRole('button', { name: 'Try it out' }).click()
      return execute(page, vendor, operation)
    }

    async function execute(page: Page, vendor: string, operation: Locator) {
      const answered = page.waitForResponse(`${address}/webhooks/${vendor}`)
      await operation.getByRole('button', { name: 'Execute' }).click()
      const answer = await answered
      const { outcome, code, delivery_id } = await answer.json()
      const body = answer.request().postData() ?? ''
      return { operation, outcome, code, delivery_id, body, sent: await answer.request().allHeaders() }
    }

    it('the first Execute of each vendor is stored; a signature is made with the secret of Authorize', async () => {
      const page = await browser.newPage()
      const complaints: string[] = []
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(error.message))
      const link = credentialsFragment(vendors, (name) => [environment[name as keyof typeof environment]])
      await page.goto(`${address}/docs/${link}`)

      expect(await tryOut(page, 'asleep')).toMatchObject({ outcome: 'stored' })
      const sahha = await tryOut(page, 'sahha')
      expect(sahha).toMatchObject({ outcome: 'stored', sent: { 'x-event-type': expect.any(String) } })
      const [row] = await service.db.query('select authenticated_by from deliveries where delivery_id = $1', [
        sahha.delivery_id,
      ])
      expect(row).toEqual({ authenticated_by: 'signature' })
      expect(page.url()).not.toContain('credentials')
      expect(complaints).toEqual([])

      await page.getByRole('button', { name: 'Authorize' }).first().click()
      const secret = page.locator('.auth-container', { hasText: 'SAHHA_WEBHOOK_SECRETS' })
      await secret.getByRole('button', { name: 'Remove' }).click()
      await secret.locator('input').fill('another secret')
      await secret.getByRole('button', { name: 'Apply' }).click()
      await secret.getByRole('button', { name: 'Close' }).click()
      const wrong = await execute(page, 'sahha', sahha.operation)
      expect(wrong).toMatchObject({ code: 'unauthorized', sent: signed(wrong.body, 'another secret') })
    }, 120_000)
  },
)
