import type { Workload } from './workloads.ts'

export const KEY = 'bench-key'
const OWNERS = 1_000

/** An HTTP request whose bytes are built once and changed in place for each delivery. */
export interface PreparedRequest {
  readonly bytes: Buffer
  /** Writes the delivery's number, and the owner that follows from it, into the bytes. */
  setNumber(number: number): void
  /** A copy of the body of the delivery with this number. */
  body(number: number): Buffer
}

export function prepareRequest(workload: Workload, owners = OWNERS): PreparedRequest {
  const user = workload.vendor === 'asleep' ? 'G-20250115025029-vLErWBfQNtnfvgDc#####' : 'user_#####'
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
  const numberOffsets = [...text.matchAll(/@{10}/g)].map(({ index }) => index)
  const ownerOffsets = [...text.matchAll(/#{5}/g)].map(({ index }) => index)
  const setNumber = (number: number) => {
    const digits = String(number).padStart(10, '0')
    const owner = String(number % owners).padStart(5, '0')
    for (const offset of numberOffsets) bytes.write(digits, offset, 'latin1')
    for (const offset of ownerOffsets) bytes.write(owner, offset, 'latin1')
  }
  return {
    bytes,
    setNumber,
    body(number) {
      setNumber(number)
      return Buffer.from(bytes.subarray(head.length))
    },
  }
}
