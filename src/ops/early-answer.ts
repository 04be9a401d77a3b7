import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/** The rest of a body up to this size is always read and discarded, and the connection stays open. */
const SMALL_BYTES = 64 * 2 ** 10

/** Limits of what is read and discarded after an answer that was sent before the end of the body. */
const LINGER_MS = 5000
const LINGER_BYTES = 64 * 2 ** 20

/** Whether the client may still send more than `SMALL_BYTES` of the request's body. */
export function isUnread({ complete, headers }: IncomingMessage): boolean {
  if (complete) return false
  const length = headers['content-length']
  return length === undefined ? headers['transfer-encoding'] !== undefined : Number(length) > SMALL_BYTES
}

/**
 * An answer to a request whose body is not read. The answer is sent immediately. What the client still sends is
 * discarded until a limit is reached: if the connection were closed immediately, TCP would reset it and the client
 * could lose the answer.
 */
export function earlyAnswer(request: IncomingMessage, text: string): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.from(text)
      await discardBody(request)
    })(),
  )
}

function discardBody(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0
    const count = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > LINGER_BYTES) stop()
    }
    const stop = () => {
      clearTimeout(timer)
      request.off('data', count).off('end', stop).off('close', stop)
      resolve()
    }
    const timer = setTimeout(stop, LINGER_MS)
    request
      .on('data', count)
      .on('end', stop)
      .on('close', stop)
      .on('error', () => {})
    request.resume()
    if (request.complete && request.readableEnded) stop()
    if (request.destroyed) stop()
  })
}
