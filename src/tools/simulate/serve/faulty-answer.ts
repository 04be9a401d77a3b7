import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import type { Answer } from './answer.ts'
import type { Fate, FaultKind } from './faults.ts'

const SLOW_MS = 10_000
const HTML = '<html><body><h1>Service</h1></body></html>'

const forbidden = (detail: string): Answer => ({ status: 403, body: { detail } })

const REFUSALS: Record<'asleep' | 'sahha', Partial<Record<FaultKind, Answer>>> = {
  asleep: {
    error: { status: 500, body: { detail: 'Internal Server Error' } },
    rate: forbidden('Rate limit exceeded'),
    quota: forbidden('Quota exceeded'),
    plan: forbidden('Plan expired'),
  },
  sahha: {
    error: { status: 500, body: { title: 'An error occurred', statusCode: 500, errors: [] } },
    rate: {
      status: 429,
      body: { title: 'Too Many Requests', statusCode: 429, errors: [] },
      headers: { 'retry-after': '1' },
    },
    empty: { status: 204 },
  },
}

/** The answer that takes the place of the right one, if the fault has one. */
export function faultyAnswer(vendor: 'asleep' | 'sahha', { fault }: Fate): Answer | undefined {
  return fault ? REFUSALS[vendor][fault] : undefined
}

/** Sends the answer late, in part, or as something else, if that is the fault. */
export async function sendFaulty(
  reply: FastifyReply,
  answer: Answer,
  { fault, isSecondForm }: Fate,
  slowMs = SLOW_MS,
  signal?: AbortSignal,
): Promise<void> {
  if (fault === 'slow') await sleep(slowMs, undefined, signal && { signal }).catch(() => {})
  const text = answer.body && JSON.stringify(answer.body)
  const half = text?.slice(0, text.length / 2) ?? ''
  if (fault === 'reset') return breakConnection(reply, isSecondForm ? half : null)
  reply.code(answer.status).headers(answer.headers ?? {})
  if (fault === 'malformed') {
    await reply
      .code(200)
      .type('application/json')
      .send(isSecondForm ? half : HTML)
  } else if (text === undefined) await reply.send()
  else await reply.type('application/json').send(text)
}

/** Before the answer, or with part of it sent. */
function breakConnection(reply: FastifyReply, sent: string | null): void {
  reply.hijack()
  const { raw } = reply
  if (sent === null) {
    raw.destroy()
    return
  }
  raw.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) + 100 })
  raw.write(sent, () => raw.destroy())
}
