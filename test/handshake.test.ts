import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { apiKeyCheck } from '../src/contract/secrets.ts'
import type { Credentials, HandshakeAnswer, Vendor } from '../src/contract/vendor.ts'
import { answerHandshake } from '../src/ingest/handshake.ts'
import { unpackAndJudge } from '../src/ingest/judge.ts'
import { answerProblems } from '../src/ops/problems.ts'
import { sahha } from '../src/vendors/sahha/index.ts'

const credentials: Credentials = (setting) => (setting === 'MOCK_TOKENS' ? ['right'] : [])

let app: FastifyInstance

/** The HTTP side of a vendor that sends its token and a challenge, and gets the answer of `accept` if the token is right. */
function appOf(accept: (challenge: unknown) => HandshakeAnswer): FastifyInstance {
  const vendor: Vendor = {
    ...sahha,
    name: 'mock',
    handshake: ({ token, challenge }, credentials) =>
      typeof token === 'string' && apiKeyCheck(credentials('MOCK_TOKENS'))(token) ? accept(challenge) : null,
  }
  app = Fastify()
  answerProblems(app)
  answerHandshake(app, vendor, credentials)
  return app
}

afterEach(() => app.close())

const get = (query: string) => app.inject({ method: 'GET', url: `/webhooks/mock?${query}` })

describe('the GET handshake of a vendor', () => {
  it('returns a JSON body', async () => {
    appOf((challenge) => ({ status: 200, body: { challenge } }))
    const answer = await get('token=right&challenge=abc')
    expect([answer.statusCode, answer.json()]).toEqual([200, { challenge: 'abc' }])
  })

  it('returns text as text/plain, which a browser does not take for HTML', async () => {
    appOf((challenge) => ({ status: 200, body: String(challenge) }))
    const answer = await get('token=right&challenge=<b>')
    expect(answer.body).toBe('<b>')
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
  })

  it('returns a status without a body', async () => {
    appOf(() => ({ status: 204, body: null }))
    const answer = await get('token=right')
    expect([answer.statusCode, answer.body]).toEqual([204, ''])
  })

  it.each(['', 'token=wrong', 'token=right&token=right'])('answers 401 to the query "%s"', async (query) => {
    appOf(() => ({ status: 200, body: 'ok' }))
    const answer = await get(query)
    expect(answer.statusCode).toBe(401)
    expect(answer.json()).toMatchObject({ code: 'unauthorized' })
  })

  it('adds no GET route for a vendor without a handshake', async () => {
    app = Fastify()
    answerProblems(app)
    answerHandshake(app, sahha, credentials)
    const answer = await app.inject({ method: 'GET', url: '/webhooks/sahha' })
    expect(answer.statusCode).toBe(404)
  })
})

it('a vendor without a user header stores a body of any user', () => {
  const schemes = { signature: { userHeader: null, required: false } }
  const [event] = sahha.events
  const body = Buffer.from(JSON.stringify(event?.example))
  const verdict = unpackAndJudge({ ...sahha, schemes }, 'signature', {}, body, body.length)
  expect(verdict).toMatchObject({ outcome: 'stored', userId: null })
})
