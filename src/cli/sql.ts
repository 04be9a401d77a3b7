import { Command, Option } from 'commander'
import pg from 'pg'
import { loadConfig } from '../config/index.ts'
import type { DatabaseSettings } from '../db/connect/database.ts'
import { openDatabase } from '../db/connect/open.ts'
import { outputClosed, outputWidth, print, printJson } from './output.ts'
import { describeRelation, descriptionText, listRelations, relationsText } from './sql/describe.ts'
import { statementErrorText } from './sql/error.ts'
import { csvFormat, type Format, jsonFormat, textFormat } from './sql/formats.ts'
import { connectToRead, type ResultTaker, runReadOnly } from './sql/statement.ts'

const HELP = `
The statement runs in a read-only transaction. The rows are printed while they
arrive, so a result may be of any size. A table that is wider than the terminal
(elsewhere: than COLUMNS, or 80) becomes one small table for each row.

Examples:
  nightpost sql "select * from sleep_nights order by sleep_date desc limit 3"
  nightpost sql --csv "select * from biomarkers" > biomarkers.csv
  nightpost sql --json "select type, value from biomarkers" | jq .value
  nightpost sql "copy (select * from scores) to stdout"
  nightpost sql --describe                      list the tables and views
  nightpost sql --describe biomarkers           columns, comments and indexes
`

interface SqlOptions {
  csv?: boolean
  json?: boolean
  /** true without a name. */
  describe?: string | true
}

export const sqlCommand = new Command('sql')
  .description('Run one read-only SQL statement on the database and print the rows as a table.')
  .argument('[query]', 'one statement, such as "select * from biomarkers"')
  .addOption(
    new Option('--csv', 'print CSV (RFC 4180): NULL is empty, an empty text is ""').conflicts([
      'json',
      'describe',
    ]),
  )
  .option('--json', 'print one JSON object per line and row; with --describe one JSON document')
  .option('--describe [name]', 'describe a table or view; without a name list all')
  .addHelpText('after', HELP)
  .action(async (query: string | undefined, options: SqlOptions, command: Command) => {
    if (query !== undefined && options.describe !== undefined) {
      command.error('error: give a query or --describe, not both')
    }
    if (options.describe === undefined && (query === undefined || query.trim() === '')) {
      command.error('error: give a query, such as "select * from biomarkers", or --describe')
    }
    const database = await openDatabase(loadConfig())
    try {
      if (options.describe === undefined) await runQuery(database, query ?? '', options, command)
      else await describe(database, options.describe, options.json)
    } finally {
      await database.release()
    }
  })

async function runQuery(
  database: DatabaseSettings,
  query: string,
  { csv, json }: SqlOptions,
  command: Command,
): Promise<void> {
  const format = csv ? csvFormat() : json ? jsonFormat() : textFormat(outputWidth())
  const taker = printing(format, print)
  const copying = new AbortController()
  if (csv || json) taker.copied = () => copying.abort()
  const client = await connectToRead(database)
  try {
    const signal = AbortSignal.any([outputClosed, copying.signal])
    await runReadOnly(client, query, { ...taker, signal })
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error
    throw new Error(statementErrorText(error, query, outputWidth()))
  } finally {
    await client.end()
  }
  if (copying.signal.aborted) command.error('error: COPY has formats of its own: leave out --csv and --json')
}

async function describe(database: DatabaseSettings, name: string | true, json = false): Promise<void> {
  if (name === true) {
    const relations = await listRelations(database)
    return json ? printJson(relations) : print(relationsText(relations, outputWidth()))
  }
  const description = await describeRelation(database, name)
  return json ? printJson(description) : print(descriptionText(description, outputWidth()))
}

/** The rows of a read-only statement as text, by default as a table. Throws the error of Postgres. */
export async function printed(
  database: DatabaseSettings | string,
  query: string,
  format: Format = textFormat(outputWidth()),
): Promise<string> {
  let text = ''
  const collect = async (piece: string | Uint8Array) => {
    text += typeof piece === 'string' ? piece : Buffer.from(piece).toString()
  }
  const client = await connectToRead(database)
  try {
    await runReadOnly(client, query, printing(format, collect))
  } finally {
    await client.end()
  }
  return text
}

/** The rows of a read-only statement as objects. Throws the error of Postgres. */
export async function jsonRows(database: DatabaseSettings | string, query: string): Promise<object[]> {
  const lines = (await printed(database, query, jsonFormat())).split('\n')
  return lines.flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
}

function printing(format: Format, write: (piece: string | Uint8Array) => Promise<void>): ResultTaker {
  return {
    begin: (columns) => write(format.begin(columns)),
    rows: (rows) => write(format.rows(rows)),
    copied: write,
    end: (command) => write(format.end(command)),
  }
}
