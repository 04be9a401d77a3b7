import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { biomarker, inference, USER } from './setup/bodies.ts'
import { ASLEEP_KEY, SAHHA_KEY, SAHHA_SECRET, setup, signed, type TestService } from './setup/service.ts'

let service: TestService
beforeAll(async () => {
  service = await setup({
    ASLEEP_API_KEYS: `${ASLEEP_KEY}, second-key`,
    SAHHA_WEBHOOK_SECRETS: `${SAHHA_SECRET},second-secret`,
  })
})
afterAll(() => service.close())

const body = biomarker()
const good = signed(body)['x-signature']

const WRONG_KEYS = [
  '',
  ' ',
  'x',
  `${ASLEEP_KEY}x`,
  ASLEEP_KEY.slice(1),
  ASLEEP_KEY.toUpperCase(),
  'ключ',
  '\u00ff',
  'k'.repeat(5000),
]
const WRONG_SIGNATURES = [
  '',
  'z'.repeat(64),
  good.slice(2),
  `${good}00`,
  `sha256=${good}`,
  'é'.repeat(64),
  '0'.repeat(64),
  'a',
]

describe('x-api-key', () => {
  it.each(WRONG_KEYS)('answers 401 to %j and stores nothing', async (key) => {
    const header = Buffer.from(key).toString('latin1')
    const headers = { 'x-api-key': header, 'x-user-id': USER }
    expect(await service.post('asleep', headers, inference())).toMatchObject({
      status: 401,
      json: { code: 'unauthorized', status: 401 },
    })
    expect(await service.db.query('select 1 from deliveries')).toEqual([])
  })

  it('answers 401 to a request without it', async () => {
    expect(await service.post('asleep', { 'x-user-id': USER }, inference())).toMatchObject({ status: 401 })
  })

  it("answers 401 to another vendor's key", async () => {
    expect(
      await service.post('asleep', { 'x-api-key': SAHHA_KEY, 'x-user-id': USER }, inference()),
    ).toMatchObject({
      status: 401,
    })
  })

  it.each([ASLEEP_KEY, 'second-key'])('accepts every configured key', async (key) => {
    const headers = { 'x-api-key': key, 'x-user-id': USER }
    expect(await service.post('asleep', headers, inference({ session_id: key }))).toMatchObject({
      status: 200,
    })
  })
})

describe('X-Signature', () => {
  it.each(WRONG_SIGNATURES)('answers 401 to %j', async (signature) => {
    const headers = { 'x-signature': Buffer.from(signature).toString('latin1') }
    expect(await service.post('sahha', headers, body)).toMatchObject({
      status: 401,
      json: { code: 'unauthorized' },
    })
  })

  it('covers the exact bytes: the same JSON with other white space gets 401', async () => {
    expect(await service.post('sahha', signed(body), JSON.stringify(body, null, 1))).toMatchObject({
      status: 401,
    })
  })

  it('may be upper case and made with any configured secret', async () => {
    const first = biomarker({ id: 'upper' })
    const second = biomarker({ id: 'second' })
    const upper = { 'x-signature': signed(first)['x-signature'].toUpperCase() }
    expect(await service.post('sahha', upper, first)).toMatchObject({ status: 200 })
    expect(await service.post('sahha', signed(second, 'second-secret'), second)).toMatchObject({
      status: 200,
    })
  })

  it('gets 401 together with a wrong key: every presented credential must be right', async () => {
    expect(await service.post('sahha', { ...signed(body), 'x-api-key': 'wrong' }, body)).toMatchObject({
      status: 401,
    })
    const wrong = { 'x-signature': '0'.repeat(64), 'x-api-key': SAHHA_KEY, 'x-user-id': 'user-1' }
    expect(await service.post('sahha', wrong, body)).toMatchObject({ status: 401 })
  })
})

