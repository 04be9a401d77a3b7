import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { type Column, findRelation, type Relation } from './columns.ts'
import type { Encoder } from './encoder.ts'
import { encoderFor, type FormatName } from './formats.ts'
import { beginExport, type Row, readRows } from './read.ts'
import { type Filter, selectRows, WrongFilter } from './select.ts'
import { fileSink, type Sink, streamSink, type Written } from './sink.ts'

export interface ViewExport {
  /** A table or view that analysts may read. */
  readonly view: string
  readonly format: FormatName
  readonly filter: Filter
  /** Of NDJSON: the column whose values are the lines. */
  readonly column?: string | undefined
  /** A file, a directory, or null for `stdout`. */
  readonly out: string | null
  /** Whether `out` gets a directory for each day, as Hive names them. */
  readonly byDay: boolean
  readonly stdout: (piece: Uint8Array) => Promise<void>
  readonly signal: AbortSignal
  readonly onProgress: (rows: number) => void
}

export interface ExportedFile extends Written {
  /** The path; null for standard output. */
  readonly name: string | null
  readonly rows: number
}

export interface Exported {
  readonly view: string
  readonly format: FormatName
  readonly rows: number
  readonly bytes: number
  /** Numbers that Parquet holds rounded, because a double has 15 to 17 digits. */
  readonly rounded_numbers: number
  readonly files: readonly ExportedFile[]
}

/** The directory of rows without a day, as Hive names it: readers take it for NULL. */
const NO_DAY = '__HIVE_DEFAULT_PARTITION__'

/**
 * Exports a table or view as one state of the database has it. Files that were finished stay if a later one fails. Throws
 * `WrongFilter` if the filter does not fit the columns.
 */
export async function exportView(client: pg.ClientBase, options: ViewExport): Promise<Exported> {
  const { view, format, filter, byDay, signal } = options
  await beginExport(client)
  const relation = await readable(client, view)
  if (byDay && relation.columns.some(({ name }) => name === 'day') && (filter.by ?? 'day') !== 'day')
    throw new WrongFilter(`${view} has a column "day", which the directories would hide: leave --by out.`)
  const alone = options.column === undefined ? undefined : columnOf(relation, options.column)
  const columns = alone ? [alone] : relation.columns
  const rows = readRows(client, selectRows(relation, filter, byDay, columns), signal)
  const files: ExportedFile[] = []
  const parts = byDay ? daysOf(rows) : [{ day: null, rows }]
  let [total, rounded] = [0, 0]
  for await (const { day, rows } of parts) {
    const name = await nameOf(options, relation, day, byDay)
    const encoder = await encoderFor(format, columns, alone)
    const sink = name === null ? streamSink(options.stdout) : await fileSink(name)
    const before = total
    const written = await writeFile(sink, encoder, rows, (count) => {
      total = before + count
      options.onProgress(total)
    })
    rounded += encoder.roundedNumbers ?? 0
    files.push({ name, rows: total - before, ...written })
  }
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  return { view, format, rows: total, bytes, rounded_numbers: rounded, files }
}

async function readable(client: pg.ClientBase, view: string): Promise<Relation> {
  const relation = await findRelation(client, view)
  if (!relation) throw new Error(`There is no table or view "${view}". To list all: nightpost sql --describe`)
  if (relation.isReadable) return relation
  throw new Error(
    `"${view}" is not for export: nightpost_reader may not read it. All that is held about one person: nightpost export --person`,
  )
}

function columnOf({ name, columns }: Relation, wanted: string): Column {
  const found = columns.find((column) => column.name === wanted)
  if (!found) throw new WrongFilter(`${name} has no column "${wanted}".`)
  return found
}

/** Writes one file. If that fails, nothing of it stays. */
export async function writeFile(
  sink: Sink,
  encoder: Encoder,
  batches: AsyncIterable<readonly Row[]>,
  onRows: (count: number) => void,
): Promise<Written> {
  let count = 0
  try {
    await sink.write(encoder.begin())
    for await (const rows of batches) {
      await sink.write(encoder.rows(rows))
      count += rows.length
      onRows(count)
    }
    await sink.write(encoder.end())
    return await sink.finish()
  } catch (error) {
    await sink.discard()
    throw error
  }
}

async function nameOf(
  { out, format }: ViewExport,
  { name }: Relation,
  day: string | null,
  byDay: boolean,
): Promise<string | null> {
  if (out === null) return null
  if (byDay) {
    const directory = join(out, `day=${day ?? NO_DAY}`)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return join(directory, `part.${format}`)
  }
  const isDirectory = (await stat(out).catch(() => null))?.isDirectory() ?? false
  return isDirectory ? join(out, `${name}.${format}`) : out
}

/** Divides rows that are in the order of their days, which stand in front of them. The days are left out. */
async function* daysOf(batches: AsyncGenerator<Row[]>): AsyncGenerator<{
  day: string | null
  rows: AsyncIterable<Row[]>
}> {
  let batch: Row[] = []
  const fill = async () => {
    if (batch.length > 0) return true
    const next = await batches.next()
    batch = next.done ? [] : next.value
    return batch.length > 0
  }
  try {
    while (await fill()) {
      const day = batch[0]?.[0] ?? null
      yield {
        day,
        rows: (async function* () {
          while ((await fill()) && (batch[0]?.[0] ?? null) === day) {
            const end = batch.findIndex((row) => (row[0] ?? null) !== day)
            const own = end < 0 ? batch : batch.slice(0, end)
            batch = end < 0 ? [] : batch.slice(end)
            yield own.map((row) => row.slice(1))
          }
        })(),
      }
    }
  } finally {
    await batches.return(undefined)
  }
}
