import type pg from 'pg'
import { Connection, SettingsLost } from '../connect/connection.ts'
import type { ConnectionPool } from '../connect/pool.ts'
import { IN_FORCE } from '../connect/settings.ts'
import { isUnmigrated, missing, RECORDED } from './migration-record.ts'

/** Whether the database can take deliveries now. */
export interface DatabaseState {
  /** Why it can't, although it answers; null if it can. */
  readonly fault: string | null
  /** It has every migration of this version. */
  readonly isCurrent: boolean
}

const READ_STATE = `select pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as "readOnly",
  ${IN_FORCE}, ${RECORDED} as recorded`

/**
 * Reads the state with one query on a connection of the pool. If the database can't be written, the idle connections are
 * closed: they may lead to a server that is no longer the primary, or have a setting that was changed since. Throws if the
 * database does not answer.
 */
export async function stateOf(pool: ConnectionPool): Promise<DatabaseState> {
  const client = await pool.connect()
  let state: DatabaseState | undefined
  try {
    state = await ask(client)
  } finally {
    client.release(state === undefined || state.fault !== null)
  }
  if (state.fault !== null) await pool.renew()
  return state
}

async function ask(client: pg.PoolClient): Promise<DatabaseState> {
  try {
    const { rows } = await client.query(READ_STATE)
    const { recorded, ...found } = rows[0]
    return { fault: faultOf(client, found), isCurrent: missing(recorded).length === 0 }
  } catch (error) {
    if (isUnmigrated(error)) return { fault: null, isCurrent: false }
    throw error
  }
}

function faultOf(
  client: pg.PoolClient,
  { standby, readOnly, ...inForce }: Record<string, never>,
): string | null {
  if (standby) return 'The database is a standby, which takes no writes.'
  if (readOnly) return 'The database is read-only.'
  const lost = client instanceof Connection ? client.lost(inForce as never) : []
  return lost.length > 0 ? new SettingsLost(lost).message : null
}
