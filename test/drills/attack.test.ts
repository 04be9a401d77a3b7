import type { ChildProcess } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attack, ended, peakOf, startService } from '../../chaos/attack.ts'
import { credentials, numberedRequest } from '../../chaos/numbered-request.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { guardProcess, guardRequest } from '../setup/log-guard.ts'
import { built } from '../setup/program.ts'

const MB = 2 ** 20

/** `mem_limit` in docker-compose.yml, and the limit in ops/kubernetes.yaml. */
const CONTAINER_MEMORY = 768 * MB

let db: TestDatabase
let directory: string
beforeAll(async () => {
  db = await createDatabase()
  directory = mkdtempSync(join(tmpdir(), 'nightpost-attack-'))
})
afterAll(async () => {
  await db.drop()
  rmSync(directory, { recursive: true })
})
const options = () => ({
  program: built('main')[0] as string,
  directory,
  databaseUrl: db.url,
  listen: guardProcess,
})

it('every authentic delivery gets 200 during an attack by 500 sockets (a short npm run attack)', async () => {
  const sizes = { sockets: 500, idle: 500, connections: 8, calm: 0.5, attacked: 3 }
  const { attacked, peak, held, isAlive } = await attack({ ...options(), ...sizes })
  for (let n = 0; n < 500; n += 1) {
    const { headers, body } = numberedRequest(n)
    guardRequest(headers, Buffer.from(body))
  }
  expect(isAlive).toBe(true)
  expect(Object.keys(attacked.answers)).toEqual(['200'])
  expect(attacked.answers[200]).toBeGreaterThan(5)
  expect(held).toEqual({ proven: 0, unproven: 0 })
  if (process.platform === 'linux') expect(peak).toBeLessThan(CONTAINER_MEMORY)
}, 90_000)

describe('a hostile authentic body does not exceed the memory of the container', () => {
  let child: ChildProcess
  let port: number
  beforeAll(async () => {
    ;({ child, port } = await startService(options()))
  })
  afterAll(() => ended(child, 'SIGTERM'))

  async function post(text: string | Buffer, event: string, more: Record<string, string> = {}) {
    const signature = createHmac('sha256', credentials.SAHHA_WEBHOOK_SECRETS).update(text).digest('hex')
    const answer = await fetch(`http://127.0.0.1:${port}/webhooks/sahha`, {
      method: 'POST',
      headers: { 'x-signature': signature, 'x-event-type': event, ...more },
      body: text,
    })
    return { status: answer.status, json: (await answer.json()) as Record<string, string> }
  }
  const whose = `"id":"x","profileId":"p","externalId":"u"`
  const score = (factors: string) =>
    `{${whose},"type":"sleep","scoreDateTime":"2025-01-01","factors":[${factors}]}`
  const log = (properties: string) =>
    `{"profileId":"p","dataType":"steps","dataLogs":[{"id":"x","value":12345678901234567890,"additionalProperties":{${properties}}}]}`
  const many = (count: number, one: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => one(n)).join()
  const SCORE = 'ScoreCreatedIntegrationEvent'
  const LOG = 'DataLogReceivedIntegrationEvent'

  it.each([
    ['3.4 million empty factors', SCORE, () => score(many(3_400_000, () => '{}')), 422, /values/],
    [
      'as many empty factors as the limit of values allows',
      SCORE,
      () => score(many(240_000, () => '{}')),
      422,
      /elements/,
    ],
    [
      'a million empty objects beside a long number',
      LOG,
      () => log(`"a":[${many(1_000_000, () => '{}')}]`),
      422,
      /values/,
    ],
    [
      'many keys beside a long number',
      LOG,
      // The object has too many keys for a JsonMap: the optional field becomes NULL, and the sample is stored.
      () => log(many(490_000, (n) => `"${n.toString(36)}":0`)),
      200,
      null,
    ],
    [
      '450,000 long numbers',
      LOG,
      () => log(`"a":[${many(450_000, () => '12345678901234567')}]`),
      422,
      /double/,
    ],
    [
      '10 MiB of brackets',
      LOG,
      () => `{"a":${'['.repeat(5 * MB - 10)}${']'.repeat(5 * MB - 10)}}`,
      422,
      /values/,
    ],
    ['10 MiB of escapes', LOG, () => `{"a":"${'\\u0000'.repeat(1_700_000)}"}`, 422, null],
  ])('%s', async (_name, event, make, status, detail) => {
    const text = make()
    expect(text.length).toBeLessThanOrEqual(10 * MB)
    const before = process.cpuUsage()
    const answer = await post(text, event)
    const { user, system } = process.cpuUsage(before)
    expect(answer.status).toBe(status)
    if (detail) expect(answer.json.detail).toMatch(detail)
    // Without the limits such a body kept the processor busy for much longer. Other programs change this time little.
    expect((user + system) / 1e6).toBeLessThan(8)
    const [entry] = await db.query(
      'select outcome, body_size as bytes from deliveries where delivery_id = $1',
      [answer.json.delivery_id],
    )
    expect(entry).toEqual({ outcome: status === 200 ? 'stored' : 'rejected', bytes: `${text.length}` })
  })

  it('50,000 samples are stored, and 50,001 get 422 with the limit', async () => {
    const samples = (count: number) =>
      `{"profileId":"p","dataType":"steps","externalId":"u","dataLogs":[${many(count, (n) => `{"id":"sample ${n}","value":${n},"startDateTime":"2025-01-01T00:00:00+12:00","endDateTime":"2025-01-01T00:00:00+12:00"}`)}]}`
    const few = await post(samples(50_000), LOG)
    expect(few).toMatchObject({ status: 200, json: { outcome: 'stored' } })
    const more = await post(samples(50_001), LOG)
    expect(more).toMatchObject({ status: 422, json: { code: 'invalid_body' } })
    expect(more.json.detail).toContain('50000')
  })

  it('40 concurrent gzip bodies of 9 MiB unpacked get 200 or 503', async () => {
    const samples = many(1000, (n) => `{"id":"${randomUUID()}","value":${n},"unit":"${'x'.repeat(9000)}"}`)
    const packed = gzipSync(`{"profileId":"p","dataType":"steps","dataLogs":[${samples}]}`)
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => {
        const one = Buffer.concat([packed, gzipSync(' '.repeat(n + 1))])
        return post(one, LOG, { 'content-encoding': 'gzip' })
      }),
    )
    const codes = new Set(answers.map(({ status }) => status))
    expect(codes.has(200)).toBe(true)
    for (const code of codes) expect([200, 503]).toContain(code)
  }, 90_000)

  it('after all bodies the process is ready and was within its memory', async () => {
    expect(child.exitCode).toBe(null)
    expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(200)
    if (process.platform === 'linux') {
      const peak = peakOf(child.pid)
      process.stdout.write(`peak ${Math.round(peak / MB)} MiB\n`)
      expect(peak).toBeLessThan(CONTAINER_MEMORY)
    }
  })
})
