import { contentOf, readablePart } from '../ingest/content.ts'

/** The text of a body, and whether it is JSON. */
export interface BodyText {
  readonly text: string
  readonly isJson: boolean
}

/** Bytes to which a body is unpacked at most. */
const UNPACKED_BYTES = 64 * 2 ** 20

/** The text of a stored body, or of the part that can be unpacked to at most `limit` bytes. */
export function readText(
  headers: Readonly<Record<string, string>>,
  body: Buffer | null,
  limit = UNPACKED_BYTES,
): BodyText {
  const bytes = body ?? Buffer.alloc(0)
  const content = contentOf(headers, bytes, limit)
  const text = (Buffer.isBuffer(content) ? content : readablePart(bytes, limit)).toString('utf8')
  return { text, isJson: isJson(text) }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/**
 * Every text in a body that may be the id of a person: each JSON string, without its escapes, also those of a key that is
 * repeated. In a body that is no JSON quotes may be missing, so it is also what stands between any two quotes, and every word.
 * Some come twice.
 */
export function* textsIn({ text, isJson }: BodyText): Generator<string> {
  for (let from = text.indexOf('"'); from >= 0; ) {
    const to = endOfString(text, from)
    if (to < 0) break
    yield unescaped(text.slice(from, to + 1))
    from = text.indexOf('"', to + 1)
  }
  if (isJson) return
  for (const [piece] of text.matchAll(/[^"]+/g)) yield stored(piece)
  for (const [word] of text.matchAll(/[^\s"'&=,;:{}[\]()<>\\]+/g)) yield stored(word)
}

/** Where the string ends that begins at `from`: at the next quote without an odd number of backslashes before it. */
function endOfString(text: string, from: number): number {
  for (let to = text.indexOf('"', from + 1); to >= 0; to = text.indexOf('"', to + 1)) {
    let first = to
    while (text[first - 1] === '\\') first -= 1
    if ((to - first) % 2 === 0) return to
  }
  return -1
}

function unescaped(token: string): string {
  if (!token.includes('\\')) return stored(token.slice(1, -1))
  try {
    return stored(JSON.parse(token))
  } catch {
    return stored(token.slice(1, -1))
  }
}

/** A text as Postgres has it: `readJson` replaces the characters that it can't store. */
const stored = (text: string) => text.toWellFormed().replaceAll('\u0000', '\ufffd')
