import { createHmac } from 'node:crypto'
import pg from 'pg'
import { beforeEach, describe, expect, it } from 'vitest'
import { startProxy } from '../chaos/proxy.ts'
import { readConfig } from '../src/config/index.ts'
import { maintain } from '../src/db/upkeep/maintain.ts'
import type { ReplayOptions } from '../src/replay/options.ts'
import { replay } from '../src/replay/replay.ts'
import { startService } from '../src/service.ts'
import { vendors } from '../src/vendors/index.ts'
import { biomarker, inference, USER } from './setup/bodies.ts'
import { allRows, fixtures, send, tables } from './setup/fixtures.ts'
import { guardedLog } from './setup/log-guard.ts'
import { emptyServices, environment, setup, signed, type TestService } from './setup/service.ts'

const MEBIBYTE = 2 ** 20
const wrong = { ASLEEP_API_KEYS: 'old-key', SAHHA_API_KEYS: 'old-key', SAHHA_WEBHOOK_SECRETS: 'old-secret' }

let service: TestService
const emptyService = emptyServices()
const start = async (overrides: Record<string, string> = {}) => {
  service = await emptyService({ QUARANTINE_UNVERIFIED_MAX_BYTES: `${MEBIBYTE}`, ...overrides })
}

const recover = (given: Partial<ReplayOptions> = {}) =>
  replay({
    databaseUrl: service.db.url,
    vendors,
    config: readConfig(environment),
    log: guardedLog,
    filter: { outcomes: ['unverified'] },
    all: false,
    dryRun: false,
    signal: new AbortController().signal,
    progress: () => {},
    ...given,
  })

const count = async (table: string) =>
  Number((await service.db.query(`select count(*) from ${table}`))[0]?.count)

