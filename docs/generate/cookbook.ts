import { text } from 'node:stream/consumers'
import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { type Plot, plots } from './plots.ts'

/** A query, its result, and perhaps the plot of the result. */
const BLOCK = /```sql\n([\s\S]*?)```\n\n```text\n[\s\S]*?```(?=\n\n!\[[^\]]*\]\(plots\/([\w-]+)\.svg\)|)/g

export interface Cookbook {
  readonly page: string
  /** The SVG documents by the names of their files in docs/plots. */
  readonly plots: ReadonlyMap<string, string>
}

/**
 * Returns the page with the result of every query below it, and the plots that stand below the results. A query that begins
 * with "-- as the owner" runs as the owner of the tables, every other query as nightpost_reader.
 */
export async function cookbookOf(page: string, client: pg.Client): Promise<Cookbook> {
  const results: string[] = []
  const drawn = new Map<string, string>()
  for (const [, query = '', name] of page.matchAll(BLOCK)) {
    const result = await run(client, query)
    results.push(asText(result))
    if (name === undefined) continue
    const draw: Plot | undefined = plots[name]
    if (!draw) throw new Error(`docs/generate/plots.ts has no plot ${name}.`)
    drawn.set(`${name}.svg`, draw(records(result)))
  }
  const written = page.replace(
    BLOCK,
    (_block, query) => `\`\`\`sql\n${query}\`\`\`\n\n\`\`\`text\n${results.shift()}\`\`\``,
  )
  return { page: written, plots: drawn }
}

export interface Result {
  readonly columns: ReadonlyArray<{ readonly name: string; readonly isNumber: boolean }>
  readonly rows: ReadonlyArray<ReadonlyArray<string | null>>
  /** What a COPY wrote. It has no columns. */
  readonly copied?: string
}

/** Runs one query in UTC. Every value is as Postgres sent it. */
export async function run(client: pg.Client, query: string): Promise<Result> {
  await client.query(
    `set timezone = utc; ${query.startsWith('-- as the owner') ? 'reset role' : 'set role nightpost_reader'}`,
  )
  try {
    if (query.startsWith('copy '))
      return { columns: [], rows: [], copied: await text(client.query(copyTo(query))) }
    const { fields, rows } = await client.query({
      text: query,
      rowMode: 'array',
      types: { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig,
    })
    const columns = fields.map(({ name, dataTypeID }) => ({ name, isNumber: NUMBERS.includes(dataTypeID) }))
    return { columns, rows }
  } finally {
    await client.query('reset role')
  }
}

const { INT2, INT4, INT8, NUMERIC, FLOAT8 } = pg.types.builtins
const NUMBERS: number[] = [INT2, INT4, INT8, NUMERIC, FLOAT8]

/** The rows of a result with the names of its columns. */
export function records({ columns, rows }: Result): Array<Record<string, string | null>> {
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, at) => [name, row[at] ?? null])))
}

/** A longer result is shown with its first rows. */
const [MOST_ROWS, FIRST_ROWS, MOST_CHARACTERS] = [14, 8, 110]

/** Formats a result as psql does: numbers are aligned to the right, and the number of rows follows. */
function asText({ columns, rows, copied }: Result): string {
  if (copied !== undefined) return copied
  const head = columns.map(({ name }) => name)
  const shown = rows.length > MOST_ROWS ? rows.slice(0, FIRST_ROWS) : rows
  const cells = [head, ...shown.map((row) => row.map((value) => shortened(value ?? '')))]
  const widths = head.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)))
  const line = (row: string[], index: number) =>
    row
      .map((value, at) =>
        columns[at]?.isNumber && index > 0 ? value.padStart(widths[at] ?? 0) : value.padEnd(widths[at] ?? 0),
      )
      .join(' | ')
      .trimEnd()
  const lines = cells.map(line)
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('-+-'))
  if (shown.length < rows.length) lines.push('…')
  return `${lines.join('\n')}\n(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})\n`
}

const shortened = (value: string) =>
  value.length > MOST_CHARACTERS ? `${value.slice(0, MOST_CHARACTERS)} …` : value
