import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { faultsIn } from '../src/tools/simulate/serve/fault-text.ts'
import { startVendors, type Vendors } from '../src/tools/simulate/serve/vendors.ts'
import type { SimulatedDelivery } from '../src/tools/simulate/simulated-delivery.ts'
import { simulateLossyTraffic, simulateTraffic, type TrafficOptions } from '../src/tools/simulate/traffic.ts'

const options: TrafficOptions = {
  seed: 'vendors',
  users: 5,
  nights: 15,
  until: '2025-11-03',
  duplicates: 0,
  invalid: 0,
  shuffle: false,
  reanalysed: 0.1,
  sendReanalysed: true,
}

let vendors: Vendors
let deliveries: SimulatedDelivery[]
beforeAll(async () => {
  vendors = await startVendors(options)
  deliveries = simulateTraffic(options).flat()
})
afterEach(() => {
  vendors.setFaults({})
  vendors.forgetCalls()
})
afterAll(() => vendors.close())

/** A request to Asleep. */
function asleep(path: string, user: string, headers: Record<string, string> = {}) {
  const { asleepKey } = vendors.credentials
  return fetch(`${vendors.asleepUrl}${path}`, {
    headers: { 'x-api-key': asleepKey, 'x-user-id': user, ...headers },
  })
}

