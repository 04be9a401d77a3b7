import type pg from 'pg'
import type { Connection } from '../db/connect/connection.ts'

/** Connections of the console. A page uses one at a time, so more readers wait for each other and not beside ingestion. */
export const CONNECTIONS = 2

/** Milliseconds after which a statement of a page is cancelled. */
export const STATEMENT_TIMEOUT = 5_000

/**
 * Runs `read` in one read-only transaction, whose statements all see the same data. A connection that does not even roll back is
 * closed, so that no other page gets it.
 */
export async function inReading<T>(pool: pg.Pool, read: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = (await pool.connect()) as unknown as Connection & pg.PoolClient
  try {
    await client.query(client.beginStatement(true))
    const result = await read(client)
    await client.query('commit')
    client.release()
    return result
  } catch (error) {
    await client.query('rollback').then(
      () => client.release(),
      () => client.release(true),
    )
    throw error
  }
}

/** Whether a statement took longer than a page may. */
export const isTimeout = (error: unknown): boolean => (error as { code?: string } | null)?.code === '57014'