describe('while a wrong credential is configured', () => {
  beforeEach(() => start(wrong))

  it('every delivery gets 401, and replay stores all of them after the credential is corrected', async () => {
    const answers = []
    for (const fixture of fixtures) answers.push(await send(service, fixture))
    answers.push(
      await service.post('sahha', { 'x-api-key': 'sahha-test-key', 'x-user-id': 'user-1' }, biomarker()),
    )
    answers.push(await service.asleep(inference(), USER))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
    expect(await count('deliveries')).toBe(0)
    expect(await count('unverified_deliveries')).toBe(answers.length)

    const dry = await recover({ dryRun: true })
    expect(await count('unverified_deliveries')).toBe(answers.length)
    const summary = await recover()
    expect([...summary.transitions]).toEqual([...dry.transitions])
    expect(Object.fromEntries(summary.transitions)).toEqual({
      'unverified → stored': fixtures.length + 1,
      'unverified → unrecognised': 1,
    })
    expect(await count('unverified_deliveries')).toBe(0)
    const recovered = await allRows(service.db)

    // The rows are the same as if the credential had been right from the beginning.
    const other = await setup()
    for (const fixture of fixtures) await send(other, fixture)
    await other.asleep(inference(), USER)
    const expected = await allRows(other.db)
    await other.close()
    const bare = (all: Record<string, unknown[]>) =>
      tables.map((table) =>
        (all[table] as Array<Record<string, unknown>>).map(({ delivery_id, received_at, ...row }) => row),
      )
    expect(bare(recovered)).toEqual(bare(expected))
  })

  it('a recovered delivery has its original time of arrival and id', async () => {
    await service.asleep(inference({ sleep_stages: [1] }), USER)
    const [quarantined] = await service.db.query('select delivery_id, received_at from unverified_deliveries')
    await recover()
    expect(await service.db.query('select delivery_id, received_at, times_received from deliveries')).toEqual(
      [{ ...quarantined, times_received: '1' }],
    )
  })

  it('a delivery that is not authentic stays in the quarantine and is counted as unproven', async () => {
    await service.post('sahha', { 'x-signature': 'f'.repeat(64) }, biomarker())
    await service.post('sahha', signed(biomarker()), biomarker({ id: 'forged' }))
    await service.post('asleep', { 'x-user-id': USER }, inference())
    await service.post('asleep', { 'x-user-id': USER, 'x-api-key': ',' }, inference())
    await service.asleep(inference(), USER)
    expect(Object.fromEntries((await recover()).transitions)).toEqual({
      'unverified → stored': 1,
      'unverified → unproven': 4,
    })
    expect(await count('unverified_deliveries')).toBe(4)
  })

  it('an authentic but invalid body moves to the ledger as rejected', async () => {
    await service.asleep(inference({ inference_seq_num: 'x' }), USER)
    const summary = await recover()
    expect(summary.failed).toBe(1)
    expect(await service.db.query('select outcome, problem from deliveries')).toMatchObject([
      { outcome: 'rejected', problem: expect.stringContaining('invalid_body') },
    ])
    expect(await count('unverified_deliveries')).toBe(0)
  })

  it('repetitions of one body become one delivery with their count', async () => {
    for (let n = 0; n < 3; n += 1) await service.asleep(inference(), USER)
    expect(Object.fromEntries((await recover()).transitions)).toEqual({
      'unverified → stored': 1,
      'unverified → duplicate': 2,
    })
    expect(await service.db.query('select times_received from deliveries')).toEqual([{ times_received: '3' }])
  })

  it('replay filters by vendor, event, user and time', async () => {
    await service.asleep(inference(), USER)
    await service.sahha(biomarker(), 'BiomarkerCreatedIntegrationEvent')
    await recover({ filter: { outcomes: ['unverified'], until: '2020-01-01' } })
    await recover({ filter: { outcomes: ['unverified'], event: 'ScoreCreatedIntegrationEvent' } })
    await recover({ filter: { outcomes: ['unverified'], vendor: 'asleep', user: 'somebody' } })
    expect(await count('deliveries')).toBe(0)
    await recover({ filter: { outcomes: ['unverified'], user: 'profile-1' } })
    expect(await service.db.query('select vendor from deliveries')).toEqual([{ vendor: 'sahha' }])
    expect(await count('unverified_deliveries')).toBe(1)
  })

  it('a presented key is stored only as a salted hash, and the ledger has no hash', async () => {
    await service.asleep(inference(), USER)
    await service.asleep(inference(), USER)
    const rows = await service.db.query('select headers, hashed_headers from unverified_deliveries')
    expect(JSON.stringify(rows)).not.toContain('asleep-test-key')
    const [first, second] = rows.map(
      ({ hashed_headers }) => JSON.parse(hashed_headers as string)['x-api-key'],
    )
    expect(first).not.toEqual(second)
    const [salt, digest] = first.split(':')
    expect(createHmac('sha256', salt).update('asleep-test-key').digest('hex')).toBe(digest)
    expect(Object.keys(JSON.parse(rows[0]?.headers as string)).sort()).toEqual([
      'content-type',
      'user-agent',
      'x-user-id',
    ])
    await recover()
    const kept = await service.db.query('select headers from deliveries')
    expect(JSON.stringify(kept)).not.toContain(digest)
  })

  it('the ledger does not store the signature that proved a delivery', async () => {
    await service.sahha(biomarker(), 'BiomarkerCreatedIntegrationEvent')
    await recover()
    const [entry] = await service.db.query('select headers, authenticated_by from deliveries')
    expect(entry?.authenticated_by).toBe('signature')
    expect(entry?.headers).not.toContain('signature')
  })
})

it('the quarantine is off by default', async () => {
  await start({ ...wrong, QUARANTINE_UNVERIFIED_MAX_BYTES: '' })
  expect((await service.asleep(inference(), USER)).status).toBe(401)
  expect(await count('unverified_deliveries')).toBe(0)
})

const BYTES = `select coalesce(sum(octet_length(body) + octet_length(headers::text)
  + octet_length(hashed_headers::text)), 0) as sum from unverified_deliveries`

