import type { ExportedPerson } from '../export/person/person.ts'
import type { Exported } from '../export/view.ts'

/** What was written, for people. */
export function viewText({ rows, bytes, files, rounded_numbers: rounded }: Exported): string {
  const lines = [`${counted(rows, 'row')} in ${counted(files.length, 'file')}, ${bytes} bytes`]
  if (rounded > 0)
    lines.push(
      `${counted(rounded, 'number')} rounded: Parquet has them as float8. CSV and NDJSON have every digit.`,
    )
  return `${lines.join('\n')}\n`
}

export function personText({ folders }: ExportedPerson): string {
  if (folders.length === 0) return 'Nothing is held about this person.\n'
  const lines = folders.map(
    ({ path, rows, deliveries, bodies, files }) =>
      `${path}: ${counted(rows, 'row')}, ${counted(deliveries, 'delivery', 'deliveries')}, ${counted(bodies, 'body', 'bodies')}, ${counted(files, 'file')}`,
  )
  return `${lines.join('\n')}\n`
}

const counted = (count: number, one: string, many = `${one}s`) => `${count} ${count === 1 ? one : many}`
