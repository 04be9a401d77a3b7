import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery } from './delivery.ts'

export interface Answer {
  readonly status: number
  /** `outcome` of a success or `code` of a problem. */
  readonly said: string
  readonly retryAfterSeconds: number
}

/** Delivers one request; throws where no answer came. */
export type Post = (path: string, headers: Record<string, string>, body: string) => Promise<Answer>

export interface Credentials {
  readonly asleepKey: string | undefined
  readonly sahhaSecret: string | undefined
  /** Taken where there is no secret. */
  readonly sahhaKey: string | undefined
}

export interface Sent {
  readonly delivery: Delivery
  /** What was answered last. */
  readonly said: string
  readonly isExpected: boolean
  readonly retries: number
}

const TRIES = 6

/**
 * Sends the lanes side by side, each in its order; at most `rate` requests a second. A 503 and a lost connection
 * are tried again, as the vendors do.
 */
export async function send(
  lanes: Delivery[][],
  post: Post,
  credentials: Credentials,
  rate: number,
  onSent: (sent: Sent) => void,
): Promise<void> {
  let slot = performance.now()
  const turn = async () => {
    if (rate === Number.POSITIVE_INFINITY) return
    slot = Math.max(performance.now(), slot + 1000 / rate)
    await sleep(slot - performance.now())
  }
  await Promise.all(
    lanes.map(async (lane) => {
      for (const delivery of lane) {
        await turn()
        onSent(await deliver(delivery, post, credentials))
      }
    }),
  )
}

async function deliver(delivery: Delivery, post: Post, credentials: Credentials): Promise<Sent> {
  const headers = headersOf(delivery, credentials)
  for (let retries = 0; ; retries += 1) {
    const answer = await post(`/webhooks/${delivery.vendor}`, headers, delivery.body).catch(
      (error: Error) => error,
    )
    const failed = answer instanceof Error || answer.status === 503
    if (failed && retries < TRIES - 1) {
      await sleep(answer instanceof Error ? 500 : Math.min(answer.retryAfterSeconds, 5) * 1000)
      continue
    }
    const said = answer instanceof Error ? 'no answer' : answer.said
    return { delivery, said, isExpected: isExpected(delivery, said), retries }
  }
}

/** A first delivery may be a duplicate: of an earlier run, or because its first answer was lost. */
function isExpected({ expected }: Delivery, said: string): boolean {
  return said === expected || (expected === 'stored' && said === 'duplicate')
}

/** The headers with which the vendor proves itself. */
export function headersOf(delivery: Delivery, credentials: Credentials): Record<string, string> {
  const { user = '', body, proven, eventType } = delivery
  const json = { 'content-type': 'application/json' }
  if (delivery.vendor === 'asleep') {
    return { ...json, 'x-api-key': secret(credentials.asleepKey, proven), 'x-user-id': user }
  }
  const event = { 'X-Event-Type': eventType ?? '' }
  if (credentials.sahhaSecret === undefined && credentials.sahhaKey !== undefined) {
    return { ...json, ...event, 'x-api-key': secret(credentials.sahhaKey, proven), 'x-user-id': user }
  }
  const key = secret(credentials.sahhaSecret, proven)
  const signature = createHmac('sha256', key).update(body).digest('hex')
  return { ...json, ...event, 'X-Signature': signature, 'X-External-Id': user }
}

function secret(credential: string | undefined, proven: boolean): string {
  return proven ? (credential ?? '') : `not-${credential}`
}

/** Over HTTP, to a Nightpost that listens at `url`. */
export function httpPost(url: string): Post {
  return async (path, headers, body) => {
    const answer = await fetch(new URL(path, url), { method: 'POST', headers, body })
    const json = (await answer.json()) as { outcome?: string; code?: string }
    return {
      status: answer.status,
      said: json.outcome ?? json.code ?? `status ${answer.status}`,
      retryAfterSeconds: Number(answer.headers.get('retry-after') ?? 1),
    }
  }
}
