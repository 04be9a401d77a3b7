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

/** Returns values as the text that Postgres sends, so that no microsecond, digit or byte is lost. */
const asText = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig

/** The rows of a read-only statement as a table. Throws the error of Postgres. */
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
 * Runs one statement in a read-only transaction. The extended protocol allows only one statement. The statement can't
 * make the transaction writable: Postgres allows that only before the first query of a transaction.
 */
async function readOnly(client: pg.Client, text: string): Promise<pg.QueryArrayResult<Array<string | null>>> {
  await begin(client, { readOnly: true })
  await client.query('select 1')
  const query: ExtendedQuery = { text, rowMode: 'array', queryMode: 'extended' }
  return client.query<Array<string | null>>(query)
}

/** `queryMode` is missing in the types of pg. */
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

/** Rows that are too wide for the terminal: one line per column. */
function records(head: string[], rows: Array<Array<string | null>>): string {
  const drawn = rows.map((row) => {
    const record = new Table({ style: { head: [], border: [], compact: true } })
    record.push(...head.map((name, at) => ({ [name]: shown(row[at] ?? null) })))
    return record.toString()
  })
  return `${drawn.join('\n')}\n`
}
