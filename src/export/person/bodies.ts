import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import { contentOf } from '../../ingest/content.ts'
import type { Piece } from '../encoder.ts'
import type { Folder } from './folder.ts'
import type { DeliveryBody } from './ledger.ts'

const EXACT =
  'Every message as it was received, byte for byte, one JSON object per line; "base64" has the bytes of the message.'
const READABLE =
  'The same messages for reading, one JSON object per line. A message that is not JSON is not in here.'

/** Writes the exact bodies, and those that are JSON once more to be read. Returns their number. */
export async function writeBodies(
  folder: Folder,
  all: AsyncIterable<DeliveryBody & { readonly isQuarantined: boolean }>,
  bodyLimit: number,
): Promise<number> {
  let count = 0
  let readable = 0
  await folder.file('messages.ndjson', EXACT, async (put) => {
    await folder.file('messages-readable.ndjson', READABLE, async (putReadable) => {
      for await (const { delivery_id, event, received_at, isQuarantined, headers, body } of all) {
        const head = { delivery_id, event, received_at, quarantined: isQuarantined }
        await put(exactLine(head, body))
        count += 1
        const text = jsonOf(contentOf(headers, body, bodyLimit))
        if (text === null) continue
        await putReadable(`${JSON.stringify(head).slice(0, -1)},"message":${text}}\n`)
        readable += 1
      }
      return readable
    })
    return count
  })
  return count
}

const exactLine = (head: object, body: Buffer): Piece => {
  const sum = { bytes: body.length, sha256: hash('sha256', body, 'hex') }
  return `${JSON.stringify({ ...head, ...sum, base64: body.toString('base64') })}\n`
}

/** The JSON text of a body on one line; null if it is none. In valid JSON a line end stands only between values. */
function jsonOf(content: unknown): string | null {
  if (!Buffer.isBuffer(content) || !isUtf8(content)) return null
  const text = content.toString('utf8').replace(/^\ufeff/, '')
  try {
    JSON.parse(text)
  } catch {
    return null
  }
  return text.replaceAll(/[\r\n]+/g, ' ')
}
