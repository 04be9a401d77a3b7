import type { FastifyInstance } from 'fastify'
import type { TestService } from './service.ts'

export const TOKEN = 'a-token-of-the-console-tests'

const ORIGIN = 'http://console.test'

/** A browser without a window: it keeps the cookie, and sends `Origin` with a form. */
export interface Visitor {
  get(url: string, headers?: Record<string, string>): Promise<Page>
  post(url: string, fields?: Record<string, string>, headers?: Record<string, string>): Promise<Page>
  cookie: string
}

export interface Page {
  readonly status: number
  readonly headers: Record<string, string | undefined>
  readonly text: string
}

export function visitorOf({ console }: TestService): Visitor {
  const app = console as FastifyInstance
  const send = async (
    method: 'GET' | 'POST',
    url: string,
    payload: string,
    given: Record<string, string>,
  ) => {
    const headers = {
      ...{ host: new URL(ORIGIN).host, accept: 'text/html' },
      ...(method === 'POST' && { origin: ORIGIN, 'content-type': 'application/x-www-form-urlencoded' }),
      ...(visitor.cookie && { cookie: visitor.cookie }),
      ...given,
    }
    const answer = await app.inject({ method, url, headers, ...(method === 'POST' && { payload }) })
    const set = answer.cookies[0]
    if (set) visitor.cookie = set.value ? `${set.name}=${encodeURIComponent(set.value)}` : ''
    return { status: answer.statusCode, headers: answer.headers as Page['headers'], text: answer.body }
  }
  const visitor: Visitor = {
    cookie: '',
    get: (url, headers = {}) => send('GET', url, '', headers),
    post: (url, fields = {}, headers = {}) =>
      send('POST', url, new URLSearchParams(fields).toString(), headers),
  }
  return visitor
}

/** A visitor who is logged in. */
export async function loggedIn(service: TestService): Promise<Visitor> {
  const visitor = visitorOf(service)
  const { status } = await visitor.post('/login', { token: TOKEN })
  if (status !== 303) throw new Error(`the login was answered ${status}`)
  return visitor
}
