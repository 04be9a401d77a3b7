import pg from 'pg'

const BLOCK = /```sql\n([\s\S]*?)```\n\n```text\n[\s\S]*?```/g

/**
 * Returns the page with the result of every query below it. A query that begins with "-- as the owner" runs as the owner of
 * the tables, every other query as nightpost_reader.
 */
export async function withResults(page: string, client: pg.Client): Promise<string> {
  const results: string[] = []
  for (const [, query = ''] of page.matchAll(BLOCK)) results.push(await run(client, query))
  return page.replace(
    BLOCK,
    (_block, query) => `\`\`\`sql\n${query}\`\`\`\n\n\`\`\`text\n${results.shift()}\`\`\``,
  )
}

/** Runs one query in UTC and returns its result as text. Every value is printed as Postgres sent it. */
export async function run(client: pg.Client, query: string): Promise<string> {
  await client.query(
    `set timezone = utc; ${query.startsWith('-- as the owner') ? 'reset role' : 'set role nightpost_reader'}`,
  )
  try {
    const { fields, rows } = await client.query({
      text: query,
      rowMode: 'array',
      types: { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig,
    })
    return aligned(
      fields.map(({ name }) => name),
      rows,
      fields.map(({ dataTypeID }) => NUMBERS.includes(dataTypeID)),
    )
  } finally {
    await client.query('reset role')
  }
}

const { INT2, INT4, INT8, NUMERIC, FLOAT8 } = pg.types.builtins
const NUMBERS: number[] = [INT2, INT4, INT8, NUMERIC, FLOAT8]

/** Formats a result as psql does: numbers are aligned to the right, and the number of rows follows. */
function aligned(head: string[], rows: Array<Array<string | null>>, isNumber: boolean[]): string {
  const cells = [head, ...rows.map((row) => row.map((value) => value ?? ''))]
  const widths = head.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)))
  const line = (row: string[], index: number) =>
    row
      .map((value, at) =>
        isNumber[at] && index > 0 ? value.padStart(widths[at] ?? 0) : value.padEnd(widths[at] ?? 0),
      )
      .join(' | ')
      .trimEnd()
  const lines = cells.map(line)
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('-+-'))
  return `${lines.join('\n')}\n(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})\n`
}
