import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { biomarker, inference, USER } from './setup/bodies.ts'
import { ASLEEP_KEY, SAHHA_KEY, setup, signed, type TestService } from './setup/service.ts'

let service: TestService
beforeAll(async () => {
  service = await setup({ BODY_LIMIT_BYTES: '4096' })
})
afterAll(() => service.close())

describe('what is not kept', () => {
  it.each([
    ['GET', '/nowhere', 404, 'not_found'],
    ['POST', '/webhooks/unknown', 404, 'not_found'],
    ['GET', '/webhooks/asleep', 405, 'method_not_allowed'],
    ['DELETE', '/webhooks/sahha?x=1', 405, 'method_not_allowed'],
    ['POST', '/health/live', 405, 'method_not_allowed'],
  ] as const)('%s %s is %i %s', async (method, url, status, code) => {
    const answer = await service.app.inject({ method, url })
    expect(answer.statusCode).toBe(status)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toMatchObject({ status, code, type: expect.any(String), title: expect.any(String) })
    if (status === 405) expect(answer.headers.allow).toMatch(/POST|GET/)
  })

  it('a body over the limit is 413', async () => {
    const answer = await service.sahha(biomarker({ value: 'x'.repeat(5000) }))
    expect(answer).toMatchObject({ status: 413, json: { code: 'body_too_large' } })
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'nonsense'])(
    '%s is 415',
    async (type) => {
      const headers = { 'content-type': type, 'x-api-key': SAHHA_KEY, 'x-user-id': 'user-1' }
      expect(await service.post('sahha', headers, biomarker())).toMatchObject({
        status: 415,
        json: { code: 'unsupported_media_type' },
      })
    },
  )

  it.each(['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/vnd.api+json'])(
    '%s is JSON',
    async (type) => {
      const body = biomarker({ id: type })
      expect(await service.post('sahha', { ...signed(body), 'content-type': type }, body)).toMatchObject({
        status: 200,
      })
    },
  )

  it('bytes that are no HTTP request get a problem document', async () => {
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

it('lets go of a client that sends nonsense and keeps its side open', async () => {
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

describe('unavailable', () => {
  it('answers 503 with Retry-After while the database does not, and keeps nothing', async () => {
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

  it('is ready once the database answers and its schema is current', async () => {
    expect((await service.app.inject('/health/ready')).statusCode).toBe(200)
  })
})
