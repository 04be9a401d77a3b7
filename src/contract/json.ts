import { isUtf8 } from 'node:buffer'
import { LosslessNumber, stringify as stringifyLossless } from 'lossless-json'
import { isExactNumber } from './exact-number.ts'
import { MAX_EXACT_NUMBERS, markLongNumbers, unmark } from './long-numbers.ts'

export type JsonObject = { [key: string]: unknown }

/** The body is not a JSON object, or it is too large to parse. `message` says why without quoting the body. */
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
 * Characters that Postgres can't store (U+0000, lone surrogates) become U+FFFD. A number that a double can't represent
 * becomes an `ExactNumber`. If an object repeats a key, the last value counts. Throws `Unreadable`.
 */
export function readJson(bytes: Buffer): JsonObject {
  if (bytes.length === 0) throw new Unreadable('malformed_json', 'The body is empty.')
  if (!isUtf8(bytes)) throw new Unreadable('malformed_json', 'The body is not UTF-8.')
  if (hasTooManyValues(bytes)) {
    throw new Unreadable('invalid_body', `The body has more than ${MAX_VALUES} values.`)
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

// The first two alternatives, an escaped backslash and a surrogate pair, match so that they are skipped unchanged.
const unstorableEscape =
  /\\\\|\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u(?:0000|[dD][89a-fA-F][\da-fA-F]{2})/g

function toReplacement(escaped: string): string {
  return escaped.length === 6 ? '\\ufffd' : escaped
}

// A double represents every number of up to 15 digits and a two-digit exponent exactly.
// `longDigits` finds longer ones quickly, also in strings; `longNumber` matches only after JSON punctuation.
const longDigits = /[\d.]{16}|\d[eE][+-]?\d{3}/
const longNumber = /(?:^|[[:,\s])-?(?:\d[\d.]{15}|\d[\d.]*[eE][+-]?\d{3})/

function parse(text: string): unknown {
  const marked = longDigits.test(text) && longNumber.test(text) ? markLongNumbers(text) : null
  if (marked === 'too many') {
    throw new Unreadable(
      'invalid_body',
      `The body has more than ${MAX_EXACT_NUMBERS} numbers that a double can't represent.`,
    )
  }
  try {
    return marked ? unmark(JSON.parse(marked.text), marked.mark) : JSON.parse(text)
  } catch {
    throw new Unreadable('malformed_json', 'The body is not JSON.')
  }
}

/**
 * Maximum of values in one body. 10 MiB of Sahha's smallest data logs have about 300,000. More values would take
 * several times the body's size in memory, and block the event loop for a second.
 */
export const MAX_VALUES = 500_000

/** A body of this many bytes can't have more values, so most bodies need no count. */
const FEW_BYTES = MAX_VALUES

/** Whether a body has too many values. Each value but the first follows a comma or opens a list or an object. */
function hasTooManyValues(bytes: Buffer): boolean {
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
  return values > MAX_VALUES
}
const [BACKSLASH, QUOTE, COMMA, BRACKET, BRACE] = [0x5c, 0x22, 0x2c, 0x5b, 0x7b]

/** Serialises a value as JSON. An `ExactNumber` is written as a number with all its digits. */
export function jsonText(value: unknown): string {
  if (!hasExactNumber(value)) return JSON.stringify(value)
  return stringifyLossless(withLossless(value)) ?? 'null'
}

function hasExactNumber(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isExactNumber(value)
  return Object.values(value).some(hasExactNumber)
}

function withLossless(value: unknown): unknown {
  if (isExactNumber(value)) return new LosslessNumber(value())
  if (Array.isArray(value)) return value.map(withLossless)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withLossless(inner)]))
}
