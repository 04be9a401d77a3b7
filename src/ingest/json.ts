import { isUtf8 } from 'node:buffer'
import {
  isSafeNumber,
  LosslessNumber,
  parse as parseLossless,
  stringify as stringifyLossless,
} from 'lossless-json'
import { exactNumber, isExactNumber } from './exact-number.ts'

export type JsonObject = { [key: string]: unknown }

/** The body is no JSON object; `message` says why without quoting it. */
export class MalformedJson extends Error {}

/**
 * Reads the exact bytes of a body as one JSON object.
 *
 * Text that Postgres can't hold (U+0000, lone surrogates) is read as U+FFFD. A number that a double
 * would bend is read as an `ExactNumber`. Of a repeated key the last one counts.
 */
export function readJson(bytes: Buffer): JsonObject {
  if (bytes.length === 0) throw new MalformedJson('The body is empty.')
  if (!isUtf8(bytes)) throw new MalformedJson('The body is not UTF-8.')
  let text = bytes.toString('utf8')
  if (text.charCodeAt(0) === BYTE_ORDER_MARK) text = text.slice(1)
  const value = parse(text.includes('\\u') ? text.replace(unstorableEscape, toReplacement) : text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MalformedJson('The body is JSON, but not an object.')
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
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new MalformedJson('The body is not JSON.')
  }
  if (!longDigits.test(text) || !longNumber.test(text)) return value
  try {
    return parseExact(text)
  } catch {
    // It is JSON: the exact reader is recursive, and ran out of stack.
    throw new MalformedJson('The body is nested too deeply.')
  }
}

function parseExact(text: string): unknown {
  return parseLossless(text, null, {
    parseNumber: (digits) => (isSafeNumber(digits) ? Number(digits) : exactNumber(digits)),
    onDuplicateKey: ({ newValue }) => newValue,
  })
}

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
