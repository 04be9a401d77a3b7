import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { biomarker, dataLog } from '../setup/bodies.ts'
import { guardRequest } from '../setup/log-guard.ts'
import { metricsOf } from '../setup/metrics.ts'
import { ASLEEP_KEY, SAHHA_KEY, setup, signed, type TestService } from '../setup/service.ts'

const MB = 2 ** 20

let service: TestService
let port: number
const sockets: Socket[] = []
beforeAll(() => start())

async function start(overrides = {}) {
  service = await setup(overrides)
  await service.app.listen({ port: 0, host: '127.0.0.1' })
  port = (service.app.server.address() as AddressInfo).port
  return () => service.close()
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  // After each test no bytes may be counted any more.
  await expect.poll(() => countedBytes()).toEqual([0, 0])
})

async function countedBytes() {
  const { get } = await metricsOf(service.app)
  return [get('nightpost_in_flight_bytes', {}), get('nightpost_unproven_bytes', {})]
}

/** Opens a connection and sends `text`. */
function open(text: string | Buffer = ''): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(text)
  sockets.push(socket)
  return socket
}

const head = (...headers: string[]) =>
  `${['POST /webhooks/sahha HTTP/1.1', 'host: x', ...headers].join('\r\n')}\r\n\r\n`
const SIGNATURE = `x-signature: ${'f'.repeat(64)}`

/** Sends an authentic delivery over its own connection, chunked if `isChunked`, and returns the status. */
async function deliver(body: object, isChunked = false, more: Record<string, string> = {}): Promise<number> {
  const bytes = Buffer.from(JSON.stringify(body))
  const headers = { ...signed(bytes), ...(!isChunked && { 'content-length': `${bytes.length}` }), ...more }
  guardRequest(headers, bytes)
  const outgoing = request({ port, host: '127.0.0.1', path: '/webhooks/sahha', method: 'POST', headers })
  if (isChunked) outgoing.flushHeaders()
  outgoing.end(bytes)
  const [response] = await once(outgoing, 'response')
  response.resume()
  await once(response, 'end')
  return response.statusCode
}

const large = (id: string) =>
  dataLog(Array.from({ length: 200 }, (_, n) => ({ id: `${id}-${n}`, source: 'x'.repeat(100) })))

const codes = async (answers: Array<Promise<number>>) => [...new Set(await Promise.all(answers))]

describe('hostile connections do not block authentic deliveries', () => {
  const claims = (length: string) =>
    `GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n${head(SIGNATURE, `content-length: ${length}`)}{`

  it.each([
    ['reset', '99999999999999', (socket: Socket) => socket.resetAndDestroy()],
    ['ended', '99999999999999', (socket: Socket) => socket.end()],
    ['reset', `${10 * MB}`, (socket: Socket) => socket.resetAndDestroy()],
    ['ended', `${10 * MB}`, (socket: Socket) => socket.end()],
  ])('a pipelined request with an incomplete body, %s, content-length %s', async (_how, length, leave) => {
    for (let n = 0; n < 20; n += 1) {
      const socket = open(claims(length))
      await sleep(5)
      leave(socket)
    }
    await sleep(100)
    expect(await codes([deliver(large('claim'))])).toEqual([200])
  })

  it('200 sockets that send a content-length of 10 MiB and no body', async () => {
    for (let n = 0; n < 200; n += 1) open(head(SIGNATURE, `content-length: ${10 * MB}`))
    await sleep(100)
    expect(await codes(Array.from({ length: 20 }, (_, n) => deliver(large(`announced-${n}`))))).toEqual([200])
  })

  it('300 sockets that send 200 KB of an incomplete body', async () => {
    for (let n = 0; n < 300; n += 1) {
      open(
        Buffer.concat([
          Buffer.from(head(SIGNATURE, `content-length: ${10 * MB}`)),
          Buffer.alloc(200_000, 32),
        ]),
      )
    }
    const evicted = async () =>
      (await metricsOf(service.app)).get('nightpost_shed_requests_total', { reason: 'unproven' })
    await expect.poll(evicted).toBeGreaterThan(50)
    expect(await codes(Array.from({ length: 20 }, (_, n) => deliver(large(`unending-${n}`))))).toEqual([200])
    expect((await countedBytes())[1]).toBeLessThanOrEqual(33 * MB)
  })

  it('80 small chunked deliveries at the same time are all stored', async () => {
    const answers = Array.from({ length: 80 }, (_, n) =>
      deliver(biomarker({ id: `chunk-${n}`, category: 'c' }), true),
    )
    expect(await codes(answers)).toEqual([200])
  })

  it('a body of a hundred thousand one-byte chunks is stored', async () => {
    const body = Buffer.from(
      JSON.stringify(biomarker({ id: 'many-chunks', category: 'c', padding: 'x'.repeat(100_000) })),
    )
    guardRequest(signed(body), body)
    const socket = open(head(`x-signature: ${signed(body)['x-signature']}`, 'transfer-encoding: chunked'))
    const chunks = [...body].map((byte) => `1\r\n${String.fromCharCode(byte)}\r\n`).join('')
    socket.write(`${chunks}0\r\n\r\n`)
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toContain('"stored"')
  })
})

