import type { Column } from './columns.ts'
import type { Encoder } from './encoder.ts'
import { csvEncoder, ndjsonEncoder, ndjsonValues } from './text.ts'

export const FORMATS = ['csv', 'ndjson', 'parquet'] as const
export type FormatName = (typeof FORMATS)[number]

/** The encoder of a format. `alone` is a column whose values are the lines of NDJSON, without an object around them. */
export async function encoderFor(
  format: FormatName,
  columns: readonly Column[],
  alone?: Column,
): Promise<Encoder> {
  if (alone) return ndjsonValues(alone)
  if (format === 'csv') return csvEncoder(columns)
  if (format === 'ndjson') return ndjsonEncoder(columns)
  const { ParquetEncoder } = await import('./parquet.ts')
  return new ParquetEncoder(columns)
}
