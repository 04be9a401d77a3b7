import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addressOf } from '../../src/service.ts'
import { TOKEN } from '../setup/console.ts'
import { fixtures, send } from '../setup/fixtures.ts'
import { guardSecret } from '../setup/log-guard.ts'
import { setup, type TestService } from '../setup/service.ts'

const browserPath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path))
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const session = fixtures.find(({ name }) => name.startsWith('session-complete')) as (typeof fixtures)[number]
const USER: string = JSON.parse(session.body.toString()).data.user_id

/** Every control of the page that can be seen, and which of them had the focus since. It runs in the browser. */
const WATCH = `
  const controls = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')]
    .filter((element) => element.checkVisibility())
  const reached = new Set()
  document.addEventListener('focusin', ({ target }) => reached.add(target))
  const missed = () => controls.filter((element) => !reached.has(element)).map(({ outerHTML }) => outerHTML)
  globalThis.watched = { controls, missed }
  document.activeElement?.blur()`

describe.skipIf(!browserPath)(
  `the console in a browser${browserPath ? '' : ': skipped, there is no Chromium'}`,
  () => {
    let service: TestService
    let browser: Browser
    let context: BrowserContext
    let page: Page
    let address: string
    const complaints: string[] = []

    beforeAll(async () => {
      guardSecret(TOKEN)
      service = await setup({ CONSOLE_TOKEN: TOKEN, MAINTENANCE: 'off' })
      await service.app.listen({ port: 0, host: '127.0.0.1' })
      await service.console?.listen({ port: 0, host: '127.0.0.1' })
      address = addressOf(service.console as NonNullable<TestService['console']>) as string
      const args = ['--no-sandbox', '--disable-gpu']
      browser = await chromium.launch({ executablePath: browserPath as string, args })
      context = await browser.newContext({ timezoneId: 'Asia/Tokyo', viewport: { width: 1280, height: 900 } })
      context.setDefaultTimeout(10_000)
      page = await newPage()
      for (const fixture of fixtures) await send(service, fixture)
    })
    afterAll(async () => {
      await browser.close()
      await service.close()
    })

    /** A page whose complaints are collected: of its policy, and of its script. */
    async function newPage(): Promise<Page> {
      const made = await context.newPage()
      made.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
      made.on('pageerror', (error) => complaints.push(error.message))
      return made
    }

    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key)
    }

    /** Presses Tab until the element with this text has the focus, then Enter. */
    async function follow(text: string) {
      const focused = () => page.evaluate(`document.activeElement?.textContent?.trim() ?? ''`)
      for (let presses = 0; presses < 80; presses += 1) {
        await press('Tab')
        if ((await focused()) === text) return press('Enter')
      }
      throw new Error(`Tab does not lead to ${text}`)
    }

    it('is entered by the link, which keeps its token for itself', async () => {
      const asked: string[] = []
      page.on('request', (request) => asked.push(request.url()))
      await page.goto(`${address}/login#${TOKEN}`)
      await page.getByRole('heading', { name: 'Arrivals' }).waitFor()
      expect(page.url()).toBe(`${address}/`)
      expect(asked.filter((url) => url.includes(TOKEN) && !url.includes('#'))).toEqual([])
      expect(await page.locator('[data-zone]').innerText()).toBe('Asia/Tokyo')
      const time = page.locator('tbody time').first()
      const shown = Date.parse(`${(await time.innerText()).replace(' ', 'T')}+09:00`)
      expect(shown).toBe(Math.floor(Date.parse((await time.getAttribute('datetime')) ?? '') / 1000) * 1000)
    })

    it('shows an example arrive without a reload, sent from another tab', async () => {
      await page.locator('.live.on').waitFor()
      const tab = await newPage()
      await tab.goto(`${address}/connect`)
      await tab.getByRole('button', { name: 'BiomarkerCreatedIntegrationEvent' }).click()
      await tab.getByText('The service answered 200').waitFor()
      const link = (await tab.getByRole('link', { name: 'Open the delivery' }).getAttribute('href')) ?? ''
      expect(await tab.getByText('1 in biomarkers').count()).toBe(1)
      await page.locator(`tr.new a[href="${link}"]`).waitFor()
      await tab.close()
    })

    it('shows why requests are refused, without a reload', async () => {
      await service.post('asleep', { 'x-api-key': 'another key', 'x-user-id': USER }, session.body)
      await page.getByText('x-api-key does not match ASLEEP_API_KEYS').waitFor()
    })

    it('opens a rejected delivery by keys, says why, and replays it after a fix', async () => {
      const { json } = await service.asleep(
        session.body.toString().replaceAll(USER, 'somebody'),
        'somebody else',
      )
      await page.locator(`tr[data-id="${json.delivery_id}"]`).waitFor()
      await press('j', 'j', 'k', 'Enter')
      await page.waitForURL(`${address}/deliveries/${json.delivery_id}`)
      await page.getByText('The header x-user-id and the body name different users.').waitFor()
      await follow('Show the body and the rows')
      await page.getByText('"sleep_efficiency"').waitFor()
      await service.db.query(
        `update deliveries set headers = headers || '{"x-user-id":"somebody"}' where delivery_id = $1`,
        [json.delivery_id],
      )
      await follow('Try it without writing')
      await page.getByText('A replay would change the outcome: rejected → stored').waitFor()
      await follow('Replay now')
      await page.getByText('The replay changed the outcome: rejected → stored').waitFor()
    })

    it('shows a night, found by keys', async () => {
      await page.goto(`${address}/people`)
      await press('/')
      await page.keyboard.type(USER)
      await press('Enter')
      await page.getByRole('heading', { name: USER }).waitFor()
      await follow('Show the health values')
      await page.locator('.wide-only svg').first().waitFor()
      expect(await page.locator('.wide-only svg desc').first().textContent()).toMatch(/in bed|Recorded/)
      await page.setViewportSize({ width: 375, height: 800 })
      expect(await page.locator('.narrow-only svg').first().isVisible()).toBe(true)
      await page.setViewportSize({ width: 1280, height: 900 })
    })

    it.each(['/', '/?outcome=rejected', '/people', '/health', '/connect', '/deliveries', '/person'])(
      'has no fault for assistive technology, and everything is reached by Tab: %s',
      async (path) => {
        await open(path)
        await page.evaluate(WATCH)
        const controls = Number(await page.evaluate('watched.controls.length'))
        // A field for a time is several stops.
        for (let stops = 0; stops < controls + 20; stops += 1) await press('Tab')
        expect(await page.evaluate('watched.missed()')).toEqual([])
        await page.evaluate(axe)
        expect(await violations('{}')).toEqual([])
        await page.emulateMedia({ colorScheme: 'dark' })
        expect(await violations("{ runOnly: ['color-contrast'] }")).toEqual([])
        await page.emulateMedia({ colorScheme: 'light' })
        for (const width of [1280, 375]) {
          await page.setViewportSize({ width, height: 900 })
          expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
        }
        await page.setViewportSize({ width: 1280, height: 900 })
      },
    )

    /** Opens a page; of a delivery and of a person with what they hide. */
    async function open(path: string) {
      if (path === '/deliveries') {
        await page.goto(`${address}/?vendor=asleep&outcome=stored&event=SESSION_COMPLETE`)
        await page.locator('tbody a').first().click()
        await page.getByRole('button', { name: 'Show the body' }).click()
      } else if (path === '/person') {
        await page.goto(`${address}/person?${new URLSearchParams({ id: USER })}`)
        await page.getByRole('button', { name: 'Show the health values' }).click()
      } else await page.goto(`${address}${path}`)
      await page.locator('main').waitFor()
    }

    const violations = (options: string): Promise<string[]> =>
      page.evaluate(
        `axe.run(${options}).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))`,
      )

    it('is left by the logout, and its policy was never violated', async () => {
      await page.goto(`${address}/`)
      await follow('Log out')
      await page.waitForURL(`${address}/login`)
      await page.evaluate(axe)
      expect(await violations('{}')).toEqual([])
      await page.goto(`${address}/health`)
      expect(page.url()).toBe(`${address}/login`)
      expect(complaints).toEqual([])
    })

    it('works without a script: pages, a filter, and the login by hand', async () => {
      const plain = await browser.newContext({ javaScriptEnabled: false })
      const tab = await plain.newPage()
      await tab.goto(address)
      await tab.getByLabel('Token').fill(TOKEN)
      await tab.getByRole('button', { name: 'Log in' }).click()
      await tab.getByLabel('Outcome').selectOption('rejected')
      await tab.getByRole('button', { name: 'Filter' }).click()
      expect(tab.url()).toContain('outcome=rejected')
      expect(await tab.locator('.zone').innerText()).toBe('Times in UTC')
      await plain.close()
    })
  },
)