describe('an answer that is sent before the body is read', () => {
  /** Sends the whole body before it reads the answer, as simple clients do. */
  async function sendThenRead(headers: string[], bytes: number): Promise<string> {
    const socket = open(head(...headers))
    socket.pause()
    for (let left = bytes; left > 0 && !socket.destroyed; left -= MB) {
      if (!socket.write(Buffer.alloc(MB, 32)))
        await Promise.race([once(socket, 'drain'), once(socket, 'close')])
    }
    await sleep(50)
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    socket.resume()
    await Promise.race([once(socket, 'close'), sleep(6000)])
    return text
  }
  const KEY = [`x-api-key: ${SAHHA_KEY}`, 'x-user-id: u']

  it.each([
    ['413 to a valid key', [...KEY, `content-length: ${20 * MB}`], 20 * MB, 413],
    ['413 to a signature', [SIGNATURE, `content-length: ${20 * MB}`], 20 * MB, 413],
    ['401 to a wrong key', ['x-api-key: wrong', `content-length: ${8 * MB}`], 8 * MB, 401],
    ['401 to no credential', [`content-length: ${8 * MB}`], 8 * MB, 401],
  ])('%s reaches a client that sends its whole body first', async (_name, headers, bytes, status) => {
    const answer = await sendThenRead(headers, bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer.toLowerCase()).toContain('connection: close')
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status })
  })

  it('arrives at once if the client sends no body yet', async () => {
    for (const headers of [['x-api-key: wrong', `content-length: ${MB}`], [`content-length: ${20 * MB}`]]) {
      const socket = open(head(...headers))
      const answer = await Promise.race([once(socket, 'data'), sleep(1000)])
      expect(String(answer)).toMatch(/^HTTP\/1.1 4(01|13) /)
      socket.destroy()
    }
  })

  it('is 413 as soon as a chunked body exceeds the limit', async () => {
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MB, 32), Buffer.from('\r\n')])
    const socket = open(head(...KEY, 'transfer-encoding: chunked'))
    for (let n = 0; n < 16; n += 1) socket.write(chunk)
    socket.write('0\r\n\r\n')
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1.1 413 /)
  })

  it('does not close the connection if the body is small', async () => {
    const socket = open(`${head('x-api-key: wrong', 'content-length: 2')}{}`)
    expect(String(await once(socket, 'data'))).not.toContain('connection: close')
    socket.write(`${head('x-api-key: wrong', 'content-length: 2')}{}`)
    expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1.1 401 /)
  })
})

describe('gzip bodies', () => {
  const compressed = (id: string, length: number) => {
    const samples = Array.from({ length }, (_, n) => ({
      ...{ id: `${id}-${n}-${randomBytes(4).toString('hex')}`, value: Math.round(Math.random() * 1000) / 10 },
      ...{
        unit: 'count/min',
        source: 'com.apple.health',
        recordingMethod: 'automatic',
        deviceType: 'Watch6,1',
      },
      startDateTime: `2025-07-12T00:${String(n % 60).padStart(2, '0')}:00+12:00`,
      endDateTime: `2025-07-12T00:${String(n % 60).padStart(2, '0')}:30+12:00`,
      additionalProperties: { motionContext: 'sedentary', bodyPosition: 'unknown' },
    }))
    const body = dataLog(samples)
    const plain = Buffer.from(JSON.stringify(body))
    return { plain, gzip: gzipSync(plain) }
  }

  it('signed before compression prove their sender up to one unpacked megabyte', async () => {
    const { plain, gzip } = compressed('signed-first', 3000)
    expect(plain.length).toBeGreaterThan(0.8 * MB)
    expect(plain.length / gzip.length).toBeGreaterThan(8)
    const answer = await service.post('sahha', { ...signed(plain), 'content-encoding': 'gzip' }, gzip)
    expect(answer).toMatchObject({ status: 200, json: { outcome: 'stored' } })
  })

  it('of more than one unpacked megabyte must be signed after compression', async () => {
    const { plain, gzip } = compressed('too-long', 4000)
    const post = (proof: Record<string, string>) =>
      service.post('sahha', { ...proof, 'content-encoding': 'gzip' }, gzip)
    expect((await post(signed(plain))).status).toBe(401)
    expect((await post(signed(gzip))).status).toBe(200)
  })

  it('of unproven senders are unpacked only in part, and do not block authentic deliveries', async () => {
    const bomb = gzipSync(Buffer.alloc(9 * MB, 32))
    const post = () =>
      service.post('sahha', { 'x-signature': 'f'.repeat(64), 'content-encoding': 'gzip' }, bomb)
    const before = process.cpuUsage()
    const flood = Array.from({ length: 60 }, async () => (await post()).status)
    const authentic = Array.from({ length: 20 }, (_, n) =>
      deliver(biomarker({ id: `beside-${n}`, category: 'c' })),
    )
    expect(await codes(authentic)).toEqual([200])
    expect(await codes(flood)).toEqual([401])
    const { user, system } = process.cpuUsage(before)
    // Unpacking all 60 completely would take about three seconds.
    expect((user + system) / 1e6).toBeLessThan(2)
  })

  it('of proven senders count with their unpacked bytes', { timeout: 150_000 }, async () => {
    const close = await start({ MAX_IN_FLIGHT_BYTES: `${32 * MB}` })
    const body = gzipSync(`{"a":"${' '.repeat(9 * MB)}"}`)
    const post = async () =>
      (
        await service.post(
          'asleep',
          { 'x-api-key': ASLEEP_KEY, 'x-user-id': 'u-1', 'content-encoding': 'gzip' },
          body,
        )
      ).status
    // The lock prevents commits, so the memory of accepted bodies is not released.
    const lock = await service.db.lock('lock table deliveries in access exclusive mode')
    let most = 0
    const watching = setInterval(async () => {
      most = Math.max(most, (await countedBytes())[0] ?? 0)
    }, 50)
    const posts = Array.from({ length: 20 }, post)
    // Each is unpacked as far as the budget allows, two at a time.
    await expect
      .poll(
        async () => (await metricsOf(service.app)).get('nightpost_shed_requests_total', { reason: 'bytes' }),
        { timeout: 60_000, interval: 200 },
      )
      .toBeGreaterThan(12)
      .finally(() => clearInterval(watching))
    await lock.release()
    const answers = await Promise.all(posts)
    expect([...new Set(answers)].sort()).toEqual([200, 503])
    expect(most).toBeGreaterThan(9 * MB)
    expect(most).toBeLessThanOrEqual(32 * MB)
    await expect.poll(() => countedBytes()).toEqual([0, 0])
    expect(await post()).toBe(200)
    await close()
    await start()
  })
})

