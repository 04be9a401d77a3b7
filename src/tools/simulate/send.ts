import { setTimeout as sleep } from 'node:timers/promises'
import { type Credentials, requestHeaders } from './request-headers.ts'
import type { SimulatedDelivery } from './simulated-delivery.ts'

/** Sends one POST request; rejects if the connection fails before the answer. */
export type Post = (path: string, headers: Record<string, string>, body: string) => Promise<PostAnswer>

export interface PostAnswer {
  readonly status: number
  /** `outcome` of a success or `code` of a problem. */
  readonly result: string
  readonly retryAfterSeconds: number
}

/** A delivery and the last answer to it. */
export interface SentDelivery {
  readonly delivery: SimulatedDelivery
  /** `outcome` of a success, `code` of a problem, or `no answer`. */
  readonly result: string
  readonly isExpected: boolean
  readonly retries: number
}

const MAX_ATTEMPTS = 6

/**
 * Sends the sequences concurrently, and the deliveries of each sequence in order, at most `rate` requests a
 * second. Like the vendors, retries after 503, 429 and a lost connection.
 */
export async function send(
  sequences: SimulatedDelivery[][],
  post: Post,
  credentials: Credentials,
  rate: number,
  onSent: (sent: SentDelivery) => void,
): Promise<void> {
  const rateLimit = rateLimiter(rate)
  await Promise.all(
    sequences.map(async (sequence) => {
      for (const delivery of sequence) {
        await rateLimit()
        onSent(await sendWithRetries(delivery, post, credentials))
      }
    }),
  )
}

/** A function that resolves at most `rate` times a second. */
function rateLimiter(rate: number): () => Promise<void> {
  let nextAt = performance.now()
  return async () => {
    if (rate === Number.POSITIVE_INFINITY) return
    nextAt = Math.max(performance.now(), nextAt + 1000 / rate)
    await sleep(nextAt - performance.now())
  }
}

async function sendWithRetries(
  delivery: SimulatedDelivery,
  post: Post,
  credentials: Credentials,
): Promise<SentDelivery> {
  const headers = requestHeaders(delivery, credentials)
  for (let retries = 0; ; retries += 1) {
    const answer = await post(`/webhooks/${delivery.vendor}`, headers, delivery.body).catch(
      (error: Error) => error,
    )
    const isTemporary = answer instanceof Error || answer.status === 503 || answer.status === 429
    if (isTemporary && retries < MAX_ATTEMPTS - 1) {
      await sleep(answer instanceof Error ? 500 : Math.min(answer.retryAfterSeconds, 5) * 1000)
      continue
    }
    const result = answer instanceof Error ? 'no answer' : answer.result
    return { delivery, result, isExpected: isExpected(delivery, result), retries }
  }
}

/** `duplicate` is right for a first delivery too: an earlier run, or an attempt whose answer was lost, stored it. */
function isExpected({ expectedResult }: SimulatedDelivery, result: string): boolean {
  return result === expectedResult || (expectedResult === 'stored' && result === 'duplicate')
}

/** Posts over HTTP to the Nightpost at `url`. */
export function httpPost(url: string): Post {
  return async (path, headers, body) => {
    const response = await fetch(new URL(path, url), { method: 'POST', headers, body })
    const json = (await response.json()) as { outcome?: string; code?: string }
    return {
      status: response.status,
      result: json.outcome ?? json.code ?? `status ${response.status}`,
      retryAfterSeconds: Number(response.headers.get('retry-after') ?? 1),
    }
  }
}
