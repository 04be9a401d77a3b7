import Table from 'cli-table3'
import { Command } from 'commander'
import type pg from 'pg'
import { loadConfig } from '../config/index.ts'
import type { DatabaseSettings } from '../db/connect/database.ts'
import { openDatabase } from '../db/connect/open.ts'
import { connect } from '../db/connect/pool.ts'
import { begin } from '../db/connect/transaction.ts'

export const sqlCommand = new Command('sql')
  .description('Run one read-only SQL statement on the database and print the rows as a table.')
  .argument('<query>', 'for example "select * from biomarkers"')
  .action(async (query: string) => {
    const database = await openDatabase(loadConfig())
    try {
      process.stdout.write(await printed(database, query))
    } finally {
      await database.release()
    }
  })

/** Values as Postgres writes them: microseconds, digits and bytes stay as they are. */
const asText = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig

export async function printed(database: DatabaseSettings | string, query: string): Promise<string> {
  const client = await connect(database, { name: 'nightpost sql', use: 'read', types: asText })
  try {
    const { fields, rows } = await readOnly(client, query)
    return table(
      fields.map(({ name }) => name),
      rows,
    )
  } finally {
    await client.end()
  }
}

/**
 * One statement, which the extended protocol makes sure of, in a transaction that can't be made to write: Postgres
 * allows that only before the first query of a transaction, and one has run.
 */
async function readOnly(client: pg.Client, text: string): Promise<pg.QueryArrayResult<Array<string | null>>> {
  await begin(client, { readOnly: true })
  await client.query('select 1')
  const query: ExtendedQuery = { text, rowMode: 'array', queryMode: 'extended' }
  return client.query<Array<string | null>>(query)
}

/** pg knows `queryMode`; its types don't. */
type ExtendedQuery = pg.QueryArrayConfig & { queryMode: 'extended' }

function table(head: string[], rows: Array<Array<string | null>>): string {
  const count = `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}\n`
  if (head.length === 0) return count
  if (width(head, rows) > (process.stdout.columns ?? 120) && rows.length <= 20)
    return records(head, rows) + count
  const drawn = new Table({ head, style: { head: [], border: [], compact: true } })
  drawn.push(...rows.map((row) => row.map(shown)))
  return `${drawn.toString()}\n${count}`
}

const shown = (value: string | null) => value ?? '∅'

function width(head: string[], rows: Array<Array<string | null>>): number {
  return head.reduce((sum, name, at) => {
    const longest = rows.reduce((most, row) => Math.max(most, shown(row[at] ?? null).length), name.length)
    return sum + longest + 3
  }, 1)
}

/** A row too wide for the terminal, one column a line. */
function records(head: string[], rows: Array<Array<string | null>>): string {
  const drawn = rows.map((row) => {
    const record = new Table({ style: { head: [], border: [], compact: true } })
    record.push(...head.map((name, at) => ({ [name]: shown(row[at] ?? null) })))
    return record.toString()
  })
  return `${drawn.join('\n')}\n`
}
