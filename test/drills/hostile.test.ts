import { createHash } from 'node:crypto'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { biomarker } from '../setup/bodies.ts'
import { type Fixture, fixtures } from '../setup/fixtures.ts'
import { withoutEvent } from '../setup/log-guard.ts'
import { type Answer, ASLEEP_KEY, SAHHA_KEY, setup, signed, type TestService } from '../setup/service.ts'

/** Part of every value that is sent. It must appear in no answer and no log line. */
const MARKER = 'QZ7marker'

let service: TestService
let port: number
beforeAll(async () => {
  service = await setup()
  await service.app.listen({ port: 0, host: '127.0.0.1' })
  port = (service.app.server.address() as AddressInfo).port
})
afterAll(() => service.close())

function send({ vendor, eventType, body: own }: Fixture, body: Buffer): Promise<Answer> {
  if (vendor === 'sahha')
    return service.post('sahha', { ...signed(body), 'x-event-type': eventType ?? '' }, body)
  const { data, callback_data } = JSON.parse(own.toString())
  const headers = { 'x-api-key': ASLEEP_KEY, 'x-user-id': (data ?? callback_data).user_id }
  return service.post('asleep', headers, body)
}

/** Expects that an authentic body gets 200, 400 or 422, and that the ledger stores its exact bytes. */
async function expectStored(fixture: Fixture, body: Buffer): Promise<void> {
  const { status, json } = await send(fixture, body)
  expect([200, 400, 422]).toContain(status)
  const [row] = await service.db.query(
    `select encode(sha256(body), 'hex') as digest from delivery_bodies where delivery_id = $1`,
    [json.delivery_id],
  )
  expect(row?.digest).toBe(createHash('sha256').update(body).digest('hex'))
  expect(JSON.stringify(json)).not.toContain(MARKER)
}

