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
