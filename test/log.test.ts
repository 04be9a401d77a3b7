import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { biomarker, inference, USER } from './setup/bodies.ts'
import { ASLEEP_KEY, setup, type TestService } from './setup/service.ts'

let service: TestService
beforeAll(async () => {
  service = await setup({ LOG_ID_KEY: 'a key for the log' })
})
afterAll(() => service.close())

/** The request lines from this position of the log on. */
function lines(from: number) {
  return service.log
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
