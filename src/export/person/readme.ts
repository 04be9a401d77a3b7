import type { Column } from '../columns.ts'
import type { FolderFile } from './folder.ts'

/** A table of the folder with its columns. */
export interface Described {
  readonly name: string
  readonly about: string
  readonly columns: readonly Column[]
}

const INTRODUCTION = `What is held about you

This folder has a copy of everything that this system holds about one person. It was sent to the system by the
service VENDOR, which measured or computed it. The system itself measures nothing: it keeps each message as it
arrived, and puts the values of the messages into tables.

The person is known here by the id OWNER.
The copy is the state of TIME (UTC).

How to read it

- Files that end in .csv open in a spreadsheet. An empty field means: no value.
- Files that end in .json or .ndjson have the same content for programs. null means: no value.
- A delivery is one message. Names in capitals or with points in them are those of the service that sent it, and NULL
  means: no value.
- Times are in UTC and end in Z, unless the text about the column says otherwise.
- A number that a program would round is in quotes in .json files, so that no digit is lost.
- manifest.json lists all files with their number of rows and a checksum (SHA-256), by which a change can be found.
- A message whose text is no longer kept has its line in deliveries.csv, and none in messages.ndjson.

To get one message from messages.ndjson exactly as it was received, decode the text of "base64".
`

/** The text for the person: what each file is, and what each column means. */
export function readmeText(
  { vendor, owner, time }: { vendor: string; owner: string | null; time: string },
  files: readonly FolderFile[],
  tables: readonly Described[],
): string {
  const who = owner === null ? '(none: these messages name the person in another way)' : owner
  const values: Readonly<Record<string, string>> = { VENDOR: vendor, OWNER: who, TIME: time }
  // At once: an id may contain any of these words.
  const introduction = INTRODUCTION.replaceAll(/VENDOR|OWNER|TIME/g, (name) => values[name] as string)
  const list = [...new Set(files.map(stemOf))].map((stem) => {
    const same = files.filter((file) => stemOf(file) === stem)
    const { rows = 0, about = '' } = same[0] ?? {}
    return `${same.map(({ name }) => name).join(', ')} (${rows} ${rows === 1 ? 'row' : 'rows'})\n    ${about}`
  })
  const meanings = tables.map(({ name, about, columns }) =>
    [
      `${name}: ${about}`,
      ...columns.map((column) => `    ${column.name}: ${column.comment ?? 'no description'}`),
    ].join('\n'),
  )
  return [introduction, 'The files\n', ...list, '\nThe columns\n', meanings.join('\n\n'), ''].join('\n')
}

/** A table is in two files. */
const stemOf = ({ name }: FolderFile) => name.replace(/\.(json|csv)$/, '')
