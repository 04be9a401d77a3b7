import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/** Bodies up to this size are read and dropped in any case, and their connection stays open. */
const SMALL_BYTES = 64 * 2 ** 10

/** How long, and how much, is read and dropped after an answer that came before the end of a body. */
const LINGER_MS = 5000
const LINGER_BYTES = 64 * 2 ** 20

/** Whether much of a request's body may still be on its way. */
export function isUnread({ complete, headers }: IncomingMessage): boolean {
  if (complete) return false
  const length = headers['content-length']
  return length === undefined ? headers['transfer-encoding'] !== undefined : Number(length) > SMALL_BYTES
}

/**
 * An answer to a request whose body is not read. The client gets all of it at once, while what it goes on sending is
 * dropped for a while: a connection that was closed at once would be reset, and the client would lose the answer.
 */
export function earlyAnswer(request: IncomingMessage, text: string): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.from(text)
      await dropped(request)
    })(),
  )
}

function dropped(request: IncomingMessage): Promise<void> {
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
