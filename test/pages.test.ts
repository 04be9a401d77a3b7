import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { credentialNames } from '../src/config/index.ts'
import { credentialsFragment } from '../src/ops/try-out.ts'
import { version } from '../src/ops/version.ts'
import { vendors } from '../src/vendors/index.ts'
import { environment, SAHHA_SECRET, setup, type TestService } from './setup/service.ts'

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
    expect(rest).toEqual({ name: 'Nightpost', version, about: expect.stringContaining('Postgres') })
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
      for (const hidden of [version, 'asleep', 'sahha', '/docs', '/metrics'])
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
  `/docs in a browser${browserPath ? '' : ' (skipped: no Chromium is installed)'}`,
  () => {
    let browser: Browser
    let address: string
    beforeAll(async () => {
      address = await service.app.listen({ port: 0, host: '127.0.0.1' })
      browser = await chromium.launch({ executablePath: browserPath as string, args: ['--no-sandbox'] })
    })
    afterAll(() => browser.close())

    /** Opens the page, and notes what the browser complains about. */
    async function open(path: string): Promise<{ page: Page; complaints: string[] }> {
      const page = await browser.newPage()
      const complaints: string[] = []
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(error.message))
      await page.goto(`${address}${path}`)
      return { page, complaints }
    }

    /** Presses "Try it out" and "Execute" of a vendor without filling in anything, and returns the answer. */
    async function execute(page: Page, vendor: string) {
      const operation = page.locator('.opblock', { hasText: `/webhooks/${vendor}` })
      await operation.locator('.opblock-summary-control').click()
      await operation.getByRole('button', { name: 'Try it out' }).click()
      const answered = page.waitForResponse(`${address}/webhooks/${vendor}`)
      await operation.getByRole('button', { name: 'Execute' }).click()
      const answer = await answered
      return { status: answer.status(), sent: await answer.request().allHeaders(), json: await answer.json() }
    }

    it('the first Execute of each vendor is stored, with the defaults of the link', async () => {
      const link = `/docs/${credentialsFragment(vendors, (name) => [environment[name as never]])}`
      const { page, complaints } = await open(link)
      expect(await execute(page, 'asleep')).toMatchObject({ status: 200, json: { outcome: 'stored' } })
      const sahha = await execute(page, 'sahha')
      expect(sahha).toMatchObject({ status: 200, json: { outcome: 'stored' } })
      expect(sahha.sent['x-signature']).toMatch(/^[\da-f]{64}$/)
      expect(page.url()).not.toContain('credentials')
      expect(complaints).toEqual([])
      await page.close()
    })

    it("signs with the secret that is typed in Authorize, which is the only proof of Sahha's", async () => {
      const { page } = await open('/docs/')
      expect((await execute(page, 'sahha')).status).toBe(401)
      await page.getByRole('button', { name: 'Authorize' }).first().click()
      const secret = page.locator('.auth-container', { hasText: 'SAHHA_WEBHOOK_SECRETS' })
      await secret.locator('input').fill(SAHHA_SECRET)
      await secret.getByRole('button', { name: 'Apply credentials' }).click()
      await page.getByRole('button', { name: 'Close', exact: true }).click()
      const answered = page.waitForResponse(`${address}/webhooks/sahha`)
      await page.getByRole('button', { name: 'Execute' }).click()
      const answer = await answered
      expect([answer.status(), await answer.json()]).toMatchObject([
        200,
        { outcome: expect.stringMatching(/stored|duplicate/) },
      ])
      const [row] = await service.db.query('select authenticated_by from deliveries where delivery_id = $1', [
        (await answer.json()).delivery_id,
      ])
      expect(row).toEqual({ authenticated_by: 'signature' })
      await page.close()
    })
  },
)
