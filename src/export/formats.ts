import type { Column } from './columns.ts'
import type { Encoder } from './encoder.ts'
import { csvEncoder, ndjsonEncoder } from './text.ts'

export const FORMATS = ['csv', 'ndjson', 'parquet'] as const
export type FormatName = (typeof FORMATS)[number]

export async function encoderFor(format: FormatName, columns: readonly Column[]): Promise<Encoder> {
  if (format === 'csv') return csvEncoder(columns)
  if (format === 'ndjson') return ndjsonEncoder(columns)
  const { ParquetEncoder } = await import('./parquet.ts')
  return new ParquetEncoder(columns)
}
