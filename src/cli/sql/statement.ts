import type pg from 'pg'
import Cursor from 'pg-cursor'
import type { DatabaseSettings } from '../../db/connect/database.ts'
import { connect } from '../../db/connect/pool.ts'
import { begin } from '../../db/connect/transaction.ts'

/** Rows that are read at a time. Bodies of deliveries are large, so this bounds the memory. */
const ROWS_AT_A_TIME = 200

/** A row: each value as the text that Postgres sends, so that no microsecond, digit or byte is lost. */
export type Row = ReadonlyArray<string | null>

export interface Column {
  readonly name: string
  /** The OID of its type. */
  readonly dataTypeID: number
}

/** Takes the result of a statement while it arrives. */
export interface ResultTaker {
  /** Is called once, before any rows. A statement that returns no rows has no columns. */
  begin(columns: readonly Column[]): void | Promise<void>
  rows(rows: readonly Row[]): void | Promise<void>
  /** Takes a piece of what COPY … TO STDOUT sends. */
  copied: (piece: Uint8Array) => void | Promise<void>
  /** `command` is Postgres' name of the statement, such as SELECT or SET; null for an empty one. */
  end(command: string | null): void | Promise<void>
  /** Ends the reading early, without an error. */
  readonly signal?: AbortSignal
}

const asText = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig

/** Opens a connection for `runReadOnly`. */
export const connectToRead = (database: DatabaseSettings | string): Promise<pg.Client> =>
  connect(database, { name: 'nightpost sql', use: 'read', types: asText })

/**
 * Runs one statement in a read-only transaction. The extended protocol, which a cursor uses, allows only one statement. The
 * statement can't make the transaction writable: Postgres allows that only before the first query of a transaction. Throws the
 * error of Postgres. Close the connection afterwards.
 */
export async function runReadOnly(client: pg.Client, statement: string, taker: ResultTaker): Promise<void> {
  await begin(client, { readOnly: true })
  await client.query('select 1')
  const cursor = client.query(new StatementCursor(statement, (piece) => taker.copied(piece)))
  const stopped = stopOf(taker.signal)
  let isFirst = true
  for (;;) {
    const next = cursor.next(ROWS_AT_A_TIME)
    // After a stop the end of the connection fails it, and nobody waits for it.
    next.catch(() => {})
    const batch = await Promise.race([next, stopped])
    if (batch === null) return
    if (isFirst) await taker.begin(batch.columns)
    isFirst = false
    if (batch.rows.length > 0) await taker.rows(batch.rows)
    if (batch.rows.length < ROWS_AT_A_TIME) return taker.end(batch.command)
    if (taker.signal?.aborted) return
  }
}

/** Resolves with null when the signal is aborted. */
function stopOf(signal: AbortSignal | undefined): Promise<null> {
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(null), { once: true }))
}

interface Batch {
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  readonly command: string | null
}

interface WireConnection {
  readonly stream: { pause(): void; resume(): void }
  sendCopyFail(message: string): void
}

/** A cursor that also takes the data of COPY … TO STDOUT, which Postgres sends in place of rows. */
class StatementCursor extends Cursor<Row> {
  readonly #onCopied: (piece: Uint8Array) => void | Promise<void>
  /** Set by pg-cursor. */
  declare readonly connection: WireConnection

  constructor(statement: string, onCopied: (piece: Uint8Array) => void | Promise<void>) {
    super(statement, [], { rowMode: 'array', types: asText })
    this.#onCopied = onCopied
  }

  next(most: number): Promise<Batch> {
    return new Promise((resolve, reject) => {
      this.read(most, (error, rows, result) => {
        if (error) reject(error)
        else resolve({ rows, columns: result.fields, command: result.command })
      })
    })
  }

  /** pg calls it for each row that COPY sends. The connection rests while the piece is written. */
  handleCopyData({ chunk }: { chunk: Uint8Array }): void {
    const taken = this.#onCopied(chunk)
    if (taken === undefined) return
    const { stream } = this.connection
    stream.pause()
    taken.then(
      () => stream.resume(),
      () => stream.resume(),
    )
  }

  /** Postgres refuses COPY … FROM STDIN in a read-only transaction, except into a temporary table. */
  handleCopyInResponse(connection: WireConnection): void {
    connection.sendCopyFail('nightpost sql has no data for COPY FROM STDIN')
  }
}