describe('pipelined requests of one connection', () => {
  it('more than 16: the connection is closed', async () => {
    const socket = open('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(400))
    await Promise.race([once(socket, 'close'), sleep(3000)])
    expect(socket.destroyed).toBe(true)
  })

  it('one after the other: any number is answered', async () => {
    const socket = open()
    for (let n = 0; n < 40; n += 1) {
      socket.write('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n')
      expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1.1 200 /)
    }
  })

  it('16: all are answered', async () => {
    const socket = open('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(16))
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    await expect.poll(() => text.match(/HTTP\/1.1 200 /g)?.length).toBe(16)
  })
})

describe('/metrics', () => {
  it('is rendered once for concurrent requests', async () => {
    // Wait until the cached rendering has expired.
    await sleep(1000)
    let renderings = 0
    const metrics = await import('prom-client')
    const original = metrics.Registry.prototype.metrics
    metrics.Registry.prototype.metrics = function () {
      renderings += 1
      return original.call(this)
    }
    try {
      const asking = Array.from({ length: 20 }, async () => {
        let text = ''
        const socket = open('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(16))
        socket.on('data', (data) => {
          text += data
        })
        await expect.poll(() => text.match(/HTTP\/1.1 200 /g)?.length).toBe(16)
      })
      await Promise.all(asking)
      expect(renderings).toBeGreaterThan(0)
      expect(renderings).toBeLessThan(60)
    } finally {
      metrics.Registry.prototype.metrics = original
    }
  })

  it('in production without METRICS_TOKEN answers only private addresses', async () => {
    const close = await start({ NODE_ENV: 'production', DATABASE_URL: 'postgres://unused' })
    const from = async (remoteAddress: string, headers = {}) =>
      (await service.app.inject({ url: '/metrics', remoteAddress, headers })).statusCode
    for (const address of ['127.0.0.1', '::1', '10.1.2.3', '172.18.0.1', '::ffff:192.168.1.1', 'fd00::1'])
      expect(await from(address), address).toBe(200)
    for (const address of ['203.0.113.9', '172.32.0.1', '2001:db8::1', '::ffff:8.8.8.8'])
      expect(await from(address), address).toBe(401)
    expect(await from('10.1.2.3', { 'x-forwarded-for': '203.0.113.9' })).toBe(401)
    const refused = await service.app.inject({ url: '/metrics', remoteAddress: '203.0.113.9' })
    expect(refused.json().detail).toContain('METRICS_TOKEN')
    expect((await service.app.inject('/docs/')).statusCode).toBe(404)
    expect((await service.app.inject('/openapi.json')).statusCode).toBe(200)
    await close()
    await start({ NODE_ENV: 'production', DATABASE_URL: 'postgres://unused', DOCS: 'on' })
    expect((await service.app.inject('/docs/')).statusCode).toBe(200)
    await service.close()
    await start()
  })
})
