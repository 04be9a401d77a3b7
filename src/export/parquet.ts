import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import { parse as parseArray } from 'postgres-array'
import { VERSION } from '../ops/version.ts'
import type { Column, Kind } from './columns.ts'
import type { Encoder, Piece } from './encoder.ts'
import type { Row } from './read.ts'
import { isExactDouble } from './values.ts'

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number]
type Value = boolean | number | bigint | string | Uint8Array | null
type Values = Array<Value | Value[]>

/** A row group is in memory until it is complete. */
const GROUP_ROWS = 50_000
const GROUP_CHARACTERS = 8 * 2 ** 20
/** An element of a list takes more memory than its text. */
const LIST_WEIGHT = 4

const MICROS = { unit: 'MICROS' } as const

/** The Parquet type of each kind. Texts, and JSON as text, are UTF-8 strings. */
const TYPES: Readonly<Record<Kind, Omit<SchemaElement, 'name'>>> = {
  boolean: { type: 'BOOLEAN' },
  int2: { type: 'INT32', converted_type: 'INT_16' },
  int4: { type: 'INT32' },
  int8: { type: 'INT64' },
  float4: { type: 'FLOAT' },
  float8: { type: 'DOUBLE' },
  numeric: { type: 'DOUBLE' },
  date: { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } },
  timestamp: { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, ...MICROS } },
  timestamptz: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MICROS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, ...MICROS },
  },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  bytea: { type: 'BYTE_ARRAY' },
}

/** Writes rows as a Parquet file: row groups of bounded size, compressed with Snappy. Every column may be NULL. */
export class ParquetEncoder implements Encoder {
  readonly #columns: readonly Column[]
  readonly #writer = new PieceWriter()
  readonly #file: ParquetWriter
  #data: Values[]
  #characters = 0
  roundedNumbers = 0

  constructor(columns: readonly Column[]) {
    this.#columns = columns
    const schema = [{ name: 'root', num_children: columns.length }, ...columns.flatMap(elementsOf)]
    this.#file = new ParquetWriter({ writer: this.#writer, schema, createdBy: `nightpost ${VERSION}` })
    this.#data = columns.map(() => [])
  }

  begin(): Piece {
    return this.#writer.take()
  }

  /** Returns the row groups that became complete. */
  rows(rows: readonly Row[]): Piece {
    for (const row of rows) {
      for (const [at, column] of this.#columns.entries()) {
        const text = row[at] ?? null
        this.#characters += (text?.length ?? 0) * (column.isArray ? LIST_WEIGHT : 1)
        this.#data[at]?.push(text === null ? null : this.#value(text, column))
      }
      if (this.#rowsWaiting >= GROUP_ROWS || this.#characters >= GROUP_CHARACTERS) this.#writeGroup()
    }
    return this.#writer.take()
  }

  end(): Piece {
    if (this.#rowsWaiting > 0) this.#writeGroup()
    // Its promises are those of a writer that flushes, which this one does not.
    void this.#file.finish()
    return this.#writer.take()
  }

  get #rowsWaiting(): number {
    return this.#data[0]?.length ?? 0
  }

  #writeGroup(): void {
    const columnData = this.#columns.map(({ name }, at) => ({ name, data: this.#data[at] ?? [] }))
    void this.#file.write({ columnData, rowGroupSize: this.#rowsWaiting })
    this.#data = this.#columns.map(() => [])
    this.#characters = 0
  }

  #value(text: string, column: Column): Value | Value[] {
    if (!column.isArray) return this.#scalar(text, column)
    const values = text.startsWith('[') ? [[]] : parseArray(text)
    return values.map((value) => {
      if (typeof value === 'object' && value !== null) throw unfit(column)
      return value === null ? null : this.#scalar(value, column)
    })
  }

  #scalar(text: string, column: Column): Value {
    switch (column.kind) {
      case 'boolean':
        return text === 't'
      case 'numeric':
        if (!isExactDouble(text) && !NOT_FINITE.test(text)) this.roundedNumbers += 1
        return Number(text)
      case 'int2':
      case 'int4':
      case 'float4':
      case 'float8':
        return Number(text)
      case 'int8':
        return BigInt(text)
      case 'date':
        return DATE.test(text) ? Date.parse(text) / DAY_MS : refuse(column)
      case 'timestamp':
      case 'timestamptz':
        return microseconds(text) ?? refuse(column)
      case 'bytea':
        return Buffer.from(text.slice(2), 'hex')
      default:
        return text
    }
  }
}

const DAY_MS = 86_400_000
const DATE = /^\d{4}-\d\d-\d\d$/
const TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:\+00)?$/
const NOT_FINITE = /^(NaN|-?Infinity)$/

/** Microseconds since 1970; null if the text is no time of a year from 0 to 9999. */
function microseconds(text: string): bigint | null {
  const parts = TIME.exec(text)
  if (!parts) return null
  const [, date, time, fraction = ''] = parts
  return BigInt(Date.parse(`${date}T${time}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0'))
}

function refuse(column: Column): never {
  throw unfit(column)
}

const unfit = ({ name }: Column) =>
  new Error(`The column "${name}" has a value that a Parquet file can't hold. Use --format csv or ndjson.`)

/** A list is three elements, as the format wants it: the list, its entries, and the value of an entry. */
function elementsOf({ name, kind, isArray }: Column): SchemaElement[] {
  if (!isArray) return [{ name, repetition_type: 'OPTIONAL', ...TYPES[kind] }]
  return [
    {
      name,
      repetition_type: 'OPTIONAL',
      num_children: 1,
      converted_type: 'LIST',
      logical_type: { type: 'LIST' },
    },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'OPTIONAL', ...TYPES[kind] },
  ]
}

/** Gives out what was written so far. Positions in the file go on. */
class PieceWriter extends ByteWriter {
  take(): Uint8Array {
    const bytes = new Uint8Array(this.getBuffer())
    this.index = 0
    return bytes
  }
}
