import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { biomarker, inference, USER } from '../setup/bodies.ts'
import { metricsOf } from '../setup/metrics.ts'
import { ASLEEP_KEY, SAHHA_KEY, setup, signed, type TestService } from '../setup/service.ts'

let service: TestService
afterEach(() => service.close())

describe('bytes in flight', () => {
  /** Starts a request with a valid key, sends `bytes` of its body, and leaves it open. */
  function begin(port: number, bytes: number, headers: Record<string, string | number> = {}) {
    const outgoing = request({
      ...{ port, host: '127.0.0.1', path: '/webhooks/sahha', method: 'POST' },
      headers: { 'x-api-key': SAHHA_KEY, 'x-user-id': 'user-1', ...headers },
    })
    outgoing.on('error', () => {})
    outgoing.write('x'.repeat(bytes))
    return outgoing
  }

  const status = async (body: object) => (await service.sahha(body)).status
  const inFlight = async () => (await metricsOf(service.app)).get('nightpost_in_flight_bytes', {})

  it('are limited: further deliveries get 503 until a client disconnects', async () => {
    service = await setup({ MAX_IN_FLIGHT_BYTES: String(2 ** 20) })
    await service.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = service.app.server.address() as AddressInfo
    const slow = begin(port, 2 ** 20 - 10_000, { 'content-length': 2 ** 20 })
    const large = biomarker({ value: 'x'.repeat(30_000), category: 'c' })
    await until(inFlight, (bytes) => bytes === 2 ** 20 - 10_000)
    const turnedAway = await service.sahha(large)
    expect(turnedAway.status).toBe(503)
    expect(turnedAway.json).toMatchObject({ code: 'unavailable' })
    expect(Number(turnedAway.headers['retry-after'])).toBeGreaterThan(0)
    expect(await status(biomarker({ id: 'small', category: 'c' }))).toBe(200)
    const { get } = await metricsOf(service.app)
    expect(get('nightpost_shed_requests_total', { reason: 'bytes' })).toBeGreaterThan(0)

    slow.destroy()
    await until(
      () => status(large),
      (code) => code === 200,
    )
    expect(await inFlight()).toBe(0)
  })

  it('are counted as they arrive, not as announced', async () => {
    service = await setup({ MAX_IN_FLIGHT_BYTES: String(2 ** 20), BODY_LIMIT_BYTES: String(2 ** 20) })
    await service.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = service.app.server.address() as AddressInfo
    const chunked = begin(port, 400)
    await until(inFlight, (bytes) => bytes === 400)
    expect(await status(biomarker({ value: 'x'.repeat(30_000), category: 'c' }))).toBe(200)
    chunked.destroy()
    await until(inFlight, (bytes) => bytes === 0)
  })

  it('may be exceeded by a single body', async () => {
    service = await setup({ MAX_IN_FLIGHT_BYTES: String(2 ** 20) })
    expect(await status(biomarker({ value: 'x'.repeat(3 * 2 ** 20), category: 'c' }))).toBe(200)
  })
})

describe('time limits', () => {
  it('answer 408 to headers and to a body that do not end', { timeout: 40_000 }, async () => {
    service = await setup()
    const { server } = service.app
    expect([server.headersTimeout, server.requestTimeout]).toEqual([10_000, 15_000])
    Object.assign(server, { headersTimeout: 500, requestTimeout: 1000 })
    await service.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = server.address() as AddressInfo
    const answers = ['POST /webhooks/sahha HTTP/1.1\r\nHost: x\r\n', `${head}{`].map(async (start) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(start))
      let answer = ''
      socket.on('data', (data) => {
        answer += data
      })
      await once(socket, 'close')
      return answer
    })
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  })

  const head = `POST /webhooks/sahha HTTP/1.1\r\nHost: x\r\nX-Signature: ${'f'.repeat(64)}\r\nContent-Length: 9\r\n\r\n`
})

