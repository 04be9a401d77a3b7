import pg from 'pg'
import { parse as parseArray } from 'postgres-array'

const { BOOL, INT2, INT4, INT8, OID, FLOAT4, FLOAT8, NUMERIC, JSON: JSON_TYPE, JSONB } = pg.types.builtins

const NUMBERS = new Set<number>([INT2, INT4, INT8, OID, FLOAT4, FLOAT8, NUMERIC])

/** OIDs of array types, with the OIDs of their elements (pg_type.typelem). They are the same on every server. */
const ELEMENTS = new Map<number, number>([
  [1000, BOOL],
  [1005, INT2],
  [1007, INT4],
  [1016, INT8],
  [1028, OID],
  [1021, FLOAT4],
  [1022, FLOAT8],
  [1231, NUMERIC],
  [199, JSON_TYPE],
  [3807, JSONB],
  // Elements that are text in JSON: text, varchar, uuid, date, timestamp, timestamptz, interval.
  ...[1009, 1015, 2951, 1182, 1115, 1185, 1187].map((array) => [array, pg.types.builtins.TEXT] as const),
])

/**
 * A value, which is Postgres' text of it, as JSON: numbers with all their digits, booleans, JSON and arrays as such, and all
 * else as a string. NaN and the infinities, which JSON has no numbers for, are strings.
 */
export function jsonValue(text: string | null, type: number): string {
  if (text === null) return 'null'
  if (type === BOOL) return text === 't' ? 'true' : 'false'
  if (NUMBERS.has(type) && /^-?\d/.test(text)) return text
  // In valid JSON a line end stands only between values. One row is one line.
  if (type === JSON_TYPE || type === JSONB) return text.replaceAll(/[\r\n]+/g, ' ')
  const element = ELEMENTS.get(type)
  // A text that begins with [ has lower bounds, which JSON can't show.
  if (element === undefined || text.startsWith('[')) return JSON.stringify(text)
  return arrayValue(parseArray(text), element)
}

type Nested = ReadonlyArray<string | null | Nested>

const arrayValue = (values: Nested, element: number): string =>
  `[${values
    .map((value) =>
      typeof value === 'string' || value === null ? jsonValue(value, element) : arrayValue(value, element),
    )
    .join(',')}]`
