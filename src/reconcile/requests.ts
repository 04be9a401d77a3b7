import PQueue from 'p-queue'
import { type Dispatcher, request } from 'undici'
import { type ApiAnswer, type ApiCall, CallFailed, type Pull, StopPull } from '../contract/pull.ts'
import type { Clock } from '../ingest/clock.ts'
import type { CallLimits } from './limits.ts'
import { proxyAgent } from './proxy.ts'
import { pauseBefore, sleep } from './retry.ts'

/** The run was interrupted, or its budget is spent: what it has is stored, and the rest is left. */
export class RunEnds extends Error {
  override readonly name = 'RunEnds'
}

/** What became of a request, for the metrics: a status, or what was wrong. */
export type CallResult = 'ok' | 'refused' | 'rate' | 'server' | 'network' | 'malformed' | 'too_large'

interface RequestsOptions {
  readonly url: string
  readonly pull: Pick<Pull, 'isRetried' | 'stopReason'>
  readonly limits: CallLimits
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly kill: AbortSignal | null
  readonly onCall: (result: CallResult) => void
}

interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** An attempt that may succeed if it is repeated. */
interface Failed {
  readonly result: CallResult
  /** Milliseconds that the vendor asked to wait. */
  readonly wait?: number
}

const TOO_MANY = 429
const REQUEST_TIMEOUT = 408
const SERVER_ERROR = 500
const FORBIDDEN = 403

/** Statuses that the vendor's code handles. */
const HANDED_OVER = [401, 404, 410]

/**
 * Requests to one vendor's API within the limits of a run. Redirects are not followed, so that credentials go nowhere else.
 * No error contains a header, a body, a query or an id.
 */
export class Requests {
  readonly #options: RequestsOptions
  #agent: Dispatcher | undefined
  readonly #queue: PQueue
  #failuresInARow = 0
  /** Requests that were sent. */
  count = 0

  constructor(options: RequestsOptions) {
    this.#options = options
    const { concurrent, perMinute } = options.limits
    // In portions of a second, so that a minute's requests do not go out at once.
    const perSecond = Math.max(1, Math.floor(perMinute / 60))
    this.#queue = new PQueue({
      concurrency: concurrent,
      intervalCap: perSecond,
      interval: Math.ceil((60_000 * perSecond) / perMinute),
    })
  }

  /** Sends a request, and repeats it while that may help. Throws `StopPull`, `CallFailed` or `RunEnds`. */
  async send(call: ApiCall): Promise<ApiAnswer> {
    const { limits, signal } = this.#options
    this.#agent ??= proxyAgent(limits)
    let last: Failed = { result: 'network' }
    for (let attempt = 1; attempt <= limits.attempts; attempt += 1) {
      if (attempt > 1) await sleep(last.wait ?? pauseBefore(attempt, limits.pause), signal)
      const outcome = await this.#queue.add(() => this.#attempt(call)).catch((error) => this.#failed(error))
      if ('status' in outcome) {
        this.#failuresInARow = 0
        return outcome
      }
      last = outcome
    }
    return this.#failed(new CallFailed(`${routeOf(call)} failed ${limits.attempts} times (${last.result})`))
  }

  /** Counts a request that failed in the end. Throws the error, or `StopPull` if too many in a row failed. */
  #failed(error: unknown): never {
    if (!(error instanceof CallFailed)) throw error
    this.#failuresInARow += 1
    if (this.#failuresInARow < this.#options.limits.failuresInARow) throw error
    throw new StopPull(`${this.#failuresInARow} requests in a row failed. The last one: ${error.message}.`)
  }

  async close(): Promise<void> {
    await this.#agent?.close()
  }

  async #attempt(call: ApiCall): Promise<ApiAnswer | Failed> {
    const { limits, signal, clock, onCall } = this.#options
    if (signal.aborted) throw new RunEnds('The run was interrupted.')
    if (this.count >= limits.calls) throw new RunEnds(`The budget of ${limits.calls} calls is spent.`)
    this.count += 1
    const askedAt = clock.tick()
    try {
      const answer = await this.#exchange(call)
      const outcome = this.#judge(call, answer, askedAt)
      onCall('result' in outcome ? outcome.result : outcome.status < 400 ? 'ok' : 'refused')
      return outcome
    } catch (error) {
      if (error instanceof StopPull || error instanceof CallFailed) {
        onCall('refused')
        throw error
      }
      const { code } = error as NodeJS.ErrnoException
      const result = code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' ? 'too_large' : 'network'
      onCall(result)
      if (result === 'too_large')
        throw new CallFailed(`${routeOf(call)}: the answer has more than ${limits.answerBytes} bytes`)
      return { result }
    }
  }

  async #exchange({ path, params = {}, query = {}, headers = {}, body }: ApiCall): Promise<RawAnswer> {
    const { url, limits, kill } = this.#options
    const within = AbortSignal.timeout(limits.answerWithin)
    const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
    const target = new URL(`${url.replace(/\/+$/, '')}${filled}`)
    for (const [name, values] of Object.entries(query))
      for (const value of [values].flat()) target.searchParams.append(name, value)
    const answer = await request(target, {
      ...(this.#agent && { dispatcher: this.#agent }),
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        'user-agent': 'nightpost',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // What is asked for already is read to its end, also after an interruption.
      signal: kill ? AbortSignal.any([within, kill]) : within,
    })
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
  }

  #judge(call: ApiCall, { status, headers, text }: RawAnswer, askedAt: number): ApiAnswer | Failed {
    const { pull } = this.#options
    if (status >= 200 && status < 300) {
      const json = text.trim() === '' ? undefined : parsed(text)
      return json === MALFORMED ? { result: 'malformed' } : { status, text, json, askedAt }
    }
    const isRate = status === TOO_MANY || pull.isRetried?.(status, text) === true
    if (isRate) return { result: 'rate', ...retryAfter(headers['retry-after']) }
    if (status >= SERVER_ERROR || status === REQUEST_TIMEOUT)
      return { result: 'server', ...retryAfter(headers['retry-after']) }
    const reason = pull.stopReason?.(status, text)
    if (reason) throw new StopPull(`${routeOf(call)} was answered ${status}: ${reason}`)
    if ([...HANDED_OVER, ...(call.handed ?? [])].includes(status))
      return { status, text, json: undefined, askedAt }
    if (status === FORBIDDEN) throw new StopPull(`${routeOf(call)} was answered 403: not allowed.`)
    throw new CallFailed(`${routeOf(call)} was answered ${status}`)
  }
}

/** The method and the path, without `params`. A part that looks like an id is left out, too. */
function routeOf({ path, body }: ApiCall): string {
  const known = path.split('/').map((part) => (/^[a-z]+(-[a-z]+)*$|^v\d$|^$/.test(part) ? part : '…'))
  return `${body === undefined ? 'GET' : 'POST'} ${known.join('/')}`
}

const MALFORMED = Symbol('malformed')

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return MALFORMED
  }
}

/** The pause of a `Retry-After` header, which has seconds or a date. A pause of more than ten minutes is cut to ten. */
function retryAfter(value: string | string[] | undefined): { wait?: number } {
  if (typeof value !== 'string' || value === '') return {}
  const seconds = Number(value)
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(wait) ? { wait: Math.min(Math.max(0, wait), 600_000) } : {}
}