/** JSON source text that replaces a value of a body. */
const ODD_VALUES = [
  'null',
  'true',
  '0',
  '-0',
  '-1',
  '1e400',
  '-1e400',
  '1e-400',
  `1${'0'.repeat(400)}`,
  '0.1000000000000000055',
  '9007199254740993',
  '2147483648',
  '1.5',
  '""',
  `"${MARKER}\\u0000"`,
  `"\\ud800${MARKER}"`,
  `"${MARKER}\\udc00\\ud800"`,
  `"\\\\u0000${MARKER}"`,
  `"${MARKER}\u{1f4a4}"`,
  `"${MARKER.repeat(500)}"`,
  '[]',
  '{}',
  `["${MARKER}"]`,
  `{"${MARKER}": 1}`,
  `{"__proto__": {"${MARKER}": 1}, "constructor": null, "toString": 7}`,
  `${'['.repeat(3000)}${']'.repeat(3000)}`,
  `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
  '"2025-13-45T99:99:99Z"',
  '"0000-01-01T00:00:00Z"',
  '"+275760-09-13"',
  '"Infinity"',
  '"NaN"',
  '"-infinity"',
  '"epoch"',
  '"1e500"',
  '"{}"',
  `"'; drop table deliveries; -- ${MARKER}"`,
] // prettier-ignore

type Path = ReadonlyArray<string | number>

/** The paths of all values in a body, objects and lists included. */
function paths(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at]
  return [
    at,
    ...Object.entries(value).flatMap(([key, inner]) =>
      paths(inner, [...at, Array.isArray(value) ? +key : key]),
    ),
  ]
}

/** Replaces the value at `path` by `text`. */
function withText(body: Buffer, path: Path, text: string): Buffer {
  if (path.length === 0) return Buffer.from(text)
  const copy = JSON.parse(body.toString())
  let at = copy
  for (const key of path.slice(0, -1)) at = at[key]
  at[path.at(-1) as string] = '@@'
  return Buffer.from(JSON.stringify(copy).replace('"@@"', () => text))
}

/** The paths of a fixture, with one element of each list, because all elements have the same shape. */
const distinctPaths = (fixture: Fixture) => {
  const all = paths(JSON.parse(fixture.body.toString()))
  const shape = (path: Path) => path.map((key) => (typeof key === 'number' ? '[]' : key)).join('/')
  return all.filter((path, at) => all.findIndex((other) => shape(other) === shape(path)) === at)
}

const places = fixtures.flatMap((fixture) => distinctPaths(fixture).map((path) => ({ fixture, path })))

describe('a body with a value replaced is stored or rejected, and its bytes are in the ledger', () => {
  it.each(['\\u0000', '\\ud800', '\\udfff\\ud800'])(
    'every text value replaced by one with %s',
    async (odd) => {
      const texts = places.filter(({ fixture: { body }, path }) => {
        const value = path.reduce((at, key) => at?.[key], JSON.parse(body.toString()))
        return typeof value === 'string'
      })
      expect(texts.length).toBeGreaterThan(100)
      await Promise.all(
        texts.map(({ fixture, path }) =>
          expectStored(fixture, withText(fixture.body, path, `"${MARKER}${odd}"`)),
        ),
      )
    },
  )

  it('random values replaced by hostile ones', async () => {
    const mutation = fc.tuple(fc.constantFrom(...places), fc.constantFrom(...ODD_VALUES))
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 30 }), async (mutations) => {
        await Promise.all(
          mutations.map(([{ fixture, path }, text]) =>
            expectStored(fixture, withText(fixture.body, path, text)),
          ),
        )
      }),
      { numRuns: 60 },
    )
  })

  it('a random value replaced by random JSON', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        fc.jsonValue({ maxDepth: 5 }),
        async ({ fixture, path }, value) => {
          await expectStored(fixture, withText(fixture.body, path, JSON.stringify(value)))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('every key repeated', async () => {
    await Promise.all(
      places
        .filter(({ path }) => typeof path.at(-1) === 'string')
        .map(({ fixture, path }) =>
          expectStored(fixture, withText(fixture.body, path, `1, "${String(path.at(-1))}": "${MARKER}"`)),
        ),
    )
  })
})

describe('a body of hostile bytes is stored or rejected, and its bytes are in the ledger', () => {
  const bytes = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) }),
    fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), to: fc.nat(40) }),
    fc.record({ kind: fc.constant('double' as const), at: fc.nat(), to: fc.nat(200) }),
    fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) }),
  )

  function mutated(
    body: Buffer,
    { kind, at: anywhere, to }: { kind: string; at: number; to: number },
  ): Buffer {
    const at = anywhere % (body.length + 1)
    const head = body.subarray(0, at)
    if (kind === 'flip') return Buffer.concat([head, Buffer.from([to]), body.subarray(at + 1)])
    if (kind === 'insert') return Buffer.concat([head, Buffer.from([to]), body.subarray(at)])
    if (kind === 'cut') return Buffer.concat([head, body.subarray(at + to)])
    return Buffer.concat([head, body.subarray(at, at + to), body.subarray(at)])
  }

  it('fixtures with bytes changed, removed, repeated and inserted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...fixtures), fc.array(bytes, { minLength: 1, maxLength: 4 })), {
          minLength: 1,
          maxLength: 30,
        }),
        async (all) => {
          await Promise.all(
            all.map(([fixture, changes]) => expectStored(fixture, changes.reduce(mutated, fixture.body))),
          )
        },
      ),
      { numRuns: 60 },
    )
  })

  it('random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...fixtures), fc.uint8Array({ maxLength: 400 }), (fixture, noise) =>
        expectStored(fixture, Buffer.from(noise)),
      ),
      { numRuns: 100 },
    )
  })

  it.each([
    ['UTF-16', Buffer.from('﻿{"a": 1}', 'utf16le')],
    ['UTF-8 with a byte order mark', Buffer.from('﻿{"a": 1}')],
    ['two byte order marks', Buffer.from('﻿﻿{"a": 1}')],
    ['Latin-1', Buffer.from('{"a": "é"}', 'latin1')],
    ['an overlong encoding of NUL', Buffer.from([0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a, 0x31, 0x7d])],
    ['a surrogate in CESU-8', Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d])],
    ['an empty body', Buffer.alloc(0)],
    ['only white space', Buffer.from(' \n\t ')],
    ['two objects', Buffer.from('{} {}')],
    ['JSON lines', Buffer.from('{"a":1}\n{"a":2}\n')],
    ['gzip without Content-Encoding', gzipSync('{}')],
  ])('%s', async (_name, body) => {
    for (const fixture of [fixtures[0] as Fixture, fixtures.at(-1) as Fixture])
      await expectStored(fixture, body)
  })
})

it('the log has no value of a body but the name of an event, and no error', () => {
  expect(service.log.length).toBeGreaterThan(1000)
  const lines = service.log.map(withoutEvent)
  expect(lines.filter((line) => line.includes(MARKER) || /"level":(50|60)/.test(line))).toEqual([])
})

describe('unusual HTTP', () => {
  const headers = [`x-api-key: ${SAHHA_KEY}`, 'x-user-id: user-1', 'content-type: application/json']

  /** Writes the parts in order. Resolves with what was received, after so many answers or when the connection closes. */
  async function talk(parts: Array<string | Buffer>, pause = 0, answers = 1): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    let received = ''
    const done = new Promise<void>((resolve) => {
      socket.on('data', (data) => {
        received += data
        if (received.split('}').length > answers) resolve()
      })
      socket.on('close', () => resolve())
      socket.on('error', () => resolve())
    })
    for (const part of parts) {
      if (!socket.destroyed) socket.write(part)
      if (pause) await sleep(pause)
    }
    await Promise.race([done, sleep(8000)])
    socket.destroy()
    return received
  }
  const head = (...more: string[]) =>
    `${['POST /webhooks/sahha HTTP/1.1', 'host: x', ...headers, ...more].join('\r\n')}\r\n\r\n`
  const chunk = (data: string) => `${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`
  const text = (id: string, more: object = {}) =>
    JSON.stringify(biomarker({ id, category: 'activity', ...more }))
  const stored = async (id: string) =>
    (await service.db.query(`select id from biomarkers where id = $1`, [id])).length === 1

  it('a chunked body of one-byte chunks is stored', async () => {
    const parts = [...text('chunked')].map(chunk)
    expect(await talk([head('transfer-encoding: chunked'), ...parts, '0\r\n\r\n'], 1)).toContain('"stored"')
    expect(await stored('chunked')).toBe(true)
  })

  it('slow senders do not delay others', async () => {
    let finished = 0
    const slow = Array.from({ length: 100 }, async (_, n) => {
      const body = text(`slow-${n}`)
      const parts = [head(`content-length: ${body.length}`), ...(body.match(/.{1,10}/g) ?? [])]
      const answer = await talk(parts, 150)
      finished += 1
      return answer
    })
    await sleep(100)
    const body = text('quick')
    expect(await talk([head(`content-length: ${body.length}`) + body])).toContain('"stored"')
    expect(finished).toBe(0)
    expect((await Promise.all(slow)).filter((answer) => !answer.includes('"stored"'))).toEqual([])
  })

  it('an incomplete body is not stored', async () => {
    const body = text('cut')
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(head(`content-length: ${body.length}`) + body.slice(0, 30))
    await sleep(100)
    socket.destroy()
    await sleep(100)
    expect(await stored('cut')).toBe(false)
    expect((await service.app.inject('/health/live')).statusCode).toBe(200)
  })

  it('several pipelined requests are all answered', async () => {
    const bodies = ['p-1', 'p-2', 'p-3'].map((id) => text(id))
    const packet = bodies.map((body) => head(`content-length: ${body.length}`) + body).join('')
    const answer = await talk([packet], 0, 3)
    expect(answer.match(/"outcome":"stored"/g)).toHaveLength(3)
  })

  it.each([
    ['two lengths', ['content-length: 5', 'content-length: 6'], 400],
    ['length and chunks', ['content-length: 5', 'transfer-encoding: chunked'], 400],
    ['a negative length', ['content-length: -1'], 400],
    ['a length that is no number', ['content-length: many'], 400],
    ['an unknown transfer encoding', ['transfer-encoding: nonsense'], 400],
    ['a header without a name', [': nothing', 'content-length: 2'], 400],
    ['a header of 20 KB', [`x-large: ${'x'.repeat(20_000)}`, 'content-length: 2'], 431],
    ['5,000 headers', [...Array.from({ length: 5000 }, (_, n) => `x-${n}: y`), 'content-length: 2'], 431],
  ])('%s: refused', async (_name, more, status) => {
    const answer = await talk([`${head(...more)}{}`])
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect((await service.app.inject('/health/live')).statusCode).toBe(200)
  })

  it('a body of 10 MiB is stored, and one more byte gets 413, with a length or chunked', async () => {
    const limit = 10 * 2 ** 20
    const padded = (id: string, length: number) => {
      const bare = text(id, { padding: '' })
      return text(id, { padding: 'x'.repeat(length - bare.length) })
    }
    const fits = padded('large', limit)
    expect(await talk([head(`content-length: ${fits.length}`), fits])).toContain('"stored"')
    const over = padded('over', limit + 1)
    expect(await talk([head(`content-length: ${over.length}`)])).toMatch(/^HTTP\/1.1 413 /)
    expect(await talk([head('transfer-encoding: chunked'), chunk(over)])).toMatch(/^HTTP\/1.1 413 /)
    expect(await stored('over')).toBe(false)
  })

  it('Expect: 100-continue is answered before the body', async () => {
    const body = text('expect')
    const answer = await talk([head(`content-length: ${body.length}`, 'expect: 100-continue'), body], 100)
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue/)
    expect(answer).toContain('"stored"')
  })

  it('after all these requests the service is ready', async () => {
    expect((await service.app.inject('/health/ready')).statusCode).toBe(200)
  })
})
