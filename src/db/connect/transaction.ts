import type pg from 'pg'
import type { Client } from '../write/plan.ts'
import { Connection } from './connection.ts'
import { SNAPSHOT } from './settings.ts'

/** The settings of one transaction that differ from those of its connection. Times are in milliseconds. */
export interface TimeLimits {
  readonly lockTimeout?: number
  readonly statementTimeout?: number
  readonly readOnly?: boolean
  /** All queries see one snapshot. The transaction can neither write nor lock rows. */
  readonly isSnapshot?: boolean
}

/**
 * Begins a transaction. Every transaction of Nightpost begins here, because behind a pooler in transaction mode the message
 * that begins it must contain its settings. `further` are statements of the same message. Returns the result of each statement.
 */
export async function begin(
  client: Client,
  limits: TimeLimits = {},
  further: readonly string[] = [],
): Promise<pg.QueryResult[]> {
  const { isSnapshot = false } = limits
  const plain = isSnapshot ? `begin ${SNAPSHOT}` : 'begin'
  const first = client instanceof Connection ? client.beginStatement(isSnapshot) : plain
  const results: unknown = await client.query([first, ...settingsOf(limits), ...further].join('; '))
  return [results].flat() as pg.QueryResult[]
}

/**
 * Commits, without the transaction's statement timeout. With a synchronous standby, cancelling a commit only ends the wait
 * for the standby: the transaction is committed on the primary, and the standby may lack it.
 */
export async function commit(client: Client, { statementTimeout }: TimeLimits = {}): Promise<void> {
  await client.query(statementTimeout === undefined ? 'commit' : 'set local statement_timeout = 0; commit')
}

function settingsOf({ lockTimeout, statementTimeout, readOnly }: TimeLimits): string[] {
  const settings: string[] = []
  if (readOnly) settings.push('set transaction read only')
  if (lockTimeout !== undefined) settings.push(`set local lock_timeout = ${lockTimeout}`)
  if (statementTimeout !== undefined) settings.push(`set local statement_timeout = ${statementTimeout}`)
  return settings
}