describe('rate limits', () => {
  const send = (vendor: string, headers: Record<string, string>, remoteAddress = '192.0.2.1') =>
    service.app.inject({
      method: 'POST',
      url: `/webhooks/${vendor}`,
      headers: { 'content-type': 'application/json', ...headers },
      payload: vendor === 'asleep' ? inference() : biomarker({ category: 'c' }),
      remoteAddress,
    })
  const asleep = { 'x-api-key': ASLEEP_KEY, 'x-user-id': USER }

  it('are off by default', async () => {
    service = await setup()
    const answers = await Promise.all(Array.from({ length: 50 }, () => send('asleep', asleep)))
    for (const { statusCode } of answers) expect(statusCode).toBe(200)
  })

  it('of an address count all of its requests, and no others', async () => {
    service = await setup({ RATE_LIMIT_PER_ADDRESS: '3' })
    for (let n = 0; n < 3; n += 1) expect((await send('asleep', {})).statusCode).toBe(401)
    const refused = await send('asleep', asleep)
    expect(refused.statusCode).toBe(429)
    expect(refused.json()).toMatchObject({ code: 'too_many_requests', status: 429 })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect((await send('asleep', asleep, '192.0.2.2')).statusCode).toBe(200)
    expect((await service.app.inject({ url: '/health/live', remoteAddress: '192.0.2.1' })).statusCode).toBe(
      200,
    )
  })

  it('use X-Forwarded-For only from a trusted proxy', async () => {
    service = await setup({ RATE_LIMIT_PER_ADDRESS: '1', TRUST_PROXY: '10.0.0.0/8' })
    const from = (client: string) => ({ ...asleep, 'x-forwarded-for': client })
    expect((await send('asleep', from('198.51.100.1'), '10.0.0.1')).statusCode).toBe(200)
    expect((await send('asleep', from('198.51.100.2'), '10.0.0.1')).statusCode).toBe(200)
    expect((await send('asleep', from('198.51.100.1'), '10.0.0.1')).statusCode).toBe(429)
    expect((await send('asleep', from('198.51.100.3'), '192.0.2.9')).statusCode).toBe(200)
    expect((await send('asleep', from('198.51.100.4'), '192.0.2.9')).statusCode).toBe(429)
  })

  it.each([
    ['1', [200, 200, 429]],
    ['2', [200, 429, 429]],
    ['true', [200, 429, 429]],
    ['false', [200, 429, 429]],
  ])('with TRUST_PROXY=%s use the address that this number of proxies added', async (setting, codes) => {
    service = await setup({ RATE_LIMIT_PER_ADDRESS: '1', TRUST_PROXY: setting })
    // The sender wrote the first address, and the proxy added the second.
    const from = (client: string) => ({ ...asleep, 'x-forwarded-for': `203.0.113.9, ${client}` })
    const seen = []
    for (const client of ['198.51.100.1', '198.51.100.2', '198.51.100.2']) {
      seen.push((await send('asleep', from(client), '10.0.0.1')).statusCode)
    }
    expect(seen).toEqual(codes)
  })

  it('of a credential count only authentic deliveries, for each key and each vendor separately', async () => {
    service = await setup({ RATE_LIMIT_PER_CREDENTIAL: '2', ASLEEP_API_KEYS: `${ASLEEP_KEY},other-key` })
    const signature = signed(biomarker({ category: 'c' }))
    for (let n = 0; n < 5; n += 1) {
      expect((await send('sahha', { 'x-signature': 'f'.repeat(64) })).statusCode).toBe(401)
    }
    for (let n = 0; n < 2; n += 1) {
      expect((await send('asleep', asleep)).statusCode).toBe(200)
      expect((await send('sahha', signature)).statusCode).toBe(200)
    }
    expect((await send('asleep', asleep)).statusCode).toBe(429)
    expect((await send('sahha', signature)).statusCode).toBe(429)
    expect((await send('asleep', { ...asleep, 'x-api-key': 'other-key' })).statusCode).toBe(200)
    expect((await send('sahha', { 'x-api-key': SAHHA_KEY, 'x-user-id': 'user-1' })).statusCode).toBe(200)
  })
})

async function until<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const answer = await ask()
    if (holds(answer)) return answer
    if (tries > 200) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
