import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { biomarker, inference, USER } from './setup/bodies.ts'
import { ASLEEP_KEY, setup, signed, type TestService } from './setup/service.ts'

let service: TestService
beforeAll(async () => {
  service = await setup({ BODY_LIMIT_BYTES: '4096' })
})
afterAll(() => service.close())

describe('a request that is not a delivery', () => {
  it.each([
    ['GET', '/nowhere', 404, 'not_found'],
    ['POST', '/webhooks/unknown', 404, 'not_found'],
    ['GET', '/webhooks/asleep', 405, 'method_not_allowed'],
    ['DELETE', '/webhooks/sahha?x=1', 405, 'method_not_allowed'],
    ['POST', '/health/live', 405, 'method_not_allowed'],
  ] as const)('%s %s gets %i %s', async (method, url, status, code) => {
    const answer = await service.app.inject({ method, url })
    expect(answer.statusCode).toBe(status)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toMatchObject({ status, code, type: expect.any(String), title: expect.any(String) })
    if (status === 405) expect(answer.headers.allow).toMatch(/POST|GET/)
  })

  it('gets 413 if its body is over the limit', async () => {
    const answer = await service.sahha(biomarker({ value: 'x'.repeat(5000) }))
    expect(answer).toMatchObject({ status: 413, json: { code: 'body_too_large' } })
  })

  it.each([
    ...[
      '/:a(',
      '/:a',
      '/*',
      '/webhooks/:x(',
      '/%',
      '/(',
      '/docs/../package.json',
      '/docs/%2e%2e/package.json',
    ],
    ...['/docs/:a(', '/docs/nothing.js'],
  ])('gets 404 at %s with every method', async (url) => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const) {
      expect((await service.app.inject({ method, url })).statusCode, method).toBe(404)
    }
  })

  it('gets a problem document if it is not HTTP', async () => {
    await service.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = service.app.server.address() as AddressInfo
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('NONSENSE\r\n\r\n'))
      let text = ''
      socket.on('data', (data) => {
        text += data
      })
      socket.on('end', () => resolve(text))
      socket.on('error', reject)
    })
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status: 400, code: 'bad_request' })
  })
})

it('closes the connection of a client that sends invalid HTTP and does not close its own side', async () => {
  const app = service.app
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const connections = () =>
    new Promise((resolve) => app.server.getConnections((_error, count) => resolve(count)))
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () =>
    socket.write('NONSENSE\r\n\r\n'),
  )
  socket.on('error', () => {})
  socket.resume()
  await new Promise((resolve) => socket.once('end', resolve))
  for (let tries = 0; (await connections()) !== 0 && tries < 100; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(await connections()).toBe(0)
  socket.destroy()
})

describe('an authentic body is judged as JSON with any Content-Type', () => {
  it.each([
    ...[
      undefined,
      '',
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonx',
      'nonsense',
      ';;=/',
    ],
    ...['multipart/form-data; boundary=x', 'application/json; charset=utf-8', 'APPLICATION/JSON'],
    ...['application/vnd.api+json', 'application/json; charset'],
  ])('%j', async (type) => {
    const body = biomarker({ id: `sent as ${type}`, category: 'c' })
    const headers = { ...signed(body), ...(type !== undefined && { 'content-type': type }) }
    const answer = await service.app.inject({
      ...{ method: 'POST', url: '/webhooks/sahha', headers, payload: Buffer.from(JSON.stringify(body)) },
    })
    expect(answer.json()).toMatchObject({ outcome: 'stored' })
    const [entry] = await service.db.query(
      `select headers->>'content-type' as type from deliveries where delivery_id = $1`,
      [answer.json().delivery_id],
    )
    expect(entry?.type ?? undefined).toBe(type)
  })

  it('text/plain that is not JSON is stored as rejected with malformed_json', async () => {
    const body = 'a text of Sahha'
    const answer = await service.post('sahha', { ...signed(body), 'content-type': 'text/plain' }, body)
    expect(answer).toMatchObject({ status: 400, json: { code: 'malformed_json' } })
    const entries = await service.db.query('select outcome from deliveries where delivery_id = $1', [
      answer.json.delivery_id,
    ])
    expect(entries).toEqual([{ outcome: 'rejected' }])
  })

  it('an invalid Content-Type changes no answer at other paths', async () => {
    for (const url of ['/nowhere', '/health/live']) {
      const headers = { 'content-type': ';;=/' }
      const answer = await service.app.inject({ method: 'POST', url, headers, payload: 'x' })
      expect([404, 405]).toContain(answer.statusCode)
    }
  })
})

describe('a database that is down', () => {
  it('makes webhooks and /health/ready answer 503, with Retry-After, and /health/live 200', async () => {
    const down = await setup()
    await down.db.drop()
    const answer = await down.post('asleep', { 'x-api-key': ASLEEP_KEY, 'x-user-id': USER }, inference())
    expect(answer).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    const ready = await down.app.inject('/health/ready')
    expect(ready.statusCode).toBe(503)
    expect(ready.json()).toMatchObject({ code: 'unavailable', detail: expect.stringContaining('database') })
    expect((await down.app.inject('/health/live')).statusCode).toBe(200)
    await down.app.close()
  })
})

it('/health/ready answers 200 if the database answers and its schema is current', async () => {
  expect((await service.app.inject('/health/ready')).statusCode).toBe(200)
})
