import type { Workload } from './workloads.ts'

export const KEY = 'bench-key'
const OWNERS = 1000

/** A request whose bytes are laid out once; `fill` writes a delivery's number and owner into them. */
export function request(workload: Workload): {
  bytes: Buffer
  fill(number: number): void
  body(number: number): Buffer
} {
  const user = workload.vendor === 'asleep' ? 'G-20250115025029-vLErWBfQNtnfvgDcc####' : 'user_####'
  const head = [
    `POST /webhooks/${workload.vendor} HTTP/1.1`,
    'host: bench',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(workload.template)}`,
    `x-api-key: ${KEY}`,
    `x-user-id: ${user}`,
    ...(workload.eventType ? [`x-event-type: ${workload.eventType}`] : []),
    '\r\n',
  ].join('\r\n')
  const text = head + workload.template
  const bytes = Buffer.from(text)
  const numbers = [...text.matchAll(/@{10}/g)].map(({ index }) => index)
  const owners = [...text.matchAll(/#{4}/g)].map(({ index }) => index)
  const fill = (number: number) => {
    const digits = String(number).padStart(10, '0')
    const owner = String(number % OWNERS).padStart(4, '0')
    for (const at of numbers) bytes.write(digits, at, 'latin1')
    for (const at of owners) bytes.write(owner, at, 'latin1')
  }
  return {
    bytes,
    fill,
    body(number) {
      fill(number)
      return Buffer.from(bytes.subarray(head.length))
    },
  }
}
