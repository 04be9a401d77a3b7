import { isUtf8 } from 'node:buffer'
import { LosslessNumber, stringify as stringifyLossless } from 'lossless-json'
import { isExactNumber } from './exact-number.ts'
import { MOST_EXACT, markLongNumbers, unmark } from './long-numbers.ts'

export type JsonObject = { [key: string]: unknown }

/** The body is no JSON object, or one that is too costly to read; `message` says why without quoting it. */
export class Unreadable extends Error {
  readonly code: 'malformed_json' | 'invalid_body'

  constructor(code: Unreadable['code'], message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Reads the exact bytes of a body as one JSON object.
 *
 * Text that Postgres can't hold (U+0000, lone surrogates) is read as U+FFFD. A number that a double
 * would bend is read as an `ExactNumber`. Of a repeated key the last one counts.
 */
export function readJson(bytes: Buffer): JsonObject {
  if (bytes.length === 0) throw new Unreadable('malformed_json', 'The body is empty.')
  if (!isUtf8(bytes)) throw new Unreadable('malformed_json', 'The body is not UTF-8.')
  if (holdsTooMany(bytes)) {
    throw new Unreadable('invalid_body', `The body holds more than ${MOST_VALUES} values.`)
  }
  let text = bytes.toString('utf8')
  if (text.charCodeAt(0) === BYTE_ORDER_MARK) text = text.slice(1)
  const value = parse(text.includes('\\u') ? text.replace(unstorableEscape, toReplacement) : text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Unreadable('malformed_json', 'The body is JSON, but not an object.')
  }
  return value as JsonObject
}

const BYTE_ORDER_MARK = 0xfeff

// Alternatives in this order: an escaped backslash and a proper surrogate pair are consumed and kept.
const unstorableEscape =
  /\\\\|\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u(?:0000|[dD][89a-fA-F][\da-fA-F]{2})/g

function toReplacement(escaped: string): string {
  return escaped.length === 6 ? '\\ufffd' : escaped
}

// Of all numbers only those of 16 or more digits or with a three-digit exponent can be bent by a double.
// The first expression finds them anywhere, quickly; the second makes sure that it was not in a string.
const longDigits = /[\d.]{16}|\d[eE][+-]?\d{3}/
const longNumber = /(?:^|[[:,\s])-?(?:\d[\d.]{15}|\d[\d.]*[eE][+-]?\d{3})/

function parse(text: string): unknown {
  const marked = longDigits.test(text) && longNumber.test(text) ? markLongNumbers(text) : null
  if (marked === 'too many') {
    throw new Unreadable('invalid_body', `The body holds more than ${MOST_EXACT} numbers beyond a double.`)
  }
  try {
    return marked ? unmark(JSON.parse(marked.text), marked.mark) : JSON.parse(text)
  } catch {
    throw new Unreadable('malformed_json', 'The body is not JSON.')
  }
}

/**
 * What one body may hold: of 10 MiB of data logs as small as Sahha makes them about 300,000. More than this would
 * take several times the body's size in memory, and the one thread for a second.
 */
export const MOST_VALUES = 500_000

/** At most so many values fit into a body of this size, so that most need not be looked at. */
const FEW_BYTES = MOST_VALUES

/** How many values a body holds, no more than its commas and opening brackets outside of strings. */
function holdsTooMany(bytes: Buffer): boolean {
  if (bytes.length <= FEW_BYTES) return false
  let values = 0
  let isString = false
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (isString) {
      if (byte === BACKSLASH) at += 1
      else if (byte === QUOTE) isString = false
    } else if (byte === QUOTE) isString = true
    else if (byte === COMMA || byte === BRACKET || byte === BRACE) values += 1
  }
  return values > MOST_VALUES
}
const [BACKSLASH, QUOTE, COMMA, BRACKET, BRACE] = [0x5c, 0x22, 0x2c, 0x5b, 0x7b]

/** JSON source text in which exact numbers keep all their digits. */
export function jsonText(value: unknown): string {
  if (!holdsExact(value)) return JSON.stringify(value)
  return stringifyLossless(withLossless(value)) ?? 'null'
}

function holdsExact(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isExactNumber(value)
  return Object.values(value).some(holdsExact)
}

function withLossless(value: unknown): unknown {
  if (isExactNumber(value)) return new LosslessNumber(value())
  if (Array.isArray(value)) return value.map(withLossless)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withLossless(inner)]))
}
