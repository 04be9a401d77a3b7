/** Maximum of decimal digits plus exponent. Postgres `numeric` holds far more. */
const MAX_DIGITS = 1000

/**
 * A JSON number that a double can't represent, such as `9007199254740993` or `1e400`. It is a function that returns
 * its source text: JSON has no functions, so no schema accepts it as an object, a string or an array.
 * It serialises as a JSON string, which the write statements cast to `numeric`.
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

/** Whether Postgres `numeric` can store the number that `text` denotes. */
export function isStorableNumber(text: string): boolean {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
  return mantissa.length + Math.abs(Number(exponent)) <= MAX_DIGITS
}

const decimalText = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/

/** Returns `text` if it is a decimal number that Postgres `numeric` can store, else null. */
export function numberText(text: string): string | null {
  return decimalText.test(text) && isStorableNumber(text) ? text : null
}
