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
  it.each(WRONG_KEYS)('refuses %j with 401 and keeps nothing', async (key) => {
    const header = Buffer.from(key).toString('latin1')
    const headers = { 'x-api-key': header, 'x-user-id': USER }
    expect(await service.post('asleep', headers, inference())).toMatchObject({
      status: 401,
      json: { code: 'unauthorized', status: 401 },
    })
    expect(await service.db.query('select 1 from deliveries')).toEqual([])
  })

  it('refuses a request without it', async () => {
    expect(await service.post('asleep', { 'x-user-id': USER }, inference())).toMatchObject({ status: 401 })
  })

  it("does not take one vendor's key for another's", async () => {
    expect(
      await service.post('asleep', { 'x-api-key': SAHHA_KEY, 'x-user-id': USER }, inference()),
    ).toMatchObject({
      status: 401,
    })
  })

  it.each([ASLEEP_KEY, 'second-key'])('accepts every configured key, for rotation', async (key) => {
    const headers = { 'x-api-key': key, 'x-user-id': USER }
    expect(await service.post('asleep', headers, inference({ session_id: key }))).toMatchObject({
      status: 200,
    })
  })
})

describe('X-Signature', () => {
  it.each(WRONG_SIGNATURES)('refuses %j with 401', async (signature) => {
    const headers = { 'x-signature': Buffer.from(signature).toString('latin1') }
    expect(await service.post('sahha', headers, body)).toMatchObject({
      status: 401,
      json: { code: 'unauthorized' },
    })
  })

  it('is over the exact bytes: the same JSON in other bytes does not pass', async () => {
    expect(await service.post('sahha', signed(body), JSON.stringify(body, null, 1))).toMatchObject({
      status: 401,
    })
  })

  it('accepts upper case and every configured secret', async () => {
    const first = biomarker({ id: 'upper' })
    const second = biomarker({ id: 'second' })
    const upper = { 'x-signature': signed(first)['x-signature'].toUpperCase() }
    expect(await service.post('sahha', upper, first)).toMatchObject({ status: 200 })
    expect(await service.post('sahha', signed(second, 'second-secret'), second)).toMatchObject({
      status: 200,
    })
  })

  it('beside a wrong key is refused: every credential presented must hold', async () => {
    expect(await service.post('sahha', { ...signed(body), 'x-api-key': 'wrong' }, body)).toMatchObject({
      status: 401,
    })
    const wrong = { 'x-signature': '0'.repeat(64), 'x-api-key': SAHHA_KEY, 'x-user-id': 'user-1' }
    expect(await service.post('sahha', wrong, body)).toMatchObject({ status: 401 })
  })
})

describe('the user', () => {
  const key = { 'x-api-key': SAHHA_KEY }

  it('is required beside a key: 400, and the body is kept', async () => {
    const answer = await service.post('sahha', key, biomarker({ id: 'no-user' }))
    expect(answer).toMatchObject({ status: 400, json: { code: 'missing_user_id' } })
    const [kept] = await service.db.query('select * from deliveries where delivery_id = $1', [
      answer.json.delivery_id,
    ])
    expect(kept).toMatchObject({ outcome: 'rejected', owner: 'profile-1', authenticated_by: 'api_key' })
    expect(
      await service.post('asleep', { 'x-api-key': ASLEEP_KEY }, inference({ seq_num: 1 })),
    ).toMatchObject({
      status: 400,
      json: { code: 'missing_user_id' },
    })
  })

  it.each(['user-2', 'USER-1', 'user-1 x', 'user'])(
    '%j must equal the one in the body: 422',
    async (user) => {
      const answer = await service.post('sahha', { ...key, 'x-user-id': user }, biomarker({ id: user }))
      expect(answer).toMatchObject({ status: 422, json: { code: 'user_mismatch' } })
      expect(JSON.stringify(answer.json)).not.toContain('user-1')
      const [kept] = await service.db.query(
        'select outcome, user_id from deliveries where delivery_id = $1',
        [answer.json.delivery_id],
      )
      expect(kept).toEqual({ outcome: 'rejected', user_id: user })
    },
  )

  it('may be written in UTF-8', async () => {
    const named = biomarker({ id: 'utf8', externalId: 'Zoë 睡眠' })
    const header = Buffer.from('Zoë 睡眠').toString('latin1')
    expect(await service.post('sahha', { ...key, 'x-user-id': header }, named)).toMatchObject({ status: 200 })
    const [kept] = await service.db.query(`select user_id from deliveries where user_id like 'Zo%'`)
    expect(kept).toEqual({ user_id: 'Zoë 睡眠' })
  })

  it('beside a signature may be absent or empty, but not another', async () => {
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

it('has no route for a vendor without a credential', async () => {
  const without = await setup({ SAHHA_API_KEYS: '', SAHHA_WEBHOOK_SECRETS: ' , ' })
  try {
    const empty = createHmac('sha256', '').update(JSON.stringify(body)).digest('hex')
    expect(await without.post('sahha', { 'x-signature': empty }, body)).toMatchObject({ status: 404 })
    expect(await without.asleep(inference(), USER)).toMatchObject({ status: 200 })
  } finally {
    await without.close()
  }
})

it('never logs, stores or answers a credential, a body or a user id', async () => {
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
