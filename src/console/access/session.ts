import { createHmac, randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { apiKeyCheck } from '../../contract/secrets.ts'

const COOKIE = 'nightpost_console'

/** Seconds for which somebody stays logged in. */
const LIFETIME = 12 * 3600

/** Ended sessions that are remembered. Beyond it the oldest are forgotten; their cookies were deleted in the browser. */
const MOST_ENDED = 10_000

/**
 * Who is logged in. A session is a signed cookie and nothing else, so every replica with the same token accepts it, and it
 * outlives a restart. Another token ends all sessions.
 */
export class Sessions {
  readonly #isToken: (presented: string) => boolean
  readonly #ended = new Set<string>()

  constructor(token: string) {
    this.#isToken = apiKeyCheck([token])
  }

  /** Sets the cookie of a new session if the token is right. Returns its name for the log, or null. */
  begin(reply: FastifyReply, token: string): string | null {
    if (!this.#isToken(token)) return null
    const name = randomBytes(9).toString('base64url')
    const until = Math.floor(Date.now() / 1000) + LIFETIME
    reply.setCookie(COOKIE, `${name}.${until}`, { ...ATTRIBUTES, signed: true, maxAge: LIFETIME })
    return name
  }

  /** The name of the session that a request belongs to; null if it belongs to none. */
  of(request: FastifyRequest): string | null {
    const cookie = request.cookies[COOKIE]
    const { valid, value } = cookie ? request.unsignCookie(cookie) : { valid: false, value: null }
    const [name = '', until] = value?.split('.') ?? []
    const isOpen = valid && Number(until) > Date.now() / 1000 && !this.#ended.has(name)
    return isOpen ? name : null
  }

  end(reply: FastifyReply, name: string): void {
    this.#ended.add(name)
    if (this.#ended.size > MOST_ENDED) this.#ended.delete(this.#ended.values().next().value as string)
    reply.clearCookie(COOKIE, ATTRIBUTES)
  }
}

/** `secure: auto`: set where the browser speaks HTTPS to a proxy that TRUST_PROXY names. */
const ATTRIBUTES = { path: '/', httpOnly: true, sameSite: 'strict', secure: 'auto' } as const

/** The key that signs cookies. The token itself does not serve: a cookie must not help to guess it faster than a login. */
export const cookieKey = (token: string): string =>
  createHmac('sha256', token).update('nightpost console cookie').digest('hex')
