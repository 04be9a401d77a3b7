import type { Logger } from 'pino'
import { type DatabaseSettings, databaseSettings } from './database.ts'
import { connectDirect, connectionsOf } from './pool.ts'

/**
 * Warns if the server has too few connections for so many workers. Behind a pooler in transaction mode its limits count, which
 * can't be asked for, so nothing is checked there.
 */
export async function warnOfFewConnections(
  database: DatabaseSettings | string,
  workers: number,
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  const { url } = databaseSettings(database)
  const client = await connectDirect(url, { name: 'nightpost workers', use: 'read' })
  if (!client) return
  try {
    const { rows } = await client.query(
      `select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as most`,
    )
    const needed = connectionsOf(workers)
    const [{ most }] = rows
    if (needed > most)
      log.warn({ workers, needed, most }, 'the database has too few connections for the workers')
  } finally {
    await client.end()
  }
}
