import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../src/config/index.ts'
import { replay } from '../src/replay/replay.ts'
import { vendors } from '../src/vendors/index.ts'
import { biomarker, inference, USER } from './setup/bodies.ts'
import { allRows, fixtures, send, tables } from './setup/fixtures.ts'
import { ASLEEP_KEY, environment, setup, signed, type TestService } from './setup/service.ts'

const LIMIT = 50_000

let service: TestService
let plain: TestService
beforeAll(async () => {
  service = await setup({ BODY_LIMIT_BYTES: `${LIMIT}` })
  plain = await setup()
})
afterAll(async () => {
  await service.close()
  await plain.close()
})

const compressed = (body: object) => gzipSync(JSON.stringify(body))
const asleep = (body: Buffer, encoding: string) =>
  service.post('asleep', { 'x-api-key': ASLEEP_KEY, 'x-user-id': USER, 'content-encoding': encoding }, body)
const entryOf = async (id: unknown) =>
  (
    await service.db.query(
      `select outcome, encode(b.body, 'hex') as body from deliveries join delivery_bodies as b using (delivery_id)
        where delivery_id = $1`,
      [id],
    )
  )[0]

it('every fixture makes the same rows compressed and uncompressed', async () => {
  const gzipped: TestService['post'] = (vendor, headers, body) =>
    service.post(vendor, { ...headers, 'content-encoding': 'gzip' }, gzipSync(body as Buffer))
  const compressing: TestService = {
    ...service,
    asleep: (body, user) => gzipped('asleep', { 'x-api-key': ASLEEP_KEY, 'x-user-id': user }, body),
    sahha: (body, type) => gzipped('sahha', { ...signed(body), ...(type && { 'x-event-type': type }) }, body),
  }
  for (const fixture of fixtures) {
    expect(await send(compressing, fixture)).toMatchObject({ status: 200, json: { outcome: 'stored' } })
    await send(plain, fixture)
  }
  const bare = async ({ db }: TestService) => {
    const all = await allRows(db)
    return tables.map((table) =>
      (all[table] as object[]).map((row) => ({ ...row, delivery_id: null, received_at: null })),
    )
  }
  expect(await bare(service)).toEqual(await bare(plain))
})

it.each(['gzip', 'GZIP', 'x-gzip', ' gzip '])(
  'accepts Content-Encoding %j and stores the compressed bytes',
  async (encoding) => {
    const body = compressed(inference({ session_id: `session ${encoding}` }))
    const { status, json } = await asleep(body, encoding)
    expect(status).toBe(200)
    expect(await entryOf(json.delivery_id)).toEqual({ outcome: 'stored', body: body.toString('hex') })
  },
)

describe('a signature', () => {
  it.each([
    ['of the compressed bytes', (body: object) => signed(compressed(body))],
    ['of the body before compression', (body: object) => signed(body)],
  ])('%s proves the sender', async (name, proof) => {
    const body = biomarker({ id: name })
    const headers = {
      ...proof(body),
      'content-encoding': 'gzip',
      'x-event-type': 'BiomarkerCreatedIntegrationEvent',
    }
    expect(await service.post('sahha', headers, compressed(body))).toMatchObject({
      status: 200,
      json: { outcome: 'stored' },
    })
  })

  it('of another body does not prove the sender', async () => {
    const headers = { ...signed(biomarker()), 'content-encoding': 'gzip' }
    expect((await service.post('sahha', headers, compressed(biomarker({ id: 'forged' })))).status).toBe(401)
  })
})

describe('a body that can not be unpacked is stored as rejected', () => {
  const good = compressed(inference())
  it.each([
    ['not gzip', Buffer.from(JSON.stringify(inference())), 'gzip', 400, 'malformed_json'],
    ['truncated gzip', good.subarray(0, good.length - 12), 'gzip', 400, 'malformed_json'],
    [
      'a wrong checksum',
      Buffer.concat([good.subarray(0, -8), Buffer.alloc(8, 1)]),
      'gzip',
      400,
      'malformed_json',
    ],
    ['an unsupported encoding', brotliCompressSync(JSON.stringify(inference())), 'br', 400, 'malformed_json'],
    ['gzip twice', gzipSync(good), 'gzip, gzip', 400, 'malformed_json'],
    [
      'more unpacked bytes than the limit',
      gzipSync(Buffer.alloc(30 * 2 ** 20, 32)),
      'gzip',
      413,
      'body_too_large',
    ],
  ])('%s', async (_name, body, encoding, status, code) => {
    const answer = await asleep(body, encoding)
    expect(answer).toMatchObject({ status, json: { code } })
    expect(await entryOf(answer.json.delivery_id)).toEqual({
      outcome: 'rejected',
      body: body.toString('hex'),
    })
  })

  it('replay stores a body that was too large after the limit is raised', async () => {
    const body = compressed(inference({ session_id: 'large', padding: ' '.repeat(2 * LIMIT) }))
    const { json } = await asleep(body, 'gzip')
    expect(json.code).toBe('body_too_large')
    const summary = await replay({
      databaseUrl: service.db.url,
      vendors,
      config: readConfig(environment),
      log: { warn: () => {} },
      filter: { deliveries: [json.delivery_id as string] },
      all: false,
      dryRun: false,
      signal: new AbortController().signal,
      progress: () => {},
    })
    expect(Object.fromEntries(summary.transitions)).toEqual({ 'rejected → stored': 1 })
    expect((await entryOf(json.delivery_id))?.outcome).toBe('stored')
  })
})
