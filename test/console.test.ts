import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { readConfig, withConsoleToken } from '../src/config/index.ts'
import { exampleOf } from '../src/console/connect/send.ts'
import { bodyOf } from '../src/console/delivery/json.ts'
import { html } from '../src/console/html.ts'
import { judge } from '../src/ingest/judge.ts'
import { vendors } from '../src/vendors/index.ts'
import { biomarker } from './setup/bodies.ts'
import { loggedIn, TOKEN, type Visitor, visitorOf } from './setup/console.ts'
import { fixtures, send } from './setup/fixtures.ts'
import { guardSecret } from './setup/log-guard.ts'
import { environment, serviceOn, setup, type TestService } from './setup/service.ts'

let service: TestService
let visitor: Visitor
const ids: Record<string, string> = {}
const session = fixtures.find(({ name }) => name.startsWith('session-complete')) as (typeof fixtures)[number]
const USER: string = JSON.parse(session.body.toString()).data?.user_id

beforeAll(async () => {
  guardSecret(TOKEN)
  service = await setup({
    CONSOLE_TOKEN: TOKEN,
    MAINTENANCE: 'off',
    LOG_ID_KEY: 'a key of sixteen characters',
  })
  for (const fixture of fixtures) ids[fixture.name] = (await send(service, fixture)).json.delivery_id ?? ''
  const wrong = JSON.parse(session.body.toString())
  wrong.data.session = null
  const { json } = await service.asleep(wrong, USER)
  ids.rejected = json.delivery_id ?? ''
  visitor = await loggedIn(service)
})
afterAll(() => service.close())

describe('who may see the console', () => {
  it('nobody on the public listener', async () => {
    const paths = ['/login', '/live', '/health', '/connect', '/people', '/person?id=x', '/static/console.css']
    for (const path of [...paths, '/hypnogram.css', `/deliveries/${ids.rejected}`])
      expect([path, (await service.app.inject(path)).statusCode]).toEqual([path, 404])
    const login = { method: 'POST', url: '/login', payload: `token=${TOKEN}` } as const
    expect((await service.app.inject(login)).statusCode).toBe(404)
    expect((await service.app.inject('/')).body).not.toContain('Arrivals')
  })

  it('nobody without a session: pages lead to the login, the rest is refused', async () => {
    const stranger = visitorOf(service)
    for (const path of [
      '/',
      '/health',
      '/connect',
      '/people',
      '/person?id=x',
      `/deliveries/${ids.rejected}`,
    ]) {
      const answer = await stranger.get(path)
      expect([path, answer.status, answer.headers.location]).toEqual([path, 303, '/login'])
    }
    expect((await stranger.get('/live', { accept: 'text/event-stream' })).status).toBe(403)
    expect((await stranger.post(`/deliveries/${ids.rejected}/body`)).status).toBe(403)
    stranger.cookie = 'nightpost_console=somebody.99999999999.signature'
    expect((await stranger.get('/')).status).toBe(303)
  })

  it('somebody with the token, by a cookie that no script and no other site can use, until the logout', async () => {
    const guest = visitorOf(service)
    const answer = await guest.post('/login', { token: TOKEN })
    expect([answer.status, answer.headers.location]).toEqual([303, '/'])
    expect(String(answer.headers['set-cookie'])).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/)
    expect(String(answer.headers['set-cookie'])).not.toContain(TOKEN)
    expect((await guest.get('/')).status).toBe(200)
    const kept = guest.cookie
    expect((await guest.post('/logout')).headers.location).toBe('/login')
    expect((await guest.get('/')).status).toBe(303)
    guest.cookie = kept
    expect((await guest.get('/')).status).toBe(303)
  })

  it('not somebody with a wrong token, who is slowed down', async () => {
    const guest = visitorOf(service)
    const statuses: number[] = []
    for (let attempt = 0; attempt < 12; attempt += 1)
      statuses.push((await guest.post('/login', { token: `${TOKEN}!` })).status)
    expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401])
    expect(statuses.at(-1)).toBe(429)
    expect(guest.cookie).toBe('')
    const failed = service.log.filter((line) => line.includes('a login failed'))
    expect(failed.length).toBe(statuses.filter((status) => status === 401).length)
  })

  it('no form of another site', async () => {
    const path = `/deliveries/${ids.rejected}/body`
    for (const origin of [
      'https://evil.example',
      'null',
      'http://console.test.evil.example',
      'http://console.test:81',
    ])
      expect((await visitor.post(path, {}, { origin })).status, origin).toBe(403)
    expect((await visitor.post(path)).status).toBe(200)
  })

  it('with a policy that allows no inline script and no other site', async () => {
    const { headers, text } = await visitor.get('/')
    expect(headers['content-security-policy']).toBe(
      "default-src 'none';style-src 'self';script-src 'self';img-src 'self' data:;connect-src 'self';form-action 'self';frame-ancestors 'none';base-uri 'none'",
    )
    expect([headers['cache-control'], headers['x-content-type-options']]).toEqual(['no-store', 'nosniff'])
    expect(text).not.toMatch(/<script(?! src=)|<style|\son\w+=|style="/)
  })
})