async function newToken(): Promise<string> {
  const { sahhaClientId: clientId, sahhaClientSecret: clientSecret } = vendors.credentials
  const response = await fetch(`${vendors.sahhaUrl}/api/v1/oauth/account/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ clientId, clientSecret }),
  })
  const { accountToken, expiresIn } = (await response.json()) as { accountToken: string; expiresIn: number }
  expect(expiresIn).toBe(86_400)
  return accountToken
}

/** A request to Sahha. */
const sahha = (path: string, token: string, scheme = 'account') =>
  fetch(`${vendors.sahhaUrl}/api/v1${path}`, { headers: { authorization: `${scheme} ${token}` } })

// biome-ignore lint/suspicious/noExplicitAny: the bodies of the vendors
const json = async (response: Promise<Response>): Promise<any> => (await response).json()

const kindsOf = (kind: string) => deliveries.filter((delivery) => delivery.kind === kind)

/** The data of a SESSION_COMPLETE in the form of V3, whatever its envelope. */
function dataOf({ body }: SimulatedDelivery) {
  const parsed = JSON.parse(body)
  const { user_id, session_id, sleep_data, ...own } = parsed.data ?? parsed.callback_data
  return { user: user_id, version: parsed.version ?? parsed.callback_version, result: sleep_data ?? own }
}

/** The last version of each record, by id, in the order of sending. */
function finalOf<T>(list: T[], id: (record: T) => string): Map<string, T> {
  return new Map(list.map((record) => [id(record), record]))
}

const listOf = async (user: string, query: string, headers = {}) =>
  (await json(asleep(`/data/v1/sessions?${query}`, user, headers))).result.sleep_session_list

describe('the simulated Asleep', () => {
  it('has each session as its last SESSION_COMPLETE, with times in the zone that is asked for', async () => {
    const last = finalOf(kindsOf('SESSION_COMPLETE').map(dataOf), ({ result }) => result.session.id)
    expect(last.size).toBeGreaterThan(70)
    for (const { user, version, result } of last.values()) {
      const headers = { timezone: result.timezone }
      const answer = await json(asleep(`/data/v3/sessions/${result.session.id}`, user, headers))
      if (version) expect(answer).toEqual({ detail: 'success', result })
      // The first version has other names and fewer fields.
      else {
        const { session, stat } = answer.result
        const { osa_stages, ...known } = result.session
        expect({ stat, session }).toMatchObject({ stat: result.stat, session: known })
        expect(session.breath_stages).toEqual(osa_stages)
      }
      expect(JSON.stringify(answer.result)).toContain(JSON.stringify(result.stat))
    }
  })

  it('lists the sessions of a user page by page', async () => {
    const [user = ''] = [
      ...new Set(kindsOf('SESSION_COMPLETE').map((delivery) => delivery.user ?? '')),
    ].slice(-1)
    const all = await listOf(user, 'limit=100')
    const complete = new Set(
      kindsOf('SESSION_COMPLETE')
        .filter((delivery) => delivery.user === user)
        .map((delivery) => dataOf(delivery).result.session.id),
    )
    expect(all).toHaveLength(complete.size + 1)
    expect(all[0]).toMatchObject({ state: 'OPEN', session_end_time: null, time_in_bed: null })
    expect(
      all
        .slice(1)
        .map((entry: { session_id: string }) => entry.session_id)
        .sort(),
    ).toEqual([...complete].sort())
    const pages = [
      await listOf(user, 'limit=10&order_by=ASC'),
      await listOf(user, 'limit=10&offset=10&order_by=ASC'),
    ]
    expect(pages.flat()).toEqual(all.toReversed().slice(0, 20))
    expect((await asleep('/data/v1/sessions', user, { timezone: 'Mars/Base' })).status).toBe(400)
    expect((await asleep('/data/v1/sessions?limit=101', user)).status).toBe(422)
  })

  it('selects sessions by the date of the start in the zone that is asked for', async () => {
    // Her nights begin on another day in UTC.
    const user = deliveries[0]?.user ?? ''
    const timezone = 'America/New_York'
    const all = await listOf(user, 'limit=100', { timezone })
    const dateOf = (entry: { session_start_time: string }) => entry.session_start_time.slice(0, 10)
    const day = dateOf(all[5])
    const ofDay = await listOf(user, `date_gte=${day}&date_lte=${day}`, { timezone })
    expect(ofDay).toEqual(all.filter((entry: { session_start_time: string }) => dateOf(entry) === day))
    expect(await listOf(user, `date_gte=${day}&date_lte=${day}`)).not.toEqual(ofDay)
  })

  it('has a session in progress with its stages so far', async () => {
    const open = [...new Set(deliveries.map(({ user }) => user))].at(-1) ?? ''
    const [entry] = await listOf(open, 'limit=1')
    const { result } = await json(asleep(`/data/v3/sessions/${entry.session_id}`, open))
    expect(result).toMatchObject({
      peculiarities: ['IN_PROGRESS'],
      stat: null,
      session: { state: 'OPEN', end_time: null },
    })
    expect(result.session.sleep_stages).toHaveLength(entry.last_received_seq_num + 1)
  })

  it('has averages of at most 100 days, which tell when each session was analysed last', async () => {
    const first = dataOf(kindsOf('SESSION_COMPLETE')[0] as SimulatedDelivery)
    const path = `/data/v1/users/${first.user}/average-stats`
    const period = 'start_date=2025-07-28&end_date=2025-11-03'
    const { result } = await json(asleep(`${path}?${period}`, first.user))
    const own = kindsOf('SESSION_COMPLETE').filter(({ user }) => user === first.user)
    const last = finalOf(own, (delivery) => dataOf(delivery).result.session.id)
    const slept = [...last].filter(([, delivery]) => dataOf(delivery).result.stat?.sleep_time)
    expect(result.slept_sessions.map(({ id }: { id: string }) => id).sort()).toEqual(
      slept.map(([id]) => id).sort(),
    )
    for (const { id, completed_time, time_in_deep } of result.slept_sessions) {
      const delivery = last.get(id) as SimulatedDelivery
      expect(Math.abs(Date.parse(completed_time) - delivery.sentAt)).toBeLessThan(1000)
      expect(time_in_deep).toBe(dataOf(delivery).result.stat.time_in_deep)
    }
    expect(result.average_stats.time_in_bed).toBeGreaterThan(3600)
    vendors.setFaults({ briefAverages: true })
    const brief = await json(asleep(`${path}?${period}`, first.user))
    expect(Object.keys(brief.result.slept_sessions[0])).toEqual(['session_id', 'session_start_time'])
    expect((await asleep(`${path}?start_date=2025-07-01&end_date=2025-11-03`, first.user)).status).toBe(400)
  })

  it('refuses a wrong key and knows no stranger', async () => {
    const user = deliveries[0]?.user ?? ''
    expect((await asleep('/data/v1/sessions', user, { 'x-api-key': 'wrong' })).status).toBe(401)
    expect((await asleep('/data/v1/sessions', 'stranger')).status).toBe(404)
    expect((await asleep('/data/v3/sessions/none', user)).status).toBe(404)
    expect((await asleep('/data/v1/users/stranger/average-stats', user)).status).toBe(404)
  })
})

describe('the simulated Sahha', () => {
  it('has each record as its last delivery, without the fields that the API lacks', async () => {
    const token = await newToken()
    const categories = 'categories=activity&categories=sleep,vitals,body'
    const paths = {
      ScoreCreatedIntegrationEvent: (user: string) => `/profile/score/${user}`,
      BiomarkerCreatedIntegrationEvent: (user: string) => `/profile/biomarker/${user}?${categories}`,
      ArchetypeCreatedIntegrationEvent: (user: string) => `/profile/archetypes/${user}`,
    }
    for (const [kind, path] of Object.entries(paths)) {
      const bodies = kindsOf(kind).map(({ body }) => JSON.parse(body))
      const users = new Set<string>(bodies.map(({ externalId }) => externalId))
      const rows = (await Promise.all([...users].map((user) => json(sahha(path(user), token))))).flat()
      const last = finalOf(bodies, ({ id }) => id)
      expect(rows).toHaveLength(last.size)
      for (const row of rows) {
        const { profileId, accountId, externalId, ...sent } = last.get(row.id)
        if (kind.startsWith('Biomarker'))
          for (const lacking of ['createdAtUtc', 'version']) delete sent[lacking]
        expect(JSON.stringify(row)).toBe(JSON.stringify(sent))
      }
    }
  })

  it('selects by type, category, name and period', async () => {
    const token = await newToken()
    const user = kindsOf('ScoreCreatedIntegrationEvent')[0]?.user ?? ''
    const day = 'startDateTime=2025-11-01T00:00:00&endDateTime=2025-11-01T23:59:59'
    const scores = await json(sahha(`/profile/score/${user}?types=sleep&types=activity&${day}`, token))
    expect(new Set(scores.map(({ type }: { type: string }) => type))).toEqual(new Set(['sleep', 'activity']))
    expect(scores.length).toBeLessThanOrEqual(4)
    const vitals = await json(sahha(`/profile/biomarker/${user}?categories=vitals`, token))
    expect(new Set(vitals.map(({ category }: { category: string }) => category))).toEqual(new Set(['vitals']))
    const archetypes = await json(
      sahha(`/profile/archetypes/${user}?name=chronotype&periodicity=weekly`, token),
    )
    expect(archetypes.length).toBeGreaterThan(0)
    expect((await sahha(`/profile/biomarker/${user}`, token)).status).toBe(400)
    expect((await sahha('/profile/score/stranger', token)).status).toBe(404)
  })

  it('answers 204 or an empty list where there is nothing', async () => {
    const token = await newToken()
    const users = [...new Set(kindsOf('ScoreCreatedIntegrationEvent').map(({ user }) => user))]
    const answers = await Promise.all(
      users.map((user) => sahha(`/profile/score/${user}?startDateTime=2030-01-01`, token)),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 204]))
  })

  it('pages through all profiles', async () => {
    const token = await newToken()
    const page = (number: number) =>
      json(sahha(`/account/profile/search?currentPage=${number}&pageSize=2`, token))
    const pages = [await page(0), await page(1), await page(2)]
    expect(pages[0]).toMatchObject({ totalCount: 5, totalPages: 3, currentPage: 0 })
    const items = pages.flatMap(({ items }) => items)
    expect(new Set(items.map(({ externalId }) => externalId)).size).toBe(5)
    expect(items[0].dataLastReceivedAtUtc).toMatch(/^2025-11-0\d/)
  })

  it('wants a token of its own scheme, and another one after it expired', async () => {
    const token = await newToken()
    expect((await sahha('/account/profile/search', token, 'Bearer')).status).toBe(500)
    expect((await sahha('/account/profile/search', 'wrong')).status).toBe(401)
    vendors.setFaults({ expireTokenAfter: 2 })
    const next = await newToken()
    const statuses = []
    for (let at = 0; at < 3; at += 1) statuses.push((await sahha('/account/profile/search', next)).status)
    expect(statuses).toEqual([200, 200, 401])
    expect((await sahha('/account/profile/search', await newToken())).status).toBe(200)
  })
})

describe('a fault', () => {
  const user = () => deliveries[0]?.user ?? ''
  const list = () => asleep('/data/v1/sessions', user())

  it('of a share comes for the same requests again, and for no others', async () => {
    const statuses = async () => {
      const again = await startVendors({ ...options, users: 1, faults: { error: 0.4 } })
      const key = again.credentials.asleepKey
      const all = []
      for (let at = 0; at < 20; at += 1) {
        const response = await fetch(`${again.asleepUrl}/data/v1/sessions?offset=${at % 4}`, {
          headers: { 'x-api-key': key, 'x-user-id': user() },
        })
        all.push(response.status)
      }
      await again.close()
      return all
    }
    const first = await statuses()
    expect(new Set(first)).toEqual(new Set([200, 500]))
    expect(await statuses()).toEqual(first)
  })

  it('can be a broken connection, before or within the answer', async () => {
    vendors.setFaults({ reset: 1 })
    const forms = new Set<string>()
    for (let at = 0; at < 12 && forms.size < 2; at += 1) {
      const response = await list().catch(() => null)
      if (response) await expect(response.text()).rejects.toThrow()
      forms.add(response ? 'within' : 'before')
    }
    expect(forms).toEqual(new Set(['before', 'within']))
  })

  it('can be a body that is no JSON, although the status is 200', async () => {
    vendors.setFaults({ malformed: 1 })
    const response = await list()
    expect(response.status).toBe(200)
    await expect(response.json()).rejects.toThrow()
  })

  it('can be a refusal that names rate, quota or plan', async () => {
    vendors.setFaults({ rate: 1 })
    const refused = await list()
    expect({ status: refused.status, body: await refused.json() }).toEqual({
      ...{ status: 403, body: { detail: 'Rate limit exceeded' } },
    })
    vendors.setFaults({ quotaAfter: 1 })
    expect([(await list()).status, await json(list())]).toEqual([200, { detail: 'Quota exceeded' }])
    vendors.setFaults({ planAfter: 0 })
    expect(await json(list())).toEqual({ detail: 'Plan expired' })
    const token = await newToken()
    vendors.setFaults({ rate: 1 })
    const limited = await sahha('/account/profile/search', token)
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '1'])
  })

  it('can be a 204 where Sahha has data, and at its lists only', async () => {
    const token = await newToken()
    vendors.setFaults({ empty: 1 })
    expect((await sahha(`/profile/score/${user()}`, token)).status).toBe(204)
    expect((await sahha('/account/profile/search', token)).status).toBe(200)
  })

  it('can be a page that is shorter than asked for, after which more follow', async () => {
    const all = await listOf(user(), 'limit=100')
    vendors.setFaults({ partialPages: 1 })
    const pages = [await listOf(user(), 'limit=10'), await listOf(user(), 'limit=10&offset=5')]
    expect(pages.flat()).toEqual(all.slice(0, 10))
    const page = await json(sahha('/account/profile/search?pageSize=100', await newToken()))
    expect(page).toMatchObject({ items: { length: 3 }, totalCount: 5, totalPages: 2 })
  })

  it('is none by default; requests are counted, and how many at once', async () => {
    const other = await startVendors({ ...options, users: 1, nights: 1, latencyMs: 50 })
    const path = `${other.asleepUrl}/data/v1/sessions`
    await Promise.all([1, 2, 3, 4].map(() => fetch(path)))
    expect(other.maxConcurrent()).toBe(4)
    expect(other.requests.map(({ fault, status }) => `${fault} ${status}`)).toEqual(Array(4).fill('null 401'))
    await other.close()
  })

  it('can be an answer that comes late', async () => {
    vendors.setFaults({ slow: 1, slowMs: 100 })
    const started = performance.now()
    const answers = await Promise.all([list(), list(), list()])
    expect(performance.now() - started).toBeGreaterThanOrEqual(99)
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(vendors.calls()).toEqual({ 'asleep GET /data/v1/sessions': 3 })
    expect([vendors.maxConcurrent(), vendors.maxConcurrent('sahha')]).toEqual([3, 0])
    expect(vendors.requests.map(({ fault, status }) => `${fault} ${status}`)).toEqual(
      Array(3).fill('slow 200'),
    )
  })
})

it('faults are read from a list, and a wrong one is named', () => {
  expect(faultsIn('500=0.05,204=1,partial-pages=0.5,quota-after=100,brief-averages')).toEqual({
    ...{ error: 0.05, empty: 1, partialPages: 0.5, quotaAfter: 100, briefAverages: true },
  })
  expect(() => faultsIn('rate=2')).toThrow('rate needs a share from 0 to 1')
  expect(() => faultsIn('reset')).toThrow('reset needs a share')
  expect(() => faultsIn('expire-token=1.5')).toThrow('needs a whole number')
  expect(() => faultsIn('toString=1')).toThrow('no fault "toString"')
})

describe('deliveries', () => {
  const plain = { ...options, users: 3, nights: 8, sendReanalysed: false }
  const bodies = (traffic: TrafficOptions) =>
    simulateTraffic(traffic).map((sequence) => sequence.map(({ body }) => body))

  it('are withheld with their repetitions, the same ones for the same options', () => {
    const disturbed = { ...plain, duplicates: 0.2, invalid: 0.1 }
    const lossy = simulateLossyTraffic({ ...disturbed, drop: 0.1 })
    const lost = new Set(lossy.withheld.map(({ body }) => body))
    expect(simulateLossyTraffic({ ...disturbed, drop: 0.1 })).toEqual(lossy)
    expect(lossy.sequences.map((sequence) => sequence.map(({ body }) => body))).toEqual(
      bodies(disturbed).map((sequence) => sequence.filter((body) => !lost.has(body))),
    )
    const valid = simulateTraffic(plain).flat().length
    expect(lost.size / valid).toBeGreaterThan(0.08)
    expect(lost.size / valid).toBeLessThan(0.12)
  })

  it('tell of later analyses only if they are to, and the vendor knows them all the same', async () => {
    const all = { ...plain, reanalysed: 0.5, without: ['INFERENCE_COMPLETE'] }
    const told = simulateTraffic({ ...all, sendReanalysed: true }).flat()
    const untold = new Set(bodies(all).flat())
    const later = told.filter(({ body }) => !untold.has(body))
    expect(later.length).toBeGreaterThan(5)
    expect(told.length - later.length).toBe(untold.size)
    const other = await startVendors({ ...all, reanalysed: 0 })
    const change = later.map(dataOf).find(({ version }) => version) ?? dataOf(later[0] as SimulatedDelivery)
    const answered = async () => {
      const headers = {
        ...{ 'x-api-key': other.credentials.asleepKey, 'x-user-id': change.user },
        timezone: change.result.timezone,
      }
      const path = `${other.asleepUrl}/data/v3/sessions/${change.result.session.id}`
      return (await json(fetch(path, { headers }))).result
    }
    expect(await answered()).not.toEqual(change.result)
    other.setTraffic(all)
    expect(await answered()).toEqual(change.result)
    await other.close()
  })

  it('can be of one version, without some events, and of final values only', () => {
    const few = simulateTraffic({
      ...{ ...plain, callbackVersion: 'V3', finalOnly: true },
      without: ['INFERENCE_COMPLETE', 'DataLogReceivedIntegrationEvent'],
    }).flat()
    expect(new Set(few.map(({ kind }) => kind))).toEqual(
      new Set(
        ['SESSION_COMPLETE', 'Score', 'Biomarker', 'Archetype'].map((name) =>
          name.includes('_') ? name : `${name}CreatedIntegrationEvent`,
        ),
      ),
    )
    const sahhaBodies = few.filter(({ vendor }) => vendor === 'sahha').map(({ body }) => JSON.parse(body))
    expect(new Set(sahhaBodies.map(({ id }) => id)).size).toBe(sahhaBodies.length)
    const last = finalOf(
      simulateTraffic(plain)
        .flat()
        .filter(({ kind }) => kind === 'ScoreCreatedIntegrationEvent'),
      ({ body }) => JSON.parse(body).id,
    )
    const sent = new Set(few.map(({ body }) => body))
    expect([...last.values()].filter(({ body }) => !sent.has(body))).toEqual([])
    const versions = few
      .filter(({ vendor }) => vendor === 'asleep')
      .map(({ body }) => JSON.parse(body).version)
    expect(new Set(versions)).toEqual(new Set(['V3']))
  })
})