describe('the limit of bytes', () => {
  it('is never exceeded: the oldest deliveries are removed first', async () => {
    await start({ ...wrong, QUARANTINE_UNVERIFIED_MAX_BYTES: '20000' })
    for (let n = 0; n < 60; n += 1) {
      const sends = Array.from({ length: 1 + (n % 4) }, (_, i) =>
        service.post('sahha', {}, biomarker({ id: `${n}-${i}`, padding: 'x'.repeat((n * 37) % 3000) })),
      )
      await Promise.all(sends)
      const [row] = await service.db.query(BYTES)
      expect(Number(row?.sum)).toBeLessThanOrEqual(20_000)
    }
    const left = await service.db.query(`select convert_from(body, 'UTF8')::json->>'id' as id
      from unverified_deliveries order by delivery_id`)
    expect(left.length).toBeGreaterThan(3)
    expect(left.at(-1)?.id).toMatch(/^59-/)
    const numbers = left.map(({ id }) => Number.parseInt(id as string, 10))
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    // The remaining deliveries are the newest ones, without a gap.
    expect(new Set(numbers).size).toBe(59 - (numbers[0] as number) + 1)
  })

  it('counts the headers of empty bodies too', async () => {
    await start({ ...wrong, QUARANTINE_UNVERIFIED_MAX_BYTES: '20000' })
    await Promise.all(Array.from({ length: 300 }, () => service.post('sahha', {}, Buffer.alloc(0))))
    expect(await count('unverified_deliveries')).toBeLessThanOrEqual(20_000 / 256)
  })

  it('does not admit a body larger than itself, which removes no other delivery', async () => {
    await start({ ...wrong, QUARANTINE_UNVERIFIED_MAX_BYTES: '5000' })
    await service.post('sahha', {}, biomarker())
    expect((await service.post('sahha', {}, biomarker({ padding: 'x'.repeat(6000) }))).status).toBe(401)
    expect(await count('unverified_deliveries')).toBe(1)
  })
})

it('retention deletes what is older than DELIVERY_RETENTION_DAYS', async () => {
  await start(wrong)
  await service.sahha(biomarker())
  const client = new pg.Client(service.db.direct)
  await client.connect()
  const days = async (deliveries: number) =>
    await maintain(client, {
      ...{ schema: 'public', targets: [], now: Date.now() + 2 * 86_400_000 },
      retention: { deliveries },
    })
  expect(await days(3)).toMatchObject({ unverifiedDeleted: 0 })
  expect(await days(1)).toMatchObject({ unverifiedDeleted: 1 })
  await client.end()
  expect(await count('unverified_deliveries')).toBe(0)
})

it('the answer is 401 even if the quarantine can not be written', async () => {
  await start(wrong)
  await service.db.query('drop table unverified_deliveries')
  expect((await service.asleep(inference(), USER)).status).toBe(401)
  expect(service.log.join('')).toContain('unverified deliveries could not be written')
})

it('a delivery with a right credential is not quarantined, and two concurrent replays recover each delivery once', async () => {
  await start({ ...wrong, ASLEEP_API_KEYS: environment.ASLEEP_API_KEYS })
  expect((await service.asleep(inference(), USER)).status).toBe(200)
  expect(await count('unverified_deliveries')).toBe(0)
  for (let n = 0; n < 50; n += 1) {
    await service.sahha(biomarker({ id: `${n}` }), 'BiomarkerCreatedIntegrationEvent')
  }
  await Promise.all([recover(), recover()])
  expect(await count('biomarkers')).toBe(50)
  expect(await service.db.query('select distinct times_received from deliveries')).toEqual([
    { times_received: '1' },
  ])
  expect(await count('unverified_deliveries')).toBe(0)
})

it('a 401 is answered within 4 s while the database does not respond', async () => {
  await start()
  const url = new URL(service.db.url)
  const wire = await startProxy(Number(url.port), Math.random)
  url.port = `${wire.port}`
  const config = readConfig({ ...environment, QUARANTINE_UNVERIFIED_MAX_BYTES: `${MEBIBYTE}` })
  const { app } = await startService(config, url.href, guardedLog)
  const post = async (headers: Record<string, string>) => {
    const payload = Buffer.from(JSON.stringify(biomarker()))
    const answer = await app.inject({ method: 'POST', url: '/webhooks/sahha', headers, payload })
    return answer.statusCode
  }
  const refused = () => [
    post({ 'x-signature': 'f'.repeat(64) }),
    post({ 'x-api-key': 'wrong-key' }),
    post({}),
  ]
  expect(await Promise.all(refused())).toEqual([401, 401, 401])
  expect(await count('unverified_deliveries')).toBe(3)

  wire.setFrozen(true)
  const started = performance.now()
  expect(await Promise.all([...refused(), ...refused()])).toEqual(Array(6).fill(401))
  expect(performance.now() - started).toBeLessThan(4000)
  // Writes that began before the answer finish when the database responds again.
  wire.setFrozen(false)
  await expect.poll(() => count('unverified_deliveries')).toBe(9)
  await app.close()
  wire.close()
})
