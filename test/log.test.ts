import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Authenticator, Vendor } from '../src/contract/vendor.ts'
import { refusalOf } from '../src/ingest/refusal.ts'
import { vendors } from '../src/vendors/index.ts'
import { biomarker, inference, USER } from './setup/bodies.ts'
import { ASLEEP_KEY, SAHHA_KEY, setup, type TestService } from './setup/service.ts'

let service: TestService
beforeAll(async () => {
  service = await setup({ LOG_ID_KEY: 'a key for the log' })
})
afterAll(() => service.close())

/** The request lines from this position of the log on. */
function lines(from: number, { log } = service) {
  return log
    .slice(from)
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === 'request')
}

describe('the request log', () => {
  it('has one line for each request, with delivery, outcome and duration', async () => {
    const from = service.log.length
    const { json } = await service.asleep(inference(), USER)
    expect(lines(from)).toEqual([
      expect.objectContaining({
        level: 30,
        method: 'POST',
        route: '/webhooks/asleep',
        status: 200,
        vendor: 'asleep',
        event: 'INFERENCE_COMPLETE',
        outcome: 'stored',
        delivery_id: json.delivery_id,
        ms: expect.any(Number),
        user: expect.stringMatching(/^[\da-f]{12}$/),
      }),
    ])
  })

  it('has the same hash for the same user, and another for another user', async () => {
    const from = service.log.length
    await service.asleep(inference(), USER)
    await service.asleep(inference({ session_id: 's2' }), USER)
    await service.sahha(biomarker({ category: 'c' }))
    const users = lines(from).map(({ user }) => user)
    expect(users[0]).toBe(users[1])
    expect(users[2]).not.toBe(users[0])
    expect(service.log.join('')).not.toContain(USER)
  })

  it('warns of a refused credential, and has the problem code of a rejected body', async () => {
    const from = service.log.length
    await service.post('asleep', { 'x-api-key': 'nobody' }, inference())
    await service.post('asleep', { 'x-api-key': ASLEEP_KEY }, inference({ seq_num: 3 }))
    expect(lines(from)).toEqual([
      expect.objectContaining({ level: 40, status: 401, route: '/webhooks/asleep' }),
      expect.objectContaining({ level: 30, status: 400, outcome: 'rejected', code: 'missing_user_id' }),
    ])
  })

  it('does not contain a path that has no route', async () => {
    const from = service.log.length
    await service.app.inject('/users/G-20250115-secret?key=abc')
    expect(lines(from)).toEqual([expect.objectContaining({ route: null, status: 404 })])
    expect(service.log.slice(from).join('')).not.toContain('secret')
  })
})

describe('the line of a refused request', () => {
  const WRONG = '0'.repeat(64)
  it.each([
    ['asleep', {}, 'x-api-key is missing'],
    ['asleep', { 'x-api-key': '' }, 'x-api-key is missing'],
    ['asleep', { 'x-api-key': 'somebody' }, 'x-api-key does not match'],
    ['sahha', {}, 'x-signature and x-api-key are missing'],
    ['sahha', { 'x-signature': WRONG }, 'x-signature does not match'],
    ['sahha', { 'x-signature': `sha256=${WRONG}` }, 'x-signature is not 64 hex digits'],
    ['sahha', { 'x-signature': 'somebody' }, 'x-signature is not 64 hex digits'],
    ['sahha', { 'x-api-key': 'somebody' }, 'x-api-key does not match'],
    ['sahha', { 'x-signature': WRONG, 'x-api-key': SAHHA_KEY }, 'x-signature does not match'],
    ['sahha', { 'x-signature': WRONG, 'x-api-key': 'somebody' }, 'x-api-key does not match'],
  ] as const)('of %s with %j says that %s', async (vendor, headers, reason) => {
    const from = service.log.length
    expect((await service.post(vendor, headers, inference())).status).toBe(401)
    expect(lines(from)).toEqual([expect.objectContaining({ level: 40, status: 401, vendor, reason })])
  })

  it.each([
    [
      'SAHHA_WEBHOOK_SECRETS',
      'x-api-key',
      'x-signature is missing; x-api-key is not accepted, because SAHHA_API_KEYS is not set',
    ],
    [
      'SAHHA_API_KEYS',
      'x-signature',
      'x-api-key is missing; x-signature is not accepted, because SAHHA_WEBHOOK_SECRETS is not set',
    ],
  ])('says with only %s configured and only %s sent: %s', (configured, header, reason) => {
    const credentials = (name: string) => (name === configured ? ['any'] : [])
    const sahha = vendors.find(({ name }) => name === 'sahha') as Vendor
    const authenticator = sahha.authenticator(credentials) as Authenticator
    expect(refusalOf(sahha, credentials, authenticator, { [header]: 'any' })).toEqual({
      label: `${header} not configured`,
      reason,
    })
  })

  it('and of every request that is no delivery is written 30 times a minute; the rest is counted', async () => {
    const own = await setup()
    for (let n = 0; n < 35; n += 1) {
      await own.post('asleep', { 'x-api-key': 'somebody' }, inference())
      await own.app.inject(`/nothing-${n}`)
      await own.asleep(inference({ session_id: `s${n}` }), USER)
    }
    await own.post('asleep', {}, inference())
    await own.close()
    const reasons = lines(0, own).map(({ status, reason = null }) => `${status} ${reason}`)
    const times = (one: string) => reasons.filter((each) => each === one).length
    expect(times('401 x-api-key does not match')).toBe(30)
    expect(times('401 x-api-key is missing')).toBe(1)
    expect(times('404 null')).toBe(30)
    expect(times('200 null')).toBe(35)
    const rest = own.log.map((line) => JSON.parse(line)).filter(({ count }) => count !== undefined)
    expect(rest).toEqual([
      expect.objectContaining({ level: 40, status: 401, reason: 'x-api-key does not match', count: 5 }),
      expect.objectContaining({ level: 30, status: 404, route: null, count: 5 }),
    ])
  })
})

describe('the line of an event that no vendor declares', () => {
  it.each([
    ['ActivityLog_Received', 'ActivityLog_Received'],
    ['insight.created-v2', 'insight.created-v2'],
    ['x'.repeat(64), 'x'.repeat(64)],
    ['x'.repeat(65), '*'],
    ['somebody@example.org', '*'],
    ['a diagnosis in words', '*'],
    ['2025-01-15', '*'],
    ['a","level":60,"b":"', '*'],
  ])('names %j as %s', async (event, shown) => {
    const from = service.log.length
    expect((await service.sahha(biomarker({ id: event, category: 'c' }), event)).json.outcome).toBe(
      'unrecognised',
    )
    expect(lines(from)).toEqual([expect.objectContaining({ event: shown, outcome: 'unrecognised' })])
  })

  it('has null for an event without a name', async () => {
    const from = service.log.length
    await service.asleep({ user_id: USER }, USER)
    expect(lines(from)).toEqual([expect.objectContaining({ event: null, outcome: 'unrecognised' })])
  })
})