describe('the console', () => {
  it('lists deliveries, the newest first, page by page, and filters them by the URL', async () => {
    const first = await visitor.get('/')
    const shown = [...first.text.matchAll(/<tr data-id="([^"]+)"/g)].map(([, id]) => id)
    expect(shown).toEqual([...shown].sort().reverse())
    expect(shown).toContain(ids.rejected)
    const rejected = await visitor.get('/?outcome=rejected&vendor=asleep')
    expect([...rejected.text.matchAll(/<tr data-id="([^"]+)"/g)].map(([, id]) => id)).toEqual([ids.rejected])
    expect(rejected.text).toContain('<code>invalid_body</code>')
    const older = await visitor.get(`/?before=${shown[1]}`)
    expect([...older.text.matchAll(/<tr data-id="([^"]+)"/g)].map(([, id]) => id)).toEqual(shown.slice(2))
    const own = await visitor.get(`/?${new URLSearchParams({ user: USER })}`)
    expect(own.text).toContain(`data-id="${ids[session.name]}"`)
    expect((await visitor.get('/?from=2001-01-01T00:00&to=2001-01-02T00:00')).text).toContain(
      'No delivery fits',
    )
  })

  it('shows how late a record came, and with how many others it was stored', async () => {
    const createdAtUtc = new Date(Date.now() - 3 * 3_600_000).toISOString()
    const stored: string[] = []
    for (const id of ['alone', 'one of two', 'two of two']) {
      const body = biomarker({ id, createdAtUtc })
      const { json } = await service.sahha(body, 'BiomarkerCreatedIntegrationEvent')
      stored.push(json.delivery_id ?? '')
    }
    // As if one transaction had stored the last two.
    const [one] = await service.db.query('select change_position from deliveries where delivery_id = $1', [
      stored[1],
    ])
    await service.db.query('update deliveries set change_position = $1 where delivery_id = $2', [
      one?.change_position,
      stored[2],
    ])
    const { text } = await visitor.get('/?vendor=sahha')
    const cells = stored.map((id) => {
      const [row = ''] = new RegExp(`<tr data-id="${id}">[^]*?</tr>`).exec(text) ?? []
      return ['lag', 'group'].map((name) => new RegExp(`number ${name}">([^<]*)<`).exec(row)?.[1])
    })
    expect(cells).toEqual([
      ['3 h', '1'],
      ['3 h', '2'],
      ['3 h', '2'],
    ])
  })

  it('counts refused requests by which header was wrong, without its value', async () => {
    await service.post('asleep', { 'x-api-key': 'wrong-key-of-somebody', 'x-user-id': USER }, session.body)
    await service.post('sahha', {}, session.body)
    const { text } = await visitor.get('/')
    expect(text).toContain('x-api-key does not match ASLEEP_API_KEYS')
    expect(text).toContain('no credential: x-signature and x-api-key missing')
    expect(text).not.toContain('wrong-key-of-somebody')
  })

  it('hides a body until it is asked for, and then logs who asked, without the content', async () => {
    const path = `/deliveries/${ids[session.name]}`
    const hidden = await visitor.get(path)
    expect(hidden.text).toContain('Show the body')
    expect(hidden.text).toContain('<code>sleep_sessions</code>')
    expect(hidden.text).not.toContain('sleep_efficiency')
    service.log.length = 0
    const shown = await visitor.post(`${path}/body`)
    expect(shown.text).toContain('&quot;sleep_efficiency&quot;')
    const raw = await visitor.post(`${path}/raw`)
    expect(raw.text).toBe(session.body.toString())
    expect(raw.headers['content-disposition']).toContain(`${ids[session.name]}.json`)
    const audit = service.log.map((line) => JSON.parse(line)).filter(({ msg }) => /body was/.test(msg))
    expect(audit.map(({ msg, delivery_id, session }) => [msg, delivery_id, typeof session])).toEqual([
      ['console: a body was shown', ids[session.name], 'string'],
      ['console: a body was downloaded', ids[session.name], 'string'],
    ])
  })

  it('says which paths of a rejected body are wrong, and how to send it again without a credential', async () => {
    const { text } = await visitor.post(`/deliveries/${ids.rejected}/body`)
    expect(text).toMatch(/<li><code>\/data\/session[^<]*<\/code>/)
    expect(text).toContain('class="fault"')
    expect(text).toMatch(/x-api-key: \$\{ASLEEP_API_KEYS%%,\*\}/)
    for (const secret of Object.values(environment)) expect(text).not.toContain(secret)
  })

  it('replays one delivery, first without writing', async () => {
    const { json } = await service.asleep(
      session.body.toString().replaceAll(USER, 'somebody'),
      'somebody else',
    )
    expect(json.code).toBe('user_mismatch')
    const path = `/deliveries/${json.delivery_id}`
    expect((await visitor.post(`${path}/replay`, { mode: 'dry' })).text).toContain('rejected → rejected')
    await service.db.query(
      `update deliveries set headers = headers || '{"x-user-id":"somebody"}' where delivery_id = $1`,
      [json.delivery_id],
    )
    expect((await visitor.post(`${path}/replay`, { mode: 'dry' })).text).toContain('rejected → stored')
    const outcome = () =>
      service.db.query('select outcome from deliveries where delivery_id = $1', [json.delivery_id])
    expect(await outcome()).toEqual([{ outcome: 'rejected' }])
    expect((await visitor.post(`${path}/replay`, { mode: 'real' })).text).toContain('rejected → stored')
    expect(await outcome()).toEqual([{ outcome: 'stored' }])
    expect(service.log.some((line) => line.includes('a delivery was replayed'))).toBe(true)
  })

  it('shows health values of a person only when asked, and logs a hash of the id', async () => {
    const hidden = await visitor.get(`/person?${new URLSearchParams({ id: USER })}`)
    expect(hidden.text).toContain('Show the health values')
    expect(hidden.text).not.toContain('<svg xmlns')
    service.log.length = 0
    const shown = await visitor.post('/person', { id: USER })
    expect(shown.text).toContain('<svg xmlns')
    expect(shown.text).not.toMatch(/<style/)
    const [line] = service.log.map((line) => JSON.parse(line)).filter(({ msg }) => /health values/.test(msg))
    expect(line).toMatchObject({ user: expect.stringMatching(/^[\da-f]{12}$/), session: expect.any(String) })
    expect((await visitor.get(`/people?${new URLSearchParams({ q: USER })}`)).headers.location).toContain(
      '/person?',
    )
    expect((await visitor.get('/people?q=nobody-at-all')).text).toContain('Nobody with this id')
  })

  it('shows what the last run of reconcile found at each vendor', async () => {
    expect((await visitor.get('/health')).text).toContain('nightpost reconcile asleep --dry-run')
    await service.db.query(`insert into reconcile_runs (run_id, vendor, started_by, only_some, began_at, finished_at,
      period_from, period_to, outcome, people, calls, missing, differing, pulled, kept, failures, behind, suspect_days)
      values (gen_random_uuid(), 'asleep', 'schedule', false, now(), now(), now(), now(), 'complete', 9, 8, 7, 6, 13, 0, 0, 0, 5)`)
    const { text } = await visitor.get('/health')
    expect(text.replaceAll(/<[^>]*>/g, ' ')).toMatch(/asleep +[\d: -]+complete\s+7\s+6\s+13\s+0\s+5/)
  })

  it('names every setting, and shows the value of none', async () => {
    const { text } = await visitor.get('/connect')
    for (const name of vendors.flatMap(({ credentials }) => Object.keys(credentials)))
      expect(text).toContain(name)
    for (const secret of [...Object.values(environment), TOKEN]) expect(text).not.toContain(secret)
  })

  it('answers what is not there with a page, and bad ids too', async () => {
    for (const path of ['/nothing', '/deliveries/17', '/deliveries/00000000-0000-7000-8000-000000000000'])
      expect([path, (await visitor.get(path)).status]).toEqual([path, 404])
  })

  it('shows neither bodies nor health values with CONSOLE_BODIES=off', async () => {
    const closed = await serviceOn(service.db, {
      CONSOLE_TOKEN: TOKEN,
      CONSOLE_BODIES: 'off',
      MAINTENANCE: 'off',
    })
    const guest = await loggedIn(closed)
    const path = `/deliveries/${ids[session.name]}`
    expect((await guest.get(path)).text).toContain('CONSOLE_BODIES=off')
    for (const [url, fields] of [[`${path}/body`], [`${path}/raw`], ['/person', { id: USER }]] as const)
      expect([url, (await guest.post(url, fields)).status]).toEqual([url, 404])
    expect((await guest.get('/health')).status).toBe(200)
    await Promise.all([closed.console?.close(), closed.app.close()])
  })
})

describe('an example of every event', () => {
  const events = vendors.flatMap((vendor) => vendor.events.map(({ name }) => ({ vendor, name })))
  it.each(events)('$vendor.name $name is authentic, and stored', ({ vendor, name }) => {
    const credentials = (setting: string) => [(environment as Record<string, string>)[setting] ?? '']
    for (const only of Object.keys(vendor.credentials)) {
      const own = (setting: string) => (setting === only ? credentials(setting) : [])
      const request = exampleOf(vendor, name, own)
      const headers = Object.fromEntries(
        Object.entries(request?.headers ?? {}).map(([header, value]) => [header.toLowerCase(), value]),
      )
      const body = Buffer.from(request?.body ?? '')
      const scheme = vendor.authenticator(own)?.authenticate(headers, body) ?? ''
      expect(judge(vendor, scheme, headers, body)).toMatchObject({
        outcome: 'stored',
        event: name,
        problem: null,
      })
    }
  })
})

describe('templates', () => {
  it('escape every value, in text and in attributes', () => {
    const bad = `<img src=x onerror="alert('1')">&`
    expect(html`<p title="${bad}">${[bad]}${null}${false}${0}</p>`.text).toBe(
      '<p title="&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;">&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;0</p>',
    )
  })

  it('lay out a body without a tag of it', () => {
    const body = { '<b>': ['<script>', { a: null }], list: [1, 2.5, true] }
    const text = bodyOf(JSON.stringify(body), new Map([['/list/1', 'must be <integer>']])).text
    expect(text).not.toMatch(/<script>|<b>|<integer>/)
    expect(text).toContain('<strong class="fault">must be &lt;integer&gt;</strong>')
    const deep = `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`
    expect(bodyOf(deep, new Map()).text).toContain('further levels')
    const exact = '9007199254740993'
    expect(bodyOf(`{"value": ${exact}, "list": [${exact}]}`, new Map()).text.split(exact)).toHaveLength(3)
    expect(bodyOf('{"cut', new Map()).text).toContain('{&quot;cut')
  })
})

describe('its settings', () => {
  it('are generated in development, kept, and never in production', () => {
    const config = readConfig({})
    expect(withConsoleToken(config, '/dev/null/nowhere').CONSOLE_TOKEN).toMatch(/^[\w-]{32}$/)
    expect(withConsoleToken(readConfig({ NODE_ENV: 'production' }), '.').CONSOLE_TOKEN).toBeUndefined()
    expect(withConsoleToken(readConfig({ CONSOLE_TOKEN: TOKEN }), '.').CONSOLE_TOKEN).toBe(TOKEN)
    expect(() => readConfig({ CONSOLE_TOKEN: 'short' })).toThrow('CONSOLE_TOKEN: its value is not allowed')
  })

  it('the build has the styles and the script', async () => {
    const styles = readFileSync(join(inject('build'), 'console/static/console.css'), 'utf8')
    expect((await visitorOf(service).get('/static/console.css')).text).toBe(styles)
  })
})
