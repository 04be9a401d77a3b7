import { randomUUID } from 'node:crypto'
import { isSafeNumber } from 'lossless-json'
import { exactNumber } from './exact-number.ts'

// A double represents every number of up to 15 digits and a two-digit exponent exactly.
const longNumber = /-?(?:\d[\d.]{15}[\d.]*(?:[eE][+-]?\d+)?|\d[\d.]*[eE][+-]?\d{3}\d*)/g
const SHORTEST = '1e100'.length
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const keyEnd = /\s*:/y

/** Maximum in one body. An `ExactNumber` takes 300 bytes, so a body of nothing else would fill the memory. */
export const MAX_EXACT_NUMBERS = 100_000

/** JSON source in which each long number is a string that begins with `mark`. */
export interface Marked {
  readonly text: string
  readonly mark: string
}

/**
 * Replaces each number that a double can't represent by a marked string, so that `JSON.parse` keeps its digits. Returns
 * null if there is none, and 'too many' if there are more than `MAX_EXACT_NUMBERS`. Invalid JSON stays invalid.
 */
export function markLongNumbers(text: string): Marked | null | 'too many' {
  // Random, so that no body can contain it.
  const mark = randomUUID()
  const parts: string[] = []
  let copied = 0
  const outside = (from: number, to: number) => {
    if (to - from < SHORTEST) return
    for (const { 0: digits, index } of text.slice(from, to).matchAll(longNumber)) {
      const end = from + index + digits.length
      keyEnd.lastIndex = end
      if (parts.length > 2 * MAX_EXACT_NUMBERS) return
      if (!jsonNumber.test(digits) || isSafeNumber(digits) || keyEnd.test(text)) continue
      parts.push(text.slice(copied, from + index), `"${mark}${digits}"`)
      copied = end
    }
  }
  let at = 0
  for (;;) {
    const quote = text.indexOf('"', at)
    outside(at, quote < 0 ? text.length : quote)
    if (quote < 0 || parts.length > 2 * MAX_EXACT_NUMBERS) break
    at = endOfString(text, quote + 1)
  }
  if (parts.length === 0) return null
  if (parts.length > 2 * MAX_EXACT_NUMBERS) return 'too many'
  parts.push(text.slice(copied))
  return { text: parts.join(''), mark }
}

/** The index after the closing quote of the string whose first character is at `from`. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1
    if (backslashes % 2 === 0) return at + 1
  }
  return text.length
}
const BACKSLASH = 0x5c

/** Replaces each marked string by an `ExactNumber`. Iterative, because a body may be nested too deeply to recurse. */
export function unmark(root: unknown, mark: string): unknown {
  const exact = (value: string) => exactNumber(value.slice(mark.length))
  const isMarked = (value: unknown): value is string => typeof value === 'string' && value.startsWith(mark)
  const open = [root]
  const isOpen = (value: unknown): value is object => typeof value === 'object' && value !== null
  for (let holder = open.pop(); holder !== undefined; holder = open.pop()) {
    if (Array.isArray(holder)) {
      for (let at = 0; at < holder.length; at += 1) {
        const value = holder[at]
        if (isMarked(value)) holder[at] = exact(value)
        else if (isOpen(value)) open.push(value)
      }
    } else if (isOpen(holder)) {
      for (const key of Object.keys(holder)) {
        const value = (holder as Record<string, unknown>)[key]
        // An assignment to `__proto__` would set the prototype.
        if (isMarked(value)) Object.defineProperty(holder, key, { ...PLAIN, value: exact(value) })
        else if (isOpen(value)) open.push(value)
      }
    }
  }
  return isMarked(root) ? exact(root) : root
}

const PLAIN = { writable: true, enumerable: true, configurable: true }
