import { type ApiAnswer, type ApiCall, type PullContext, StopPull } from '../../contract/pull.ts'

/** A token is renewed when this share of its life is over. */
const RENEWED_AFTER = 0.9

/** How often a request is sent that is answered 401. */
const ATTEMPTS = 8

/** The life of a token if the answer does not say it, in seconds. */
const DEFAULT_LIFE = 3_600

export type Ask = (call: ApiCall) => Promise<ApiAnswer>

/** The account token that every request of Sahha's API needs. It is asked for at the first request. */
export class AccountToken {
  readonly #context: PullContext
  #current: Promise<{ readonly text: string; readonly renewAt: number }> | undefined

  constructor(context: PullContext) {
    this.#context = context
  }

  /** Sends a request with the token. After a 401 it is sent again with a new one, which other requests may use up meanwhile. */
  async ask(call: ApiCall): Promise<ApiAnswer> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const token = await this.#token()
      const answer = await this.#send(call, token.text)
      if (answer.status !== 401) return answer
      // Only the request that finds it invalid first renews it.
      if (this.#current && (await this.#current) === token) this.#current = undefined
    }
    throw new StopPull('Sahha refuses the tokens that it has just issued.')
  }

  #send(call: ApiCall, token: string): Promise<ApiAnswer> {
    return this.#context.request({ ...call, headers: { ...call.headers, authorization: `account ${token}` } })
  }

  async #token() {
    const known = this.#current
    const isOver = known !== undefined && (await known).renewAt <= this.#context.now()
    // Another request may have renewed it meanwhile.
    if (this.#current === undefined || (isOver && this.#current === known)) this.#current = this.#issued()
    return this.#current
  }

  /** A token that is asked for now. If that fails, the next request asks again. */
  #issued() {
    const issued = this.#issue()
    issued.catch(() => {
      if (this.#current === issued) this.#current = undefined
    })
    return issued
  }

  async #issue() {
    const { setting, request } = this.#context
    const clientId = setting('SAHHA_CLIENT_ID')
    const clientSecret = setting('SAHHA_CLIENT_SECRET')
    const { status, json, askedAt } = await request({
      path: '/api/v1/oauth/account/token',
      body: { clientId, clientSecret },
    })
    const { accountToken, expiresIn } = (json ?? {}) as { accountToken?: unknown; expiresIn?: unknown }
    if (status === 401 || typeof accountToken !== 'string' || accountToken === '')
      throw new StopPull('SAHHA_CLIENT_ID and SAHHA_CLIENT_SECRET were not accepted.')
    const life = typeof expiresIn === 'number' && expiresIn > 0 ? expiresIn : DEFAULT_LIFE
    return { text: accountToken, renewAt: askedAt / 1000 + life * 1000 * RENEWED_AFTER }
  }
}
