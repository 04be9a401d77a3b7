/** Decimal digits a number may need on either side of the point; far inside what `numeric` holds. */
const MAX_DIGITS = 1000

/**
 * A JSON number that a double can't hold: `9007199254740993`, `1e400`. It is a function that returns its
 * source text, because JSON has none: no schema takes it for an object, a text or a list.
 * It serialises as a JSON string, which the write statements read as `numeric`.
 */
export type ExactNumber = (() => string) & { toJSON(): string }

export function exactNumber(text: string): ExactNumber {
  const source = (() => text) as ExactNumber
  source.toJSON = source
  return source
}

export function isExactNumber(value: unknown): value is ExactNumber {
  return typeof value === 'function'
}

/** Whether Postgres `numeric` can store a number, by its text. */
export function isStorableNumber(text: string): boolean {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
  return mantissa.length + Math.abs(Number(exponent)) <= MAX_DIGITS
}

const decimalText = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/

/** `text` where it is the decimal writing of a number that `numeric` can store, else null. */
export function numberText(text: string): string | null {
  return decimalText.test(text) && isStorableNumber(text) ? text : null
}
