import { isSafeNumber } from 'lossless-json'
import { parse as parseArray } from 'postgres-array'
import type { Column, Kind } from './columns.ts'

/** `2026-01-31 05:06:07.25+00` as `2026-01-31T05:06:07.250000Z`. What has no such form, as infinity has not, stays as it is. */
function isoTime(text: string): string {
  const parts = TIME.exec(text)
  if (!parts) return text
  const [, date, time, fraction = '', zone] = parts
  return `${date}T${time}.${fraction.padEnd(6, '0')}${zone ? 'Z' : ''}`
}
const TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(\+00)?$/

/** Whether a JSON number keeps this value when a program reads it as a double. */
export const isExactDouble = (text: string) =>
  (text.length < 16 && SHORT.test(text)) || (JSON_NUMBER.test(text) && isSafeNumber(text))
const SHORT = /^-?\d+(?:\.\d+)?$/
const JSON_NUMBER = /^-?\d/

const json = (text: string, kind: Kind): string => {
  switch (kind) {
    case 'boolean':
      return text === 't' ? 'true' : 'false'
    case 'int2':
    case 'int4':
      return text
    // Postgres writes the shortest text that is read as the same number.
    case 'float4':
    case 'float8':
      return JSON_NUMBER.test(text) ? text : JSON.stringify(text)
    case 'int8':
    case 'numeric':
      return isExactDouble(text) ? text : JSON.stringify(text)
    case 'timestamp':
    case 'timestamptz':
      return JSON.stringify(isoTime(text))
    // In valid JSON a line end stands only between values.
    case 'json':
      return text.replaceAll(/[\r\n]+/g, ' ')
    default:
      return JSON.stringify(text)
  }
}

const PLAIN_NUMBERS = /^\{[-\d,]*\}$/

/**
 * A value as JSON. A number that a double would change is a string, as are NaN and the infinities. Times are ISO 8601 with
 * microseconds, in UTC where they are instants. JSON columns are embedded as they are.
 */
export function jsonValue(text: string | null, { kind, isArray }: Pick<Column, 'kind' | 'isArray'>): string {
  if (text === null) return 'null'
  if (!isArray) return json(text, kind)
  if ((kind === 'int2' || kind === 'int4') && PLAIN_NUMBERS.test(text)) return `[${text.slice(1, -1)}]`
  // A text that begins with [ has lower bounds, which JSON can't show.
  return text.startsWith('[') ? JSON.stringify(text) : jsonArray(parseArray(text), kind)
}

type Nested = ReadonlyArray<string | null | Nested>

const jsonArray = (values: Nested, kind: Kind): string => {
  const all = values.map((value) =>
    value === null ? 'null' : typeof value === 'string' ? json(value, kind) : jsonArray(value, kind),
  )
  return `[${all.join(',')}]`
}

/** A value as the text of a CSV field: numbers with all digits, arrays as JSON. */
export function csvValue(
  text: string | null,
  { kind, isArray }: Pick<Column, 'kind' | 'isArray'>,
): string | null {
  if (text === null) return null
  if (isArray) return jsonValue(text, { kind, isArray })
  if (kind === 'boolean') return text === 't' ? 'true' : 'false'
  return kind === 'timestamp' || kind === 'timestamptz' ? isoTime(text) : text
}