describe('the user header', () => {
  const key = { 'x-api-key': SAHHA_KEY }

  it('is required with a key: otherwise 400, and the body is stored as rejected', async () => {
    const answer = await service.post('sahha', key, biomarker({ id: 'no-user' }))
    expect(answer).toMatchObject({ status: 400, json: { code: 'missing_user_id' } })
    const [entry] = await service.db.query('select * from deliveries where delivery_id = $1', [
      answer.json.delivery_id,
    ])
    expect(entry).toMatchObject({ outcome: 'rejected', owner: 'profile-1', authenticated_by: 'api_key' })
    expect(
      await service.post('asleep', { 'x-api-key': ASLEEP_KEY }, inference({ seq_num: 1 })),
    ).toMatchObject({
      status: 400,
      json: { code: 'missing_user_id' },
    })
  })

  it.each(['user-2', 'USER-1', 'user-1 x', 'user'])(
    'gets 422 if it names another user than the body: %j',
    async (user) => {
      const answer = await service.post('sahha', { ...key, 'x-user-id': user }, biomarker({ id: user }))
      expect(answer).toMatchObject({ status: 422, json: { code: 'user_mismatch' } })
      expect(JSON.stringify(answer.json)).not.toContain('user-1')
      const [entry] = await service.db.query(
        'select outcome, user_id from deliveries where delivery_id = $1',
        [answer.json.delivery_id],
      )
      expect(entry).toEqual({ outcome: 'rejected', user_id: user })
    },
  )

  it('may be UTF-8', async () => {
    const named = biomarker({ id: 'utf8', externalId: 'Zoë 睡眠' })
    const header = Buffer.from('Zoë 睡眠').toString('latin1')
    expect(await service.post('sahha', { ...key, 'x-user-id': header }, named)).toMatchObject({ status: 200 })
    const [entry] = await service.db.query(`select user_id from deliveries where user_id like 'Zo%'`)
    expect(entry).toEqual({ user_id: 'Zoë 睡眠' })
  })

  it('may be absent or empty with a signature, but must not name another user', async () => {
    const send = (id: string, external: string | undefined, fields: object = {}) => {
      const sent = biomarker({ id, ...fields })
      const header = external === undefined ? undefined : { 'x-external-id': external }
      return service.post('sahha', { ...signed(sent), ...header }, sent)
    }
    expect(await send('absent', undefined)).toMatchObject({ status: 200 })
    expect(await send('empty', '')).toMatchObject({ status: 200 })
    expect(await send('same', 'user-1')).toMatchObject({ status: 200 })
    expect(await send('anonymous', '', { externalId: '' })).toMatchObject({ status: 200 })
    expect(await send('other', 'user-2')).toMatchObject({ status: 422, json: { code: 'user_mismatch' } })
    expect(await send('nobody', 'user-2', { externalId: null })).toMatchObject({ status: 422 })
  })
})

it('answers 404 at the URL of a vendor without a configured credential', async () => {
  const without = await setup({ SAHHA_API_KEYS: '', SAHHA_WEBHOOK_SECRETS: ' , ' })
  try {
    const empty = createHmac('sha256', '').update(JSON.stringify(body)).digest('hex')
    expect(await without.post('sahha', { 'x-signature': empty }, body)).toMatchObject({ status: 404 })
    expect(await without.asleep(inference(), USER)).toMatchObject({ status: 200 })
  } finally {
    await without.close()
  }
})

it('logs and stores no credential, and logs no body and no user id', async () => {
  const written = service.log.join('')
  expect(written).toContain('"route":"/webhooks/sahha"')
  const [dump] = await service.db.query(`select string_agg(to_jsonb(d)::text, ' ') as text from (
    select owner, event, outcome, problem, headers, authenticated_by from deliveries) as d`)
  for (const secret of [ASLEEP_KEY, SAHHA_KEY, SAHHA_SECRET, 'second-key', 'second-secret', good]) {
    expect(written).not.toContain(secret)
    expect(dump?.text).not.toContain(secret)
  }
  for (const personal of ['user-1', USER, 'profile-1', 'steps']) expect(written).not.toContain(personal)
})
