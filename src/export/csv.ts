import { type Options, stringify } from 'csv-stringify/sync'

/** Lines of CSV as RFC 4180 has them, each ended by CR LF. NULL is empty, and an empty text is `""`. */
export const csvLines = (rows: ReadonlyArray<readonly unknown[]>): string =>
  stringify([...rows] as unknown[][], CSV)

const CSV: Options = {
  record_delimiter: 'windows',
  // A line feed alone also ends a line for many readers.
  quoted_match: /[\r\n]/,
  cast: { string: (value) => (value === '' ? { value, quoted_empty: true } : value) },
}
