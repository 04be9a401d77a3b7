import type pg from 'pg'
import { begin } from '../db/connect/transaction.ts'

/** A row: each value as the text that Postgres sends, so that no microsecond, digit or byte is lost. */
export type Row = ReadonlyArray<string | null>

/** Characters of one batch, about. Rows differ in size by a factor of a thousand, so their number follows it. */
const BATCH = 2 ** 20
const FIRST_ROWS = 50
const MOST_ROWS = 5_000

const asText = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig

/** Begins a transaction in which all statements read the same state of the database. */
export async function beginExport(client: pg.ClientBase): Promise<void> {
  await begin(client, { isSnapshot: true })
  // A plan for all partitions takes longer to compile than to run, and nobody waits for the first row.
  await client.query('set local jit = off; set local cursor_tuple_fraction = 1')
}

/**
 * Reads the rows of a query in batches of bounded size, through a cursor of the open transaction. Other statements may run
 * between two batches. Throws the signal's reason as soon as it is aborted; end the connection then.
 */
export async function* readRows(
  client: pg.ClientBase,
  query: { readonly text: string; readonly values?: readonly unknown[] },
  signal: AbortSignal,
  name = 'nightpost_export',
): AsyncGenerator<Row[], void, undefined> {
  const { text, values = [] } = query
  const ask = (statement: pg.QueryArrayConfig) => unlessAborted(client.query<string[]>(statement), signal)
  await ask({ text: `declare ${name} no scroll cursor for ${text}`, values: [...values], rowMode: 'array' })
  try {
    let count = FIRST_ROWS
    for (;;) {
      const { rows } = await ask({ text: `fetch ${count} from ${name}`, rowMode: 'array', types: asText })
      if (rows.length > 0) yield rows
      if (rows.length < count) return
      count = Math.min(MOST_ROWS, 2 * count, Math.max(1, Math.floor((BATCH * rows.length) / sizeOf(rows))))
    }
  } finally {
    // After an abort a statement may still run, and nobody waits for it.
    if (!signal.aborted) await client.query(`close ${name}`).catch(() => {})
  }
}

function sizeOf(rows: readonly Row[]): number {
  let size = rows.length
  for (const row of rows) for (const value of row) size += value?.length ?? 0
  return size
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
