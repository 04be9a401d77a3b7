import type { Client } from '../write/plan.ts'
import { Connection } from './connection.ts'
import { SNAPSHOT } from './settings.ts'

/** What differs in one transaction from the settings of its connection; times in milliseconds. */
export interface TimeLimits {
  readonly lockTimeout?: number
  readonly statementTimeout?: number
  readonly readOnly?: boolean
  /** All of its queries see one moment; it writes nothing and locks no row. */
  readonly isSnapshot?: boolean
}

/**
 * Begins a transaction. Every transaction that Nightpost opens begins here, so that its settings have one place:
 * behind a pooler that keeps none for a session, they are part of the same message.
 */
export async function begin(client: Client, limits: TimeLimits = {}): Promise<void> {
  const { isSnapshot = false } = limits
  const plain = isSnapshot ? `begin ${SNAPSHOT}` : 'begin'
  const opening = client instanceof Connection ? client.opening(isSnapshot) : plain
  await client.query([opening, ...settingsOf(limits)].join('; '))
}

/**
 * Commits. A time limit of the transaction's statements does not hold for it: with a synchronous standby, a commit that
 * is cut short has happened, and says so, while the standby may lack it.
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
